"""EASE against the formula in numpy, from either side, and its memory limit."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.errors import MemoryLimitError
from recsys_pipeline.models.config import EaseConfig
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.models.spectrum import Spectrum

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
    assert model.route_ == ("users" if shape[0] < 26 else "items")
    assert (model.weights_ is None) == (model.route_ == "users")
    expected = oracle(weights, 3, symmetric=symmetric)
    np.testing.assert_allclose(model.score(data.batch()), expected, atol=1e-5)


@pytest.mark.parametrize("symmetric", [True, False])
def test_both_sides_agree(make_data, sparse_weights, symmetric) -> None:
    data = make_data(sparse_weights(30, 80))
    model = Ease(EaseConfig(regularization=3, symmetric=symmetric)).fit(data, RNG)
    factored = model.score(data.batch())
    assert model.factors_ is not None
    matrix = data.history[:, model.items_]
    penalty = 3 * np.mean(matrix.data**2)
    model.weights_, model.factors_ = model._inverted(matrix.T @ matrix, penalty), None
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


def test_a_model_that_cannot_be_exact_is_made_of_its_strongest_factors(make_data) -> None:
    rng = np.random.default_rng(5)
    group = np.arange(400)[:, None] % 6 == np.arange(300) % 6
    data = make_data((rng.random(group.shape) < np.where(group, 0.5, 0.02)).astype(float))
    exact = Ease(EaseConfig(regularization=50)).fit(data, RNG)
    fitted = [
        Ease(EaseConfig(regularization=50, rank=12, memory_limit_mb=0.9)).fit(
            data, np.random.default_rng(1)
        )
        for _ in range(2)
    ]
    assert exact.route_ == "items"
    assert fitted[0].route_ == "truncated"
    assert fitted[0].weights_ is None
    assert fitted[0].factors_.shape == (300, 12)
    assert np.array_equal(fitted[0].factors_, fitted[1].factors_)
    one, other = (model.score(data.batch()) for model in (exact, fitted[0]))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("symmetric", [True, False])
def test_all_factors_are_no_approximation(make_data, sparse_weights, symmetric) -> None:
    weights = sparse_weights(60, 25)
    spectrum = Spectrum.truncated(sp.csr_matrix(weights, dtype=np.float32), 25, RNG)
    data = make_data(weights)
    model = Ease(EaseConfig(regularization=3, symmetric=symmetric)).fit(data, RNG)
    model.weights_ = None
    penalty = 3 * float(np.mean(data.history.data**2))
    model.factors_ = spectrum.factors(penalty)[model.items_]
    model._derived()
    expected = oracle(weights, 3, symmetric=symmetric)
    np.testing.assert_allclose(model.score(data.batch()), expected, atol=1e-4)


def test_a_limit_that_leaves_no_factors_is_refused_with_figures_and_a_way_out(make_data) -> None:
    data = make_data(np.ones((300, 200)))
    with pytest.raises(MemoryLimitError, match=r"about 0 MB for 200 movies") as caught:
        Ease(EaseConfig(memory_limit_mb=0.1)).fit(data, RNG)
    assert "als" in caught.value.hint
    assert "memory_limit_mb" in caught.value.hint


@pytest.mark.parametrize(
    ("shape", "limit", "route"),
    [((60, 25), 2000, "items"), ((25, 60), 2000, "users"), ((300, 200), 0.4, "truncated")],
)
def test_a_path_is_what_single_fits_are(make_data, sparse_weights, shape, limit, route) -> None:
    data = make_data(sparse_weights(*shape))
    config = EaseConfig(memory_limit_mb=limit, symmetric=False)
    path = list(Ease.fit_path(data, (1, 30), np.random.default_rng(3), config))
    assert [model.config.regularization for model in path] == [1, 30]
    for model in path:
        alone = Ease(model.config).fit(data, np.random.default_rng(3))
        assert model.route_ == alone.route_ == route
        assert np.array_equal(model.score(data.batch()), alone.score(data.batch()))


def test_the_smaller_side_needs_less_memory(make_data) -> None:
    data = make_data(
        np.eye(10, 3000, dtype=float) + (np.arange(3000) % 10 == np.arange(10)[:, None])
    )
    assert Ease(EaseConfig(memory_limit_mb=1)).fit(data, RNG).factors_.shape == (3000, 10)
