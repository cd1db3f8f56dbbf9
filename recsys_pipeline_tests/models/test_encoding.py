"""Profiles and movies as features: values, gaps, unknown values, and the way to JSON and back."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable, multi_hot
from recsys_pipeline.models.columns import Hats, MultiHot, OneHot, hat_features, quantile_knots
from recsys_pipeline.models.encoding import MovieEncoder, ProfileEncoder

TEXTS = pd.ArrowDtype(pa.list_(pa.string()))


def profiles() -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.USER_ID: [1, 2, 3, 4],
            n.AGE: [20.0, 40.0, np.nan, 60.0],
            n.SEGMENT: pd.Series(["young", "adult", None, "adult"], dtype="str"),
            n.PREFERRED_GENRES: pd.Series([["War", "War"], ["Drama"], None, []], dtype=TEXTS),
            n.SIGNUP_AT: pd.to_datetime(
                ["2020-01-01", "2021-01-01", "2022-01-01", None], utc=True
            ).astype("datetime64[us, UTC]"),
            n.HISTORY_LENGTH: pd.array([1, 2, 3, 4], dtype="Int64"),
            "newsletter": pd.array([True, False, None, True], dtype="boolean"),
            "visits": pd.array([1, 2, 3, None], dtype="Int64"),
            "plan": "basic",
            "score": 1.5,
            "empty": np.nan,
        }
    )


def test_a_profile_becomes_named_features() -> None:
    encoder = ProfileEncoder.fit(profiles())
    features = encoder.transform(profiles())
    assert features.dtype == np.float32
    assert features.shape == (4, len(encoder.names))
    assert np.isfinite(features).all()
    named = dict(zip(encoder.names, features.T.tolist(), strict=True))
    assert named["age~20"] == pytest.approx([1, 0, 1 / 3, 0])
    assert named["age missing"] == [0, 0, 1, 0]
    assert named["segment=adult"] == pytest.approx([0, 1, 2 / 3, 1])
    assert named["preferred_genres:War"] == [1, 0, 0.5, 0.5]
    assert named["preferred_genres missing"] == [0, 0, 1, 1]
    assert named["newsletter~1"] == pytest.approx([1, 0, 2 / 3, 1])
    assert named["visits~3"] == pytest.approx([0, 0, 1, 1 / 3])
    columns = {encoder.column for encoder in encoder.encoders}
    assert columns.isdisjoint({n.USER_ID, n.HISTORY_LENGTH})
    assert encoder.skipped == {
        "plan": "the same text in every row",
        "score": "the same number in every row",
        "empty": "no value",
    }


def test_unknown_and_absent_values_count_as_the_average_row() -> None:
    encoder = ProfileEncoder.fit(profiles())
    strange = pd.DataFrame(
        {n.SEGMENT: pd.Series(["martian"], dtype="str"), n.PREFERRED_GENRES: [["Opera"]]}
    )
    nothing = pd.DataFrame(index=[0])
    assert np.array_equal(encoder.transform(strange), encoder.transform(nothing))
    assert not encoder.known(strange).any()
    assert encoder.known(profiles()).all()
    assert encoder.known(profiles()[[n.AGE]]).tolist() == [True, True, False, True]


def test_encoders_survive_json() -> None:
    for encoder, table in (
        (ProfileEncoder.fit(profiles()), profiles()),
        (MovieEncoder.fit(movies()), movies()),
    ):
        again = type(encoder).from_dict(json.loads(json.dumps(encoder.to_dict())))
        assert again == encoder
        assert np.array_equal(again.transform(table), encoder.transform(table))


def movies() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            n.MOVIE_ID: np.arange(300),
            n.TITLE: [f"Film {row}" for row in range(300)],
            n.GENRES: [[["Drama"], ["War", "Drama"]][row % 2] for row in range(300)],
            n.YEAR: pd.array(rng.integers(1950, 2024, 300), dtype="Int64"),
            n.MEAN_RATING: rng.uniform(2.1, 4.4, 300),
            n.RATING_COUNT: rng.lognormal(5, 2, 300),
            n.AVAILABLE_FROM: pd.to_datetime(["2020-01-01"] * 300, utc=True),
            "director": [f"director {row}" for row in range(300)],
            "studio": [f"studio {row % 60}" for row in range(300)],
            "country": [f"country {row % 50}" for row in range(300)],
        }
    )


def test_movies_have_even_star_knots_and_logarithms_of_counts() -> None:
    encoder = MovieEncoder.fit(movies())
    hats = {one.column: one for one in encoder.encoders if isinstance(one, Hats)}
    assert hats[n.MEAN_RATING].knots == tuple(np.arange(2, 4.6, 0.25))
    assert hats[n.RATING_COUNT].log
    assert max(hats[n.RATING_COUNT].knots) < 15
    assert hats[n.YEAR].names[0].startswith("year~19")
    assert len(MovieEncoder.fit(movies(), bins=3).encoders[2].names) <= 7
    assert encoder.skipped == {
        "director": "300 different texts",
        "studio": "60 different texts",
    }
    assert len([name for name in encoder.names if name.startswith("country=")]) == 50


def test_rare_categories_share_one_feature() -> None:
    values = pd.Series(["a", "b", "a", "c", "b", None], name="x", dtype="str")
    encoder = OneHot.of(values, 2)
    assert encoder.names == ("x=a", "x=b", "x=(other)", "x missing")
    features, known = encoder.encode(values.to_frame())
    assert features[3].tolist() == [0, 0, 1, 0]
    assert known.tolist() == [True] * 5 + [False]
    assert encoder.encode(pd.DataFrame({"x": ["new"]}))[0].tolist() == [[0, 0, 1, 0]]


def test_hats_share_a_value_between_the_nearest_knots() -> None:
    features = hat_features(np.array([-5, 0, 2.5, 10, 99, np.nan]), [0, 10])
    assert features.tolist() == [[1, 0], [1, 0], [0.75, 0.25], [0, 1], [0, 1], [0, 0]]
    assert hat_features(np.array([3.0, np.nan]), [7]).tolist() == [[1], [0]]


def test_knots_are_few_values_or_quantiles() -> None:
    assert quantile_knots(np.array([2, 1, 2, np.nan]), 5) == (1, 2)
    knots = quantile_knots(np.arange(1001.0), 5)
    assert knots == (10, 250, 500, 750, 990)
    assert quantile_knots(np.array([np.nan]), 3) == ()


@pytest.mark.parametrize("dtype", [TEXTS, object])
def test_genres_of_movies_and_people_share_a_vocabulary(dtype) -> None:
    films = pd.DataFrame({n.GENRES: pd.Series([["War", "Drama"], None, ["Drama"]], dtype=dtype)})
    people = pd.DataFrame({n.PREFERRED_GENRES: pd.Series([["War", "War"], ["Opera"]], dtype=dtype)})
    table = GenreTable.of(films)
    assert table.vocabulary == ("Drama", "War")
    assert table.movies.toarray().tolist() == [[1, 1], [0, 0], [1, 0]]
    assert table.preferred(people).toarray().tolist() == [[0, 1], [0, 0]]
    assert table.movies.dtype == table.preferred(people).dtype == np.float32
    assert table.preferred(people[[]]).shape == (2, 2)
    assert GenreTable.of(films[[]]).movies.shape == (3, 0)


def test_multi_hot_reads_slices_of_a_column() -> None:
    column = pd.Series([["a"], ["b"], ["a", "b"], None], dtype=TEXTS)
    assert multi_hot(column.iloc[1:], ["a", "b"]).toarray().tolist() == [[0, 1], [1, 1], [0, 0]]
    joined = pd.concat([column, column], ignore_index=True)
    assert multi_hot(joined, ["b"]).toarray().ravel().tolist() == [0, 1, 1, 0] * 2
    assert MultiHot.of(column.rename("x"), 1).vocabulary == ("a",)
