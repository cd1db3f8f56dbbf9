"""Ranking metrics against tables worked by hand, brute force and scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from recsys_pipeline.evaluation.metrics import (
    Hits,
    catalogue_coverage,
    hit_rate_at_k,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

LOG2_3 = np.log2(3)

# Items 0…9, lists of four places.
#   user 0: hits at 1 and 3 of three relevant items      user 1: no hit
#   user 2: nothing relevant                            user 3: one relevant item, at rank 2
#   user 4: a list of one place, a hit; six relevant items
ITEMS = np.array(
    [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3], [9, 8, 7, 6], [5, -1, -1, -1]], dtype=np.int32
)
LIKED = [{0, 2, 9}, {0}, set(), {8}, {0, 1, 2, 3, 4, 5}]


def relevant_of(liked: list[set[int]], n_items: int) -> sp.csr_matrix:
    pairs = [(row, item) for row, items in enumerate(liked) for item in sorted(items)]
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    return sp.csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(liked), n_items))


HITS = Hits.of(ITEMS, relevant_of(LIKED, 10))
NAN = float("nan")


@pytest.mark.parametrize(
    "metric, k, expected",
    [
        (precision_at_k, 1, [1, 0, NAN, 0, 1]),
        (precision_at_k, 4, [2 / 4, 0, NAN, 1 / 4, 1 / 4]),
        (recall_at_k, 4, [2 / 3, 0, NAN, 1, 1 / 6]),
        (recall_at_k, 1, [1 / 3, 0, NAN, 0, 1 / 6]),
        (hit_rate_at_k, 1, [1, 0, NAN, 0, 1]),
        (hit_rate_at_k, 2, [1, 0, NAN, 1, 1]),
        (mrr_at_k, 4, [1, 0, NAN, 1 / 2, 1]),
        (mrr_at_k, 1, [1, 0, NAN, 0, 1]),
        # (1/1 + 2/3) / 3 relevant, and 1/1 / 6 relevant
        (map_at_k, 4, [(1 + 2 / 3) / 3, 0, NAN, 1 / 2, 1 / 6]),
        (map_at_k, 2, [1 / 3, 0, NAN, 1 / 2, 1 / 6]),
        # DCG 1 + 1/log2(4) of ideally 1 + 1/log2(3) + 1/log2(4)
        (ndcg_at_k, 4, [1.5 / (1.5 + 1 / LOG2_3), 0, NAN, 1 / LOG2_3, NAN]),
        (ndcg_at_k, 1, [1, 0, NAN, 0, 1]),
    ],
)
def test_against_a_table_worked_by_hand(metric, k: int, expected: list[float]) -> None:
    found = metric(HITS, k)
    assert found.dtype == np.float64
    if metric is ndcg_at_k and k == 4:
        ideal = 1 + 1 / LOG2_3 + 1 / 2 + 1 / np.log2(5)
        expected = [*expected[:4], 1 / ideal]
    np.testing.assert_allclose(found, expected)


def test_capped_average_precision_of_a_list_of_hits_only_is_one() -> None:
    hits = Hits.of(np.array([[0, 1]]), relevant_of([{0, 1, 2, 3}], 4))
    assert map_at_k(hits, 2).tolist() == [0.5]
    assert map_at_k(hits, 2, capped=True).tolist() == [1.0]


def test_places_beyond_the_lists_are_misses() -> None:
    np.testing.assert_allclose(precision_at_k(HITS, 8), precision_at_k(HITS, 4) / 2)
    np.testing.assert_allclose(recall_at_k(HITS, 8), recall_at_k(HITS, 4))


@st.composite
def lists_and_likes(draw) -> tuple[np.ndarray, list[set[int]], int]:
    n_items = draw(st.integers(1, 12))
    n_users = draw(st.integers(0, 6))
    width = draw(st.integers(1, n_items))
    items = np.full((n_users, width), -1, dtype=np.int32)
    for row in range(n_users):
        length = draw(st.integers(0, width))
        items[row, :length] = draw(st.permutations(range(n_items)))[:length]
    liked = [draw(st.sets(st.integers(0, n_items - 1))) for _ in range(n_users)]
    return items, liked, n_items


def brute_force(listed: list[int], liked: set[int], k: int) -> dict[str, float]:
    """The metrics of one user, place by place."""
    found, dcg, precisions, first = 0, 0.0, 0.0, 0.0
    for rank, item in enumerate(listed[:k], start=1):
        if item in liked:
            found += 1
            dcg += 1 / np.log2(rank + 1)
            precisions += found / rank
            first = first or 1 / rank
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(k, len(liked)) + 1))
    return {
        "precision": found / k,
        "recall": found / len(liked),
        "ndcg": dcg / ideal,
        "map": precisions / len(liked),
        "mrr": first,
        "hit_rate": float(found > 0),
    }


@given(lists_and_likes(), st.integers(1, 14))
def test_against_brute_force(case: tuple[np.ndarray, list[set[int]], int], k: int) -> None:
    items, liked, n_items = case
    hits = Hits.of(items, relevant_of(liked, n_items))
    metrics = {
        "precision": precision_at_k,
        "recall": recall_at_k,
        "ndcg": ndcg_at_k,
        "map": map_at_k,
        "mrr": mrr_at_k,
        "hit_rate": hit_rate_at_k,
    }
    for name, metric in metrics.items():
        found = metric(hits, k)
        assert found.shape == (len(liked),)
        for row, likes in enumerate(liked):
            if likes:
                listed = [int(item) for item in items[row] if item >= 0]
                assert found[row] == pytest.approx(brute_force(listed, likes, k)[name])
            else:
                assert np.isnan(found[row])


def test_ndcg_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((60, 40))
    truth = (rng.random((60, 40)) < 0.2).astype(float)
    items = np.argsort(-scores, axis=1).astype(np.int32)
    hits = Hits.of(items, sp.csr_matrix(truth))
    for k in (1, 5, 40):
        assert np.nanmean(ndcg_at_k(hits, k)) == pytest.approx(
            ndcg_score(truth[truth.any(axis=1)], scores[truth.any(axis=1)], k=k)
        )


def test_stored_zeros_are_not_relevant_and_the_matrix_stays_as_it_was() -> None:
    matrix = sp.csr_matrix(
        (np.array([0.0, 1.0, 1.0]), np.array([3, 2, 2]), np.array([0, 3])), shape=(1, 4)
    )
    hits = Hits.of(np.array([[3, 2]]), matrix)
    assert hits.hit.tolist() == [[False, True]]
    assert hits.n_relevant.tolist() == [1]
    assert matrix.nnz == 3


@pytest.mark.parametrize(
    "items, says",
    [
        ([[0, 1]], "for 2 users"),
        ([[0, 4], [0, 1]], "from 0 to 4 in a catalogue of 4"),
        ([[0, -2], [0, 1]], "-2"),
        ([[0, 1], [2, 2]], "item 2 is twice in the list of row 1"),
    ],
)
def test_lists_that_cannot_be_judged_are_refused(items: list[list[int]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Hits.of(np.array(items), relevant_of([{0}, {1}], 4))


def test_k_starts_at_one() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        precision_at_k(HITS, 0)


def test_coverage() -> None:
    assert catalogue_coverage(ITEMS[:, :1], 10) == pytest.approx(4 / 10)  # 0, 4, 9, 5
    assert catalogue_coverage(ITEMS, 10) == 1.0
    assert catalogue_coverage(np.full((3, 2), -1), 10) == 0.0
    assert np.isnan(catalogue_coverage(np.empty((0, 3), dtype=int), 0))
