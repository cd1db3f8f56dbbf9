"""Popularity, random and item_knn: figures worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.models.config import ItemKnnConfig, PopularityConfig
from recsys_pipeline.models.item_knn import ItemKnn
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.random_order import RandomOrder

RNG = np.random.default_rng(0)
DAY = 86_400_000_000


@pytest.mark.parametrize("year", [1970, 1998, 2023])
@pytest.mark.parametrize("days_before_as_of", [0, 4000])
def test_a_like_halves_with_each_half_life(make_data, year, days_before_as_of) -> None:
    as_of = pd.Timestamp(f"{year}-12-31", tz="UTC")
    newest = int(as_of.to_datetime64().astype("datetime64[us]").astype(np.int64))
    newest -= days_before_as_of * DAY
    # Item 0 has one new like, item 1 two of age 10 days, item 2 one of age 20 days at weight 0.5.
    weights = np.array([[1, 1, 0.5, 0], [0, 1, 0, 0]])
    time = newest - np.array([[0, 10, 20, 0], [0, 10, 0, 0]]) * DAY
    data = make_data(weights, time=time, as_of=as_of)
    model = Popularity(PopularityConfig(half_life_days=5)).fit(data, RNG)
    expected = np.array([1, 2 / 4, 0.5 / 16, 0])
    np.testing.assert_allclose(model.score(data.batch()), np.tile(expected, (2, 1)), rtol=1e-6)


@pytest.mark.parametrize("half_life", [None, 5.0])
def test_without_times_or_half_life_all_likes_count_alike(make_data, half_life) -> None:
    weights = np.array([[1, 1, 0.5, 0], [0, 1, 0, 0]])
    time = None if half_life else np.arange(8).reshape(2, 4) * DAY
    data = make_data(weights, time=time)
    model = Popularity(PopularityConfig(half_life_days=half_life)).fit(data, RNG)
    np.testing.assert_allclose(model.popularity_, [0.5, 1, 0.25, 0])


def test_dislikes_do_not_count_as_popularity(make_data) -> None:
    label = np.array([[1, 0], [0, 0]])
    model = Popularity().fit(make_data(np.ones((2, 2)), label=label), RNG)
    assert model.popularity_.tolist() == [1, 0]


def test_random_is_uniform_and_personal_and_repeatable(make_data, sparse_weights) -> None:
    data = make_data(sparse_weights(200, 300))
    model = RandomOrder().fit(data, np.random.default_rng(1))
    scores = model.score(data.batch())
    assert 0 <= scores.min() < 0.001
    assert 0.999 < scores.max() < 1
    assert abs(scores.mean() - 0.5) < 0.01
    between_users = np.corrcoef(scores)[np.triu_indices(200, k=1)]
    assert np.abs(between_users).max() < 0.35
    assert abs(between_users.mean()) < 0.01
    other = RandomOrder().fit(data, np.random.default_rng(2)).score(data.batch())
    assert abs(np.corrcoef(scores.ravel(), other.ravel())[0, 1]) < 0.02


def test_users_with_equal_views_share_a_random_order(make_data) -> None:
    data = make_data(np.array([[1, 1, 0, 0], [0.5, 0.4, 0, 0], [1, 0, 1, 0]]))
    scores = RandomOrder().fit(data, RNG).score(data.batch())
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_cosine_neighbours_by_hand(make_data) -> None:
    # Items 0 and 1 share one of two users each; item 2 stands alone.
    weights = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    data = make_data(weights)
    model = ItemKnn(ItemKnnConfig(similarity="cosine")).fit(data, RNG)
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = 0.5
    np.testing.assert_allclose(model.similarity_.toarray(), expected)
    assert model.knows(data.batch()).tolist() == [True, True, True, False]


@pytest.mark.parametrize("similarity", ["cosine", "bm25"])
def test_only_the_nearest_neighbours_are_kept(make_data, sparse_weights, similarity) -> None:
    data = make_data(sparse_weights(80, 40))
    few, all_ = (
        ItemKnn(ItemKnnConfig(similarity=similarity, neighbours=count)).fit(data, RNG).similarity_
        for count in (5, 40)
    )
    assert np.diff(few.indptr).max() <= 6
    assert not all_.diagonal().any()
    for row in range(39):
        kept, others = few[row].toarray()[0], all_[row].toarray()[0]
        assert set(kept[kept > 0]) <= set(others)
        assert kept[kept > 0].min() >= np.sort(others)[-6]
