"""Movies like a movie: cosines by hand, and nothing that may not be shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import AlsConfig, EaseConfig, make
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.ranking import Panel, ReleasedModel
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RulesConfig
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE
from recsys_pipeline.ranking.similar import Likenesses, Products, Rows, informant, similar

ROWS = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [2, 2], [1, -1]], dtype=np.float32)
"""Movies 1 and 4 point the same way, 3 nowhere, and 5 away from 2."""

HALF = np.float32(np.sqrt(0.5))


def likenesses() -> Likenesses:
    """By `ROWS`; movie 3 is like 0 and 5 by content."""
    content = np.array([[1, 0], [0, 0], [0, 0], [1, 0], [0, 0], [3, 4]], dtype=np.float32)
    return Likenesses(Rows.of(ROWS), Rows.of(sp.csr_matrix(content)))


def fitted(data: Dataset, name: str, config: object = None) -> ReleasedModel:
    names = {"popularity": None, name: config}
    rng = np.random.default_rng(2)
    generators = {each: make(each, settings).fit(data, rng) for each, settings in names.items()}
    return ReleasedModel(
        Panel(generators), name, {}, data.items, data.movies, data.as_of, Catalogue.of(data)
    )


@pytest.mark.parametrize(
    ("item", "items", "scores"),
    [
        (0, [1, 4, 5], [HALF, HALF, HALF]),
        (1, [4, 0, 2], [1, HALF, HALF]),
        (2, [1, 4], [HALF, HALF]),
        (3, [0, 5], [1, 0.6]),
    ],
)
def test_likeness_is_the_cosine_and_ties_are_by_item(item, items, scores) -> None:
    """Movie 5 has a cosine below 0 with movie 2; movie 3 is not known but by its content."""
    found, values = similar(likenesses(), item, 10)
    assert found.dtype == np.int32
    assert values.dtype == np.float32
    assert found.tolist() == items
    np.testing.assert_allclose(values, scores, rtol=1e-6)


def test_of_many_only_the_likest_are_taken_and_only_allowed_ones() -> None:
    assert similar(likenesses(), 1, 2)[0].tolist() == [4, 0]
    assert similar(likenesses(), 1, 0)[0].tolist() == []
    allowed = np.array([True, True, True, True, False, True])
    assert similar(likenesses(), 1, 2, allowed)[0].tolist() == [0, 2]


@pytest.mark.parametrize("item", [-1, 6])
def test_a_movie_that_is_not_there_is_refused(item: int) -> None:
    with pytest.raises(ModelError, match="no movie at place"):
        similar(likenesses(), item, 3)


@pytest.mark.parametrize("symmetric", [True, False])
def test_products_of_factors_are_those_of_the_weights_never_made(symmetric: bool) -> None:
    factors = np.random.default_rng(1).normal(0, 0.2, (7, 3)).astype(np.float32)
    explained = (factors**2).sum(axis=1)
    weights = factors @ factors.T / (1 if symmetric else 1 - explained)
    np.fill_diagonal(weights, 0)
    model = Ease(EaseConfig(symmetric=symmetric))
    model.items_ = np.array([0, 1, 3, 4, 5, 6, 8], dtype=np.int32)
    by_factors = Products.of(model, factors, 9)
    by_weights = Rows.of(weights.astype(np.float32), model.items_, 9)
    others = np.arange(9) != 4
    np.testing.assert_allclose(by_factors(4)[others], by_weights(4)[others], atol=1e-5)
    assert by_factors(4)[[2, 7]].tolist() == by_weights(2)[[2, 7]].tolist() == [0, 0]


def test_who_says_which_movies_are_alike(panel: Panel, small: Dataset) -> None:
    assert informant(panel, "item_knn") == "item_knn"
    assert informant(panel, "profile") is None
    assert informant(panel, TWO_STAGE) == "item_knn"
    blend = Blend({"popularity": 1.0, "item_knn": 0.1}, ("item_knn",), 0.0)
    assert informant(replace(panel, blend=blend), BLEND) == "item_knn"
    ease = make("ease").fit(small, np.random.default_rng(0))
    both = replace(panel, generators={**panel.generators, "ease": ease}, blend=blend)
    assert informant(both, TWO_STAGE) == "ease"
    assert informant(both, BLEND) == "item_knn"


@pytest.mark.parametrize(
    ("name", "config"), [("ease", None), ("item_knn", None), ("als", AlsConfig(factors=4))]
)
def test_every_recommender_gives_likenesses_from_0_to_1(small: Dataset, name, config) -> None:
    model = fitted(small, name, config)
    for item in range(small.n_items):
        items, scores = model.similar(item, 5)
        assert item not in items
        assert len(items) == len(set(items.tolist())) > 0
        assert ((scores > 0) & (scores <= 1)).all()
        assert (np.diff(scores) <= 0).all()


def test_a_profile_model_goes_by_content_of_the_movies_alone(small: Dataset) -> None:
    model = fitted(small, "profile")
    vectors = make("content").fit(small, np.random.default_rng(0)).vectors_.toarray()
    items, scores = model.similar(3, 4)
    np.testing.assert_allclose(scores, (vectors @ vectors[3])[items], atol=1e-6)


def test_what_may_not_be_shown_is_like_nothing(small: Dataset) -> None:
    model = fitted(small, "ease")
    first = int(model.similar(0, 1)[0][0])
    rules = RulesConfig(blocked_movies=(int(small.items.values[first]),))
    assert first not in replace(model, rules=rules).similar(0, small.n_items)[0]
    until = pd.Series(pd.NaT, index=small.movies.index, dtype="datetime64[us, UTC]")
    until[first] = small.as_of
    leaving = replace(model, movies=small.movies.assign(**{n.AVAILABLE_UNTIL: until}))
    assert first in leaving.similar(0, small.n_items)[0]
    later = small.as_of + pd.Timedelta(seconds=1)
    assert first not in leaving.similar(0, small.n_items, as_of=later)[0]
