"""The largest eigenvalues of XᵀX, exactly and by random projections."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.models.spectrum import Spectrum


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    """Ten strong directions in weak noise."""
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(80, 10)) @ rng.normal(size=(10, 120))
    return (strong + 0.1 * rng.normal(size=strong.shape)).astype(np.float32)


def test_both_ways_find_the_strong_directions(dense) -> None:
    expected = np.linalg.svd(dense, compute_uv=False) ** 2
    exact = Spectrum.exact(sp.csr_matrix(dense))
    truncated = Spectrum.truncated(sp.csr_matrix(dense), 10, np.random.default_rng(1))
    assert exact.scaled.shape == (120, 80)
    np.testing.assert_allclose(np.sort(exact.values)[::-1], expected, rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(np.sort(truncated.values)[::-1], expected[:10], rtol=1e-3)
    for spectrum in (exact, truncated):
        gram = spectrum.scaled @ spectrum.scaled.T
        np.testing.assert_allclose(gram, dense.T @ dense, atol=6)


def test_factors_give_the_inverse(dense) -> None:
    factors = Spectrum.exact(sp.csr_matrix(dense)).factors(50.0)
    inverse = 50 * np.linalg.inv(dense.T.astype(float) @ dense + 50 * np.eye(120))
    np.testing.assert_allclose(np.eye(120) - factors @ factors.T, inverse, atol=1e-3)


def test_no_more_factors_than_there_are_directions() -> None:
    matrix = sp.csr_matrix(np.outer(np.ones(20), np.arange(1, 31)).astype(np.float32))
    assert Spectrum.truncated(matrix, 5, np.random.default_rng(0)).scaled.shape == (30, 1)
