"""Exact top-k against sorting every row, ties by item."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.models import base, top_k


def batch_of(seen: np.ndarray) -> UserBatch:
    matrix = sp.csr_matrix(seen.astype(np.float32))
    return UserBatch(matrix, matrix, pd.DataFrame(index=range(len(seen))))


def brute_force(scores, seen, k, allowed):
    items = np.full((len(scores), k), -1)
    best = np.full((len(scores), k), -np.inf, dtype=np.float32)
    for row in range(len(scores)):
        left = [j for j in range(scores.shape[1]) if allowed[j] and not seen[row, j]]
        left.sort(key=lambda j, row=row: (-scores[row, j], j))
        for place, j in enumerate(left[:k]):
            items[row, place], best[row, place] = j, scores[row, j]
    return items, best


@given(
    n_users=st.integers(0, 6),
    n_items=st.integers(1, 9),
    k=st.integers(1, 11),
    levels=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_top_k_is_a_sort_by_score_and_item(
    n_users: int, n_items: int, k: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (n_users, n_items)).astype(np.float32)
    seen = rng.random((n_users, n_items)) < rng.random()
    allowed = rng.random(n_items) < 0.8
    before = scores.copy()
    items, best = top_k(scores, batch_of(seen), k, allowed=allowed)
    expected_items, expected_best = brute_force(scores, seen, k, allowed)
    assert np.array_equal(items, expected_items)
    assert np.array_equal(best, expected_best)
    assert np.array_equal(scores, before)


@given(
    n_items=st.integers(30, 400),
    k=st.integers(1, 6),
    levels=st.integers(1, 1000),
    seed=st.integers(0, 2**32 - 1),
)
def test_wide_rows_are_searched_by_groups_of_columns(
    n_items: int, k: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (5, n_items)).astype(np.float32)
    scores[0] = 7
    seen = rng.random(scores.shape) < 0.3
    seen[1, 2:] = True
    allowed = rng.random(n_items) < 0.8
    items, best = top_k(scores, batch_of(seen), k, allowed=allowed)
    expected_items, expected_best = brute_force(scores, seen, k, allowed)
    assert np.array_equal(items, expected_items)
    assert np.array_equal(best, expected_best)


def test_blocks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 20, (101, 30)).astype(np.float32)
    seen = rng.random(scores.shape) < 0.3
    whole = top_k(scores, batch_of(seen), 7)
    blocks = list(base.row_blocks(101, 120, limit=480))
    assert len(blocks) == 26
    monkeypatch.setattr(base, "row_blocks", lambda n_rows, row_bytes, limit: blocks)
    for one, other in zip(top_k(scores, batch_of(seen), 7), whole, strict=True):
        assert np.array_equal(one, other)


def test_blocks_cover_every_row_once() -> None:
    rows = [row for block in base.row_blocks(10, 3, limit=7) for row in range(*block.indices(10))]
    assert rows == list(range(10))
    assert list(base.row_blocks(2, 10, limit=1)) == [slice(0, 1), slice(1, 2)]
    assert not list(base.row_blocks(0, 10))
