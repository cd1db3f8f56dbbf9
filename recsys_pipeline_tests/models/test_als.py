"""ALS: folding in is the least-squares solve, whatever the number of threads."""

import numpy as np
import pytest

from recsys_pipeline.models.als import Als
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import AlsConfig


@pytest.mark.parametrize("alpha", [1.0, 8.0])
def test_folding_in_is_the_least_squares_solve(make_data, sparse_weights, alpha) -> None:
    weights = sparse_weights(50, 30)
    data = make_data(weights)
    config = AlsConfig(factors=5, regularization=0.7, alpha=alpha)
    model = Als(config).fit(data, np.random.default_rng(0))
    items = model.item_factors_.astype(np.float64)
    for row, folded in enumerate(model.fold_in(data.batch())):
        confidence = 1 + alpha * weights[row]
        left = items.T @ (confidence[:, None] * items) + 0.7 * np.eye(5)
        right = items.T @ (confidence * (weights[row] > 0))
        np.testing.assert_allclose(folded, np.linalg.solve(left, right), atol=1e-4)


def test_threads_change_nothing(make_data, sparse_weights) -> None:
    data = make_data(sparse_weights(200, 60))
    one, many = (
        Als(AlsConfig(factors=8, threads=threads)).fit(data, np.random.default_rng(4))
        for threads in (1, 2)
    )
    assert np.array_equal(one.item_factors_, many.item_factors_)


def test_items_and_users_without_likes_score_zero(make_data, sparse_weights) -> None:
    weights = sparse_weights(50, 30)
    weights[7] = 0
    data = make_data(weights)
    scores = Als(AlsConfig(factors=4)).fit(data, np.random.default_rng(0)).score(data.batch())
    assert not scores[:, -1].any()
    assert not scores[7].any()
    assert scores[6].any()


@pytest.mark.parametrize("threads", [0, 1])
def test_large_batches_get_the_lists_of_small_ones(make_data, sparse_weights, threads) -> None:
    weights = sparse_weights(400, 90)
    weights[3] = 0
    data = make_data(weights)
    config = AlsConfig(factors=8, threads=threads)
    model = Als(config).fit(data, np.random.default_rng(0))
    batch, allowed = data.batch(), np.arange(90) % 4 > 0
    for k in (7, 95):
        items, scores = model.recommend(batch, k, allowed=allowed)
        expected, values = Recommender.recommend(model, batch, k, allowed=allowed)
        np.testing.assert_allclose(scores, values, atol=1e-5)
        assert (items == expected).mean() > 0.999
        alone = model.recommend(batch.take(slice(5, 6)), k, allowed=allowed)
        np.testing.assert_allclose(scores[5:6], alone[1], atol=1e-5)
