"""The normal equations against rows of products written out one by one."""

import numpy as np
import pytest

from recsys_pipeline.models import bilinear


def pairs(seed: int = 0):
    rng = np.random.default_rng(seed)
    users = rng.random((30, 4)).astype(np.float32)
    items = rng.random((20, 3)).astype(np.float32)
    user, item = rng.integers(0, 30, 200), rng.integers(0, 20, 200)
    value, weight = rng.random((2, 200)).astype(np.float32)
    return users, items, user, item, value, weight


def written_out(users, items, user, item):
    return (users[user][:, :, None] * items[item][:, None, :]).reshape(len(user), -1)


@pytest.mark.parametrize("table_bytes", [0, 10**9])
@pytest.mark.parametrize("block", [7, 1000])
def test_equations_of_pairs(monkeypatch, table_bytes, block) -> None:
    users, items, user, item, value, weight = pairs()
    monkeypatch.setattr(bilinear, "_TABLE_BYTES", table_bytes)
    steps = [slice(start, min(start + block, 200)) for start in range(0, 200, block)]
    monkeypatch.setattr(bilinear, "row_blocks", lambda n, size: steps)
    equations = bilinear.pair_equations(users, items, user, item, value, weight)
    rows = written_out(users, items, user, item).astype(np.float64)
    np.testing.assert_allclose(
        equations.gram.reshape(12, 12), rows.T @ (weight[:, None] * rows), rtol=1e-5
    )
    np.testing.assert_allclose(equations.target.ravel(), rows.T @ (weight * value), rtol=1e-5)
    ridge = np.linspace(0.1, 2, 12).reshape(4, 3)
    expected = np.linalg.solve(
        rows.T @ (weight[:, None] * rows) + np.diag(ridge.ravel()), rows.T @ (weight * value)
    )
    np.testing.assert_allclose(equations.solve(ridge).ravel(), expected, atol=1e-4)


def test_equations_of_all_pairs() -> None:
    users, items, *_ = pairs()
    user, item = (grid.ravel() for grid in np.indices((30, 20)))
    rows = written_out(users, items, user, item).astype(np.float64)
    equations = bilinear.background_equations(users, items, 0.3)
    np.testing.assert_allclose(equations.gram.reshape(12, 12), 0.3 * rows.T @ rows, rtol=1e-5)
    assert not equations.target.any()
