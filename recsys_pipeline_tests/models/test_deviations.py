"""Random effects by moments: found again in data made from them, and against the formula."""

import numpy as np
import scipy.sparse as sp

from recsys_pipeline.models.deviations import Moments, Sums, packed_products

NOTHING = np.zeros((3, 3))


def made(rng, n_users: int, covariance: np.ndarray, noise: float):
    """Residuals of 20 movies for each user: entries, weights times residuals, z."""
    items = rng.normal(size=(60, len(covariance))).astype(np.float32)
    effects = rng.multivariate_normal(np.zeros(len(covariance)), covariance, n_users)
    user = np.repeat(np.arange(n_users), 20)
    item = np.concatenate([rng.choice(60, 20, replace=False) for _ in range(n_users)])
    value = (effects[user] * items[item]).sum(axis=1) + rng.normal(0, np.sqrt(noise), len(user))
    shape = (n_users, 60)
    weights = sp.csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=shape)
    residuals = sp.csr_matrix((value.astype(np.float32), (user, item)), shape=shape)
    return weights, residuals, items, effects


def estimated(weights, residuals, items, known=NOTHING, parts: int = 1):
    moments = Moments(items)
    for rows in np.array_split(np.arange(weights.shape[0]), parts):
        some, theirs = weights[rows], residuals[rows]
        moments.add(some, theirs, Sums.of(some, theirs, items), known)
    return moments.estimate()


def test_covariance_and_noise_are_found_again() -> None:
    truth = np.array([[0.5, 0.2, 0], [0.2, 0.3, 0], [0, 0, 0]])
    weights, residuals, items, _ = made(np.random.default_rng(1), 3000, truth, 0.7)
    covariance, noise = estimated(weights, residuals, items)
    np.testing.assert_allclose(covariance, truth, atol=0.05)
    assert abs(noise - 0.7) < 0.05
    blocks = estimated(weights, residuals, items, parts=7)
    np.testing.assert_allclose(blocks[0], covariance, atol=1e-4)


def test_what_is_known_of_the_covariance_is_not_found_twice() -> None:
    truth = np.diag([0.5, 0.3, 0.4])
    weights, residuals, items, _ = made(np.random.default_rng(2), 3000, truth, 0.7)
    known = np.diag([0.5, 0.1, 0])
    covariance, _ = estimated(weights, residuals, items, known)
    np.testing.assert_allclose(covariance, truth - known, atol=0.06)


def test_an_entry_of_higher_weight_has_less_noise() -> None:
    rng = np.random.default_rng(5)
    truth = np.diag([0.5, 0.3, 0.0])
    weights, residuals, items, _ = made(rng, 3000, truth, 0.0)
    weights.data[:] = rng.uniform(0.3, 3, weights.nnz)
    noise = rng.normal(size=weights.nnz) * np.sqrt(0.6 / weights.data)
    residuals.data[:] = weights.data * (residuals.data + noise)
    covariance, found = estimated(weights, residuals, items)
    np.testing.assert_allclose(covariance, truth, atol=0.05)
    assert abs(found - 0.6) < 0.05


def test_noise_alone_is_no_effect() -> None:
    weights, residuals, items, _ = made(np.random.default_rng(3), 2000, NOTHING, 1.0)
    covariance, noise = estimated(weights, residuals, items)
    assert np.abs(covariance).max() < 0.02
    assert abs(noise - 1) < 0.05


def test_the_posterior_is_the_ridge_solve_of_each_user() -> None:
    rng = np.random.default_rng(4)
    covariance = np.diag([0.5, 0.2, 0.1])
    weights, residuals, items, effects = made(rng, 40, covariance, 0.3)
    found = Sums.of(weights, residuals, items).posterior(covariance, 0.3)
    for row in range(40):
        z = items[weights[row].indices].astype(float)
        left = z.T @ z / 0.3 + np.linalg.inv(covariance)
        expected = np.linalg.solve(left, z.T @ residuals[row].data / 0.3)
        np.testing.assert_allclose(found[row], expected, atol=1e-4)
    assert np.corrcoef(found.ravel(), effects.ravel())[0, 1] > 0.9


def test_users_without_entries_do_not_deviate() -> None:
    items = np.ones((5, 2), dtype=np.float32)
    empty = sp.csr_matrix((3, 5), dtype=np.float32)
    sums = Sums.of(empty, empty, items)
    assert not sums.posterior(np.eye(2), 1.0).any()
    moments = Moments(items)
    moments.add(empty, empty, sums, np.zeros((2, 2)))
    covariance, noise = moments.estimate()
    assert not covariance.any()
    assert noise == 1


def test_packed_products_are_the_upper_triangle() -> None:
    assert packed_products(np.array([[2.0, 3.0]])).tolist() == [[4, 6, 9]]
