"""One request: its own dials, moment and language; and many of them at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.models import make
from recsys_pipeline.ranking import Lists, Panel, ReleasedModel
from recsys_pipeline.ranking.availability import Availability
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE

K = 5
PRIMARIES = ("popularity", "item_knn", "profile", "taste", "ease", "content", "clusters")


@pytest.fixture(scope="module")
def model(panel: Panel, small: Dataset) -> ReleasedModel:
    rng = np.random.default_rng(4)
    further = {
        name: make(name).fit(small, rng) for name in PRIMARIES if name not in panel.generators
    }
    blend = Blend({"taste": 0.5, "ease": 1.0}, ("ease",), half_length=3.0)
    wide = replace(panel, generators={**panel.generators, **further}, blend=blend)
    return ReleasedModel(
        wide, "taste", {}, small.items, small.movies, small.as_of, Catalogue.of(small)
    )


def same(first: Lists, second: Lists) -> None:
    for each in fields(Lists):
        a, b = getattr(first, each.name), getattr(second, each.name)
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, atol=1e-6)
        else:
            np.testing.assert_array_equal(a, b)


def test_dials_of_a_request_take_the_place_of_the_models(
    model: ReleasedModel, small: Dataset
) -> None:
    users = small.batch()
    dials = RerankingConfig(diversity=1, exploration_slots=0)
    asked = model.recommend(users, K, reranking=dials)
    same(asked, replace(model, reranking=dials).recommend(users, K))
    assert (asked.items != model.recommend(users, K).items).any()


def test_movies_are_there_at_the_moment_of_the_request(
    model: ReleasedModel, small: Dataset
) -> None:
    half = small.n_items // 2
    start = pd.Series(pd.NaT, index=small.movies.index, dtype="datetime64[us, UTC]")
    start[half:] = small.as_of + pd.Timedelta(days=1)
    coming = replace(model, movies=small.movies.assign(**{n.AVAILABLE_FROM: start}))
    users, later = small.batch(), small.as_of + pd.Timedelta(days=1)
    assert coming.recommend(users, K).items.max() < half
    same(coming.recommend(users, K, as_of=later), model.recommend(users, K))
    assert coming.candidates(users, K).items.max() < half
    assert coming.candidates(users, K, as_of=later).items.max() >= half


def test_both_moments_of_availability_belong_to_it() -> None:
    days = pd.Series(pd.to_datetime(["2024-01-02", None, "2024-01-05"], utc=True)).dt.as_unit("us")
    movies = pd.DataFrame({n.AVAILABLE_FROM: days, n.AVAILABLE_UNTIL: days})
    found = Availability.of(movies)
    for day, there in (
        ("2024-01-01", [False, True, False]),
        ("2024-01-02", [True, True, False]),
        ("2024-01-05", [False, True, True]),
    ):
        allowed = found.at(pd.Timestamp(day, tz="UTC"))
        assert allowed is not None
        assert allowed.tolist() == there
    assert found.at(None) is None
    assert Availability.of(movies[[]]).at(pd.Timestamp("2024-01-01", tz="UTC")) is None


def test_reasons_come_in_the_language_asked_for(model: ReleasedModel, small: Dataset) -> None:
    users = small.batch()
    lists = model.recommend(users, K)
    french = replace(model, language="fr").reasons(users, lists).tolist()
    assert model.reasons(users, lists, "fr").tolist() == french
    assert model.reasons(users, lists).tolist() != french


@pytest.mark.parametrize("primary", [*PRIMARIES, BLEND, TWO_STAGE])
def test_many_requests_at_once_get_what_the_batch_gets(
    model: ReleasedModel, small: Dataset, primary: str
) -> None:
    """A freshly made model, so that what it works out once is worked out under way."""
    chosen = replace(model, primary=primary)
    users, keys = small.batch(), np.arange(small.n_users, dtype=np.uint64)
    whole = chosen.recommend(users, K, keys=keys)
    reasons = chosen.reasons(users, whole)
    fresh = replace(chosen)

    def answer(user: int) -> tuple[Lists, list[str]]:
        rows = np.array([user])
        alone = users.take(rows)
        lists = fresh.recommend(alone, K, keys=keys[rows])
        return lists, fresh.reasons(alone, lists)[0].tolist()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(answer, range(small.n_users)))
    for user, (lists, why) in enumerate(answers):
        np.testing.assert_array_equal(lists.items[0], whole.items[user])
        np.testing.assert_allclose(lists.scores[0], whole.scores[user], atol=1e-6)
        np.testing.assert_array_equal(lists.sources[0], whole.sources[user])
        assert why == reasons[user].tolist()


def test_a_model_fitted_anew_forgets_what_it_saw(small: Dataset) -> None:
    """The same batch, asked about before and after."""
    users = small.batch(np.arange(3, 9))
    half = small.cut(np.arange(len(small.events)) % 2 == 0, small.as_of)
    for name in ("ease", "content", "taste", "clusters"):
        model = make(name).fit(half, np.random.default_rng(1))
        before = model.score(users)
        model.fit(small, np.random.default_rng(1))
        expected = (
            make(name).fit(small, np.random.default_rng(1)).score(small.batch(np.arange(3, 9)))
        )
        np.testing.assert_allclose(model.score(users), expected, atol=1e-6)
        assert name == "content" or not np.allclose(before, expected, atol=1e-6)


def test_a_batch_keeps_what_was_made_of_it(small: Dataset) -> None:
    users, made = small.batch(np.array([4])), []
    for _ in range(2):
        assert users.once("answer", lambda: made.append(1) or 42) == 42
    assert made == [1]
    assert users.take(slice(None)) is users
    assert users.take(np.array([0])) is users
    assert len(small.batch().take(np.arange(3))) == 3
    assert small.batch(np.array([4, 5])).take(np.array([1, 0])).seen[1].nnz == users.seen.nnz
