"""EASE against the formula in numpy, from either side, and its memory limit."""

import numpy as np
import pytest

from recsys_pipeline.errors import MemoryLimitError
from recsys_pipeline.models.config import EaseConfig
from recsys_pipeline.models.ease import Ease

RNG = np.random.default_rng(0)


def oracle(weights: np.ndarray, regularization: float, *, symmetric: bool) -> np.ndarray:
    """Scores by eq. 8 of Steck (2019), with every item in the inverse."""
    penalty = regularization * np.mean(weights[weights > 0] ** 2)
    inverse = np.linalg.inv(weights.T @ weights + penalty * np.eye(weights.shape[1]))
    model = -inverse * penalty if symmetric else -inverse / np.diag(inverse)
    np.fill_diagonal(model, 0)
    return weights @ model


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shape", [(60, 25), (25, 60), (30, 30)])
def test_scores_are_those_of_the_formula(make_data, sparse_weights, shape, symmetric) -> None:
    weights = sparse_weights(*shape)
    data = make_data(weights)
    model = Ease(EaseConfig(regularization=3, symmetric=symmetric)).fit(data, RNG)
    assert (model.weights_ is None) == (shape[0] < shape[1] - 1)
    expected = oracle(weights, 3, symmetric=symmetric)
    np.testing.assert_allclose(model.score(data.batch()), expected, atol=1e-5)


@pytest.mark.parametrize("symmetric", [True, False])
def test_both_sides_agree(make_data, sparse_weights, symmetric) -> None:
    data = make_data(sparse_weights(40, 80))
    model = Ease(EaseConfig(regularization=3, symmetric=symmetric)).fit(data, RNG)
    factored = model.score(data.batch())
    assert model.factors_ is not None
    matrix = data.history[:, model.items_]
    model.weights_, model.factors_ = model._items_side(matrix), None
    np.testing.assert_allclose(model.score(data.batch()), factored, atol=1e-5)


def test_a_large_matrix_is_mirrored_block_by_block(make_data, sparse_weights, monkeypatch) -> None:
    weights = sparse_weights(90, 40)
    monkeypatch.setattr("recsys_pipeline.models.ease.row_blocks", lambda n, size: _sevens(n))
    model = Ease(EaseConfig(regularization=3)).fit(make_data(weights), RNG)
    np.testing.assert_allclose(
        model.score(make_data(weights).batch()), oracle(weights, 3, symmetric=True), atol=1e-5
    )


def _sevens(n: int) -> list[slice]:
    return [slice(start, min(start + 7, n)) for start in range(0, n, 7)]


def test_the_unit_of_the_weights_does_not_matter(make_data, sparse_weights) -> None:
    weights = sparse_weights(60, 25)
    lists = []
    for scaled in (weights, weights * 10):
        data = make_data(scaled)
        lists.append(Ease().fit(data, RNG).recommend(data.batch(), 5)[0])
    assert np.array_equal(*lists)


def test_too_large_a_model_is_refused_with_figures_and_a_way_out(make_data) -> None:
    data = make_data(np.ones((300, 200)))
    with pytest.raises(MemoryLimitError, match=r"about 0 MB for 200 movies") as caught:
        Ease(EaseConfig(memory_limit_mb=0.4)).fit(data, RNG)
    assert "als" in caught.value.hint
    assert "memory_limit_mb" in caught.value.hint
    assert Ease(EaseConfig(memory_limit_mb=0.5)).fit(data, RNG).n_items_ == 200


def test_the_smaller_side_needs_less_memory(make_data) -> None:
    data = make_data(
        np.eye(10, 3000, dtype=float) + (np.arange(3000) % 10 == np.arange(10)[:, None])
    )
    assert Ease(EaseConfig(memory_limit_mb=1)).fit(data, RNG).factors_.shape == (3000, 10)
