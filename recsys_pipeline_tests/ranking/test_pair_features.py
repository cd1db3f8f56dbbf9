"""Every feature of a pair, worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, Events, UserBatch
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking.features import PairFeatures

NAN = np.nan
ALL_PAIRS = (np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3))


def table(features: PairFeatures, users: UserBatch) -> dict[str, np.ndarray]:
    """Each feature as a matrix of users and movies."""
    values = features.transform(users, *ALL_PAIRS)
    assert values.dtype == np.float32
    assert values.shape == (12, len(PairFeatures.names))
    return {name: values[:, i].reshape(3, 4) for i, name in enumerate(PairFeatures.names)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("genre_match", [[1, 0.5, 0, NAN], [0, 0.5, 1, NAN], [NAN] * 4]),
        (n.AGE, [[20] * 4, [40] * 4, [NAN] * 4]),
        (n.SUBSCRIPTION_MONTHS, [[NAN] * 4] * 3),
        (n.SESSIONS_PER_WEEK, [[NAN] * 4] * 3),
        ("segment", [[1] * 4, [0] * 4, [NAN] * 4]),
        ("movie_age", [[24, 14, 4, NAN]] * 3),
        (n.DURATION_MINUTES, [[100, 120, 90, NAN]] * 3),
        (n.MEAN_RATING, [[4, 3, NAN, 2]] * 3),
        (n.RATING_COUNT, [[NAN] * 4] * 3),
        ("first_genre", [[0, 0, 1, NAN]] * 3),
        ("minutes_per_year_of_age", [[5, 6, 4.5, NAN], [2.5, 3, 2.25, NAN], [NAN] * 4]),
        # Likes plus 20 events at the overall 3 of 4, over events plus 20.
        ("like_rate", [[16 / 21, 16 / 21, 16 / 22, 15 / 20]] * 3),
        (
            "segment_genre_rate",
            [
                [16 / 21, 16 / 21, 15 / 21, NAN],
                [16 / 21, 16 / 21, 16 / 21, NAN],
                [0.75, 0.75, 0.75, NAN],
            ],
        ),
        ("popularity", [[np.log(2), np.log(2), np.log(2), 0]] * 3),
        ("history_length", [[1] * 4, [2] * 4, [0] * 4]),
        (
            "history_genre_likeness",
            [
                [1, 1 / np.sqrt(2), 0, NAN],
                [1 / np.sqrt(5), 3 / np.sqrt(10), 2 / np.sqrt(5), NAN],
                [NAN] * 4,
            ],
        ),
        ("history_year_distance", [[0, 10, 20, NAN], [15, 5, 5, NAN], [NAN] * 4]),
    ],
)
def test_a_feature(tiny: Dataset, name: str, expected: list) -> None:
    found = table(PairFeatures().fit(tiny), tiny.batch())
    np.testing.assert_allclose(found[name], np.array(expected, dtype=float), rtol=1e-6)


def test_every_feature_is_covered_above() -> None:
    marks = test_a_feature.pytestmark[0].args[1]
    assert {name for name, _ in marks} == set(PairFeatures.names)


def test_with_likes_only_a_segment_counts_by_how_much_more_it_watches(tiny: Dataset) -> None:
    events = tiny.events
    likes = Events(
        events.user, events.item, events.time, np.ones(4, bool), np.ones(4, np.float32), None
    )
    data = Dataset(tiny.users, tiny.items, likes, tiny.profiles, tiny.movies, tiny.as_of)
    found = table(PairFeatures().fit(data), data.batch())
    # Young: one drama, one war film; adult: the same. Each is as often as expected: rate 1.
    np.testing.assert_allclose(found["segment_genre_rate"][:2, :3], 1)
    np.testing.assert_allclose(found["like_rate"], 1)
    dramas = Events(
        np.array([0, 0, 1, 1], np.int32), np.array([0, 0, 2, 2], np.int32), None,
        np.ones(4, bool), np.ones(4, np.float32), None,
    )  # fmt: skip
    apart = Dataset(tiny.users, tiny.items, dramas, tiny.profiles, tiny.movies, None)
    found = table(PairFeatures().fit(apart), apart.batch())
    # Two dramas where one was expected: (2 + 20) / (1 + 20); no war film: 20 / 21.
    np.testing.assert_allclose(
        found["segment_genre_rate"][0, [0, 2]], [22 / 21, 20 / 21], rtol=1e-6
    )


def test_without_a_moment_the_newest_movie_is_new(tiny: Dataset) -> None:
    undated = tiny.cut(np.ones(4, bool), None)
    found = table(PairFeatures().fit(undated), undated.batch())
    assert found["movie_age"][0, :3].tolist() == [20, 10, 0]


def test_a_pair_does_not_depend_on_the_pairs_beside_it(tiny: Dataset) -> None:
    features = PairFeatures().fit(tiny)
    together = features.transform(tiny.batch(), *ALL_PAIRS)
    for place, (user, item) in enumerate(zip(*ALL_PAIRS, strict=True)):
        alone = features.transform(tiny.batch(np.array([user])), np.array([0]), np.array([item]))
        np.testing.assert_array_equal(alone[0], together[place])


def test_no_pairs_give_no_rows(tiny: Dataset) -> None:
    nothing = np.empty(0, dtype=np.int32)
    found = PairFeatures().fit(tiny).transform(tiny.batch(), nothing, nothing)
    assert found.shape == (0, len(PairFeatures.names))


def test_bare_tables_give_missing_values_and_no_warning(tiny: Dataset) -> None:
    bare = Dataset(
        tiny.users,
        tiny.items,
        tiny.events,
        tiny.profiles[[n.USER_ID]],
        tiny.movies[[n.MOVIE_ID]],
        None,
    )
    found = table(PairFeatures().fit(bare), bare.batch())
    known = {name for name, values in found.items() if np.isfinite(values).all()}
    assert known == {"popularity", "like_rate", "history_length"}


def test_events_after_the_cut_change_nothing(tiny: Dataset) -> None:
    before = np.arange(4) < 2
    events = tiny.events
    assert events.label is not None
    changed = Events(
        np.where(before, events.user, 2).astype(np.int32),
        np.where(before, events.item, 3).astype(np.int32),
        events.time,
        events.positive | ~before,
        events.weight,
        np.where(before, events.label, 1).astype(np.float32),
    )
    other = Dataset(tiny.users, tiny.items, changed, tiny.profiles, tiny.movies, tiny.as_of)
    cuts = [data.cut(before, tiny.as_of) for data in (tiny, other)]
    first, second = (PairFeatures().fit(cut).transform(cut.batch(), *ALL_PAIRS) for cut in cuts)
    np.testing.assert_array_equal(first, second)


def test_saved_and_loaded_it_says_the_same(tiny: Dataset, tmp_path: Path) -> None:
    features = PairFeatures().fit(tiny)
    features.save(tmp_path / "features")
    loaded = PairFeatures.load(tmp_path / "features")
    np.testing.assert_array_equal(
        features.transform(tiny.batch(), *ALL_PAIRS), loaded.transform(tiny.batch(), *ALL_PAIRS)
    )


@pytest.mark.parametrize("damage", ["no json", "no keys", "half the arrays"])
def test_what_is_not_whole_is_refused(tiny: Dataset, tmp_path: Path, damage: str) -> None:
    PairFeatures().fit(tiny).save(tmp_path)
    text, arrays = tmp_path / "pair_features.json", tmp_path / "pair_features.npz"
    if damage == "no json":
        text.unlink()
    elif damage == "no keys":
        text.write_text(json.dumps({}))
    else:
        arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(ModelError, match="pair features") as caught:
        PairFeatures.load(tmp_path)
    assert "recsys run" in caught.value.hint


def test_a_segment_that_is_new_counts_as_unknown(tiny: Dataset) -> None:
    features = PairFeatures().fit(tiny)
    batch = tiny.batch()
    profiles = batch.profiles.assign(**{n.SEGMENT: pd.Series(["teen"] * 3, dtype="str")})
    found = table(features, UserBatch(batch.history, batch.seen, profiles))
    assert np.isnan(found["segment"]).all()
    assert (found["segment_genre_rate"][:, :3] == 0.75).all()
