"""Reasons are those of the model, and nothing is claimed that is not so."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset, Float32Array, UserBatch
from recsys_pipeline.models import EaseConfig, ProfileConfig, Recommender, make
from recsys_pipeline.models.base import top_k
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.reasons import (
    LEAST_COLUMN_SHARE,
    LEAST_GENRE_SHARE,
    LEAST_MOVIE_SHARE,
    explain,
    explain_mixed,
)
from recsys_pipeline.ranking.reasons_evidence import Evidence, Reason
from recsys_pipeline.ranking.reasons_history import contributions
from recsys_pipeline.ranking.reasons_profile import ProfileParts, profile_parts
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource

K = 5
NOTHING, NO_PROFILE, NEITHER, SEEN_ALL = 0, 1, 2, 3


@pytest.fixture(scope="module")
def models(small: Dataset) -> dict[str, Recommender]:
    configs = {"ease": EaseConfig(regularization=20), "profile": ProfileConfig(ridge=1)}
    names = ("ease", "profile", "taste", "popularity", "random", "content", "item_knn")
    return {
        name: make(name, configs.get(name)).fit(small, np.random.default_rng(3)) for name in names
    }


@pytest.fixture(scope="module")
def catalogue(small: Dataset) -> Catalogue:
    return Catalogue.of(small)


def listed(model: Recommender, users: UserBatch) -> np.ndarray:
    return top_k(model.score(users), users, K)[0]


def test_movies_of_the_history_are_named_where_they_count(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    for name in ("ease", "content", "item_knn"):
        items = listed(models[name], users)
        parts = contributions(models[name], users, items)
        assert parts is not None
        movies, shares = parts.strongest(2)
        found = explain(models[name], users, items, catalogue, likes_known=True)
        named = found.kinds == Reason.MOVIES_LIKED
        assert named.sum() > 100, name
        liked = users.history.toarray() > 0
        for row, place in zip(*np.nonzero(named), strict=True):
            assert found.movies[row, place, 0] == movies[row, place, 0]
            assert found.shares[row, place, 0] >= LEAST_MOVIE_SHARE
            for movie in found.movies[row, place]:
                assert movie < 0 or liked[row, movie]
        np.testing.assert_array_equal(
            found.shares[named], np.where(shares >= LEAST_MOVIE_SHARE, shares, 0)[named]
        )
        assert (found.movies[~named] == -1).all()
        met = explain(models[name], users, items, catalogue)
        assert set(np.unique(met.kinds[named])) == {Reason.MOVIES_MET}


def test_where_no_movie_counts_much_the_genre_or_the_whole_history_does(
    small: Dataset,
    models: dict[str, Recommender],
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recsys_pipeline.ranking.reasons.LEAST_MOVIE_SHARE", 2.0)
    users = small.batch()
    items = listed(models["content"], users)
    found = explain(models["content"], users, items, catalogue)
    kinds = set(np.unique(found.kinds))
    assert {Reason.HISTORY_GENRE, Reason.HISTORY} & kinds
    parts = contributions(models["content"], users, items)
    assert parts is not None
    share = parts.shares_by(catalogue.genres.movies)
    vocabulary = catalogue.genres.vocabulary
    genres = catalogue.genres.movies.toarray()
    rows, places = np.nonzero(found.kinds == Reason.HISTORY_GENRE)
    assert len(rows)
    for row, place in zip(rows, places, strict=True):
        genre = vocabulary.index(found.values[row, place])
        assert genres[items[row, place], genre]
        assert share[row, place, genre] >= LEAST_GENRE_SHARE
        assert found.shares[row, place, 0] == share[row, place, genre]
    for row, place in zip(*np.nonzero(found.kinds == Reason.HISTORY), strict=True):
        own = share[row, place] * genres[items[row, place]]
        assert own.max() < LEAST_GENRE_SHARE


def test_who_has_no_history_is_told_none(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch(np.array([NOTHING, NEITHER]))
    items = np.tile(np.arange(K, dtype=np.int32), (2, 1))
    for name in ("ease", "content", "item_knn"):
        kinds = explain(models[name], users, items, catalogue).kinds
        assert set(np.unique(kinds)) <= {Reason.POPULAR, Reason.OTHER}


def test_the_parts_of_a_profile_sum_to_the_score(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    genres = catalogue.genres.movies
    for name in ("profile", "taste"):
        model = models[name]
        scores = model.score(users)
        items = listed(model, users)
        parts = profile_parts(model, users, items, genres)
        centred = scores - scores.mean(axis=1, keepdims=True)
        expected = np.take_along_axis(centred, np.maximum(items, 0), axis=1)
        total = parts.general + parts.history + parts.columns.sum(axis=2)
        np.testing.assert_allclose(total[items >= 0], expected[items >= 0], atol=1e-4)
        assert (total[items < 0] == 0).all()
        assert (parts.features[[NO_PROFILE, NEITHER]] == -1).all()
        if name == "profile":
            assert (parts.history == 0).all()
            assert (parts.genres == -1).all()


def test_a_leaning_is_what_the_history_adds_to_all_movies_of_the_genre(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    taste, genres = models["taste"], catalogue.genres.movies.toarray()
    items = listed(taste, users)
    added = taste.score(users) - Profile.score(taste, users)
    added -= added.mean(axis=1, keepdims=True)
    parts = profile_parts(taste, users, items, catalogue.genres.movies)
    found = explain(taste, users, items, catalogue)
    rows, places = np.nonzero(found.kinds == Reason.HISTORY_LEANING)
    assert len(rows) > 5
    for row, place in zip(rows, places, strict=True):
        item = items[row, place]
        genre = catalogue.genres.vocabulary.index(found.values[row, place])
        assert genres[item, genre]
        leaning = added[row, genres[:, genre] > 0].mean()
        assert leaning == pytest.approx(parts.leanings[row, place], abs=1e-5)
        assert leaning >= LEAST_GENRE_SHARE * added[row, item] - 1e-5
        assert users.seen[row].nnz


def test_a_column_of_the_profile_is_named_where_the_user_has_a_value(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    items = listed(models["profile"], users)
    found = explain(models["profile"], users, items, catalogue)
    named = found.columns != None  # noqa: E711
    assert named.sum() > 100
    assert (found.shares[..., 0][named] >= LEAST_COLUMN_SHARE).all()
    assert not named[[NO_PROFILE, NEITHER]].any()
    genres = [set(each) for each in small.movies[n.GENRES]]
    seen = set()
    for row, place in zip(*np.nonzero(named), strict=True):
        kind, value = Reason(found.kinds[row, place]), found.values[row, place]
        profile = users.profiles.iloc[row]
        seen.add(kind)
        if kind in (Reason.PREFERRED_GENRE, Reason.GENRE_PEERS):
            assert value in profile[n.PREFERRED_GENRES]
            assert (value in genres[items[row, place]]) == (kind == Reason.PREFERRED_GENRE)
        elif kind == Reason.SEGMENT:
            assert value == profile[n.SEGMENT]
        elif kind == Reason.AGE:
            low, high = value
            assert (low or 0) <= profile[n.AGE] <= (high or 200)
        else:
            assert kind == Reason.COLUMN
    assert {Reason.PREFERRED_GENRE, Reason.AGE, Reason.SEGMENT} & seen


def test_the_planted_reason_is_found() -> None:
    """In the simulated world people like the genres that they say to prefer."""
    source = SimulatedSource(WorldConfig(users=800, movies=150, interactions=12_000))
    tables = source.read(source.newest_event())
    data = build_dataset(
        tables.users, tables.movies, tables.interactions, LikesConfig(), source.newest_event()
    )
    model = make("profile").fit(data, np.random.default_rng(0))
    users = data.batch()
    found = explain(model, users, listed(model, users), Catalogue.of(data))
    assert (found.kinds == Reason.PREFERRED_GENRE).mean() > 0.8


def test_what_is_not_known_of_a_user_is_no_reason(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch(np.array([NOTHING, NO_PROFILE, NEITHER]))
    items = np.tile(np.arange(small.n_items, dtype=np.int32), (3, 1))
    impersonal = {Reason.POPULAR, Reason.GENERAL, Reason.OTHER, Reason.NEW}
    profile = explain(models["profile"], users, items, catalogue).kinds
    taste = explain(models["taste"], users, items, catalogue).kinds
    assert set(np.unique(profile[[1, 2]])) <= impersonal
    assert set(np.unique(taste[2])) <= impersonal
    assert set(np.unique(taste[1])) <= impersonal | {Reason.HISTORY, Reason.HISTORY_LEANING}
    assert {Reason.HISTORY, Reason.HISTORY_LEANING} & set(taste[1])
    assert not {Reason.HISTORY, Reason.HISTORY_LEANING} & set(taste[0])


@pytest.mark.parametrize(
    ("column", "known", "general", "history", "kind"),
    [
        (0.3, True, 0.9, 0.0, Reason.AGE),
        (0.1, True, 0.9, 0.0, Reason.GENERAL),
        (0.3, True, 0.1, 0.6, Reason.HISTORY),
        (0.3, True, -0.2, 0.0, Reason.AGE),
        (0.3, False, -0.2, 0.0, Reason.OTHER),
        (0.1, False, 0.9, 0.0, Reason.GENERAL),
        (-0.3, True, -0.2, 0.0, Reason.OTHER),
        (-0.3, True, 0.2, 0.0, Reason.GENERAL),
    ],
)
def test_the_reason_is_what_adds_enough(
    small: Dataset,
    models: dict[str, Recommender],
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    column: float,
    known: bool,
    general: float,
    history: float,
    kind: Reason,
) -> None:
    columns = tuple(encoder.column for encoder in models["profile"].encoder_.encoders)
    values = np.zeros((1, 1, len(columns)), dtype=np.float32)
    features = np.full(values.shape, -1, dtype=np.int32)
    age = columns.index(n.AGE)
    values[..., age] = column
    features[..., age] = 0 if known else -1
    one = np.ones((1, 1), dtype=np.float32)
    parts = ProfileParts(
        columns, values, one * general, one * history, one * 0, -one.astype(np.int32), features
    )
    monkeypatch.setattr("recsys_pipeline.ranking.reasons.profile_parts", lambda *_: parts)
    unpopular = np.argmax(catalogue.popularity_rank).astype(np.int32).reshape(1, 1)
    found = explain(models["profile"], small.batch(slice(9, 10)), unpopular, catalogue)
    assert found.kinds[0, 0] == kind


def test_popular_is_said_of_what_is_popular(small: Dataset, models: dict[str, Recommender]) -> None:
    catalogue = Catalogue.of(small)
    users = small.batch(slice(4, 7))
    items = np.tile(np.arange(small.n_items, dtype=np.int32), (3, 1))
    found = explain(models["popularity"], users, items, catalogue)
    popular = catalogue.popular(0.5)
    assert (found.kinds == np.where(popular, Reason.POPULAR, Reason.OTHER)).all()


def test_a_random_order_is_called_random(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    items = listed(models["random"], users)
    found = explain(models["random"], users, items, catalogue)
    assert (found.kinds == np.where(items >= 0, Reason.RANDOM, Reason.NONE)).all()


def test_a_new_movie_of_the_user_s_genre_is_new(tiny: Dataset) -> None:
    movies = tiny.movies.assign(
        **{
            n.GENRES: pd.Series(
                [["Drama"], ["Drama"], ["War"], ["War"]], dtype=tiny.movies[n.GENRES].dtype
            )
        }
    )
    data = replace(tiny, movies=movies)
    model = make("content").fit(data, np.random.default_rng(0))
    users = data.batch()
    items = np.full((3, 1), 3, dtype=np.int32)
    found = explain(model, users, items, Catalogue.of(data))
    # The first likes drama, the second War; the third nothing.
    assert found.kinds[:, 0].tolist() == [Reason.OTHER, Reason.NEW, Reason.OTHER]
    assert found.values[1, 0] == "War"
    assert (found.movies[1] == -1).all()


def test_each_place_is_explained_by_what_put_it_there(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    items = listed(models["ease"], users)
    names = ("ease", "profile", "popularity")
    weights: dict[str, Float32Array] = {
        name: np.random.default_rng(number).random(items.shape).astype(np.float32)
        for number, name in enumerate(names)
    }
    weights["ease"][:5] = np.nan
    mixed = explain_mixed(models, weights, users, items, catalogue)
    stacked = np.nan_to_num(np.stack(list(weights.values())), nan=-1)
    for number, name in enumerate(names):
        alone = explain(models[name], users, items, catalogue)
        mine = stacked.argmax(axis=0) == number
        assert mine.sum() > 20
        for field in fields(Evidence):
            np.testing.assert_array_equal(
                getattr(mixed, field.name)[mine], getattr(alone, field.name)[mine]
            )


def test_nobody_s_reasons_depend_on_the_others_and_no_movie_has_none(
    small: Dataset, models: dict[str, Recommender], catalogue: Catalogue
) -> None:
    users = small.batch()
    for name, model in models.items():
        items = listed(model, users)
        whole = explain(model, users, items, catalogue, top=3)
        assert whole.movies.shape == (60, K, 3)
        assert ((whole.kinds == Reason.NONE) == (items < 0)).all(), name
        assert (whole.movies[items < 0] == -1).all()
        for row in (4, 20):
            alone = explain(model, users.take(np.array([row])), items[[row]], catalogue, top=3)
            for field in ("kinds", "movies", "columns", "values"):
                np.testing.assert_array_equal(
                    getattr(alone, field)[0], getattr(whole, field)[row], name
                )
        nobody = users.take(np.array([], dtype=int))
        assert explain(model, nobody, items[:0], catalogue).kinds.shape == (0, K)
