"""Ranking metrics: one value per user, computed from lists and the items held out.

Every function of `Hits` returns float64 ``(n_users,)``, and NaN for a user without relevant items:
such a user says nothing about a recommender and is left out of every mean. A list that is shorter
than k (padded with −1) counts as it is: the missing places are misses. All metrics are binary (an
item is relevant or not), lie between 0 and 1, and are higher for a better list.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

BoolArray = npt.NDArray[np.bool_]
Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Hits:
    """Where the lists hit; all that the ranking metrics need.

    Attributes:
        hit: bool ``(n_users, K)``, whether the item at that place is relevant to the user.
        n_relevant: int64 ``(n_users,)``, how many relevant items the user has.
    """

    hit: BoolArray
    n_relevant: npt.NDArray[np.int64]

    @classmethod
    def of(cls, items: IntArray, relevant: sp.csr_matrix) -> "Hits":
        """The hits of `items` among `relevant`.

        Args:
            items: int ``(n_users, K)``, item numbers, best first, −1 where a list has ended; no
                item twice in a list.
            relevant: CSR ``(n_users, n_items)``; what is stored and not zero is relevant.

        Raises:
            ValueError: the shapes do not match, an item is not in the catalogue, or a list holds
                an item twice (it would count twice).
        """
        _check_lists(items, relevant.shape)
        clean = relevant.copy()
        clean.sum_duplicates()
        clean.eliminate_zeros()
        n_users, n_items = clean.shape
        n_relevant = np.diff(clean.indptr).astype(np.int64)
        known = np.repeat(np.arange(n_users, dtype=np.int64), n_relevant) * n_items + clean.indices
        return cls(is_among(items, known, n_items), n_relevant)

    def upto(self, k: int) -> BoolArray:
        """The first k places: bool ``(n_users, k)``, False beyond the end of the lists."""
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        hit = self.hit[:, :k]
        return np.pad(hit, ((0, 0), (0, k - hit.shape[1])))

    @property
    def some(self) -> BoolArray:
        """Which users have relevant items: bool ``(n_users,)``."""
        return self.n_relevant > 0


def _check_lists(items: IntArray, shape: tuple[int, int]) -> None:
    if items.ndim != 2 or items.shape[0] != shape[0]:
        raise ValueError(f"lists of shape {items.shape} for {shape[0]} users")
    if items.size == 0:
        return
    if items.max() >= shape[1] or items.min() < -1:
        raise ValueError(f"items from {items.min()} to {items.max()} in a catalogue of {shape[1]}")
    ordered = np.sort(items, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = np.argwhere(twice)[0]
        raise ValueError(f"item {ordered[row, place]} is twice in the list of row {row}")


def is_among(items: IntArray, known: npt.NDArray[np.int64], n_items: int) -> BoolArray:
    """Whether (row, item) is in `known`, ascending keys ``row * n_items + item``.

    bool of the shape of `items`; False where the item is −1.
    """
    if not len(known):
        return np.zeros(items.shape, dtype=bool)
    rows = np.arange(items.shape[0], dtype=np.int64)[:, None]
    keys = rows * n_items + items
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: BoolArray = (known[place] == keys) & (items >= 0)
    return found


def _per_relevant_user(hits: Hits, value: npt.NDArray[Any], by: npt.NDArray[Any]) -> Float64Array:
    """`value` / `by` for users with relevant items, NaN for the others."""
    out = np.full(len(hits.n_relevant), np.nan)
    np.divide(value, by, out=out, where=hits.some)
    return out


def precision_at_k(hits: Hits, k: int) -> Float64Array:
    """Hits among the first k, ÷ k (also where the list or the relevant items are fewer)."""
    found = hits.upto(k).sum(axis=1)
    return _per_relevant_user(hits, found, np.full(len(found), k))


def recall_at_k(hits: Hits, k: int) -> Float64Array:
    """Hits among the first k, ÷ the user's relevant items (so at most k / relevant)."""
    return _per_relevant_user(hits, hits.upto(k).sum(axis=1), hits.n_relevant)


def ndcg_at_k(hits: Hits, k: int) -> Float64Array:
    """Normalised discounted cumulative gain, binary.

    ``DCG = Σ hit(i) / log2(i + 1)`` over ranks i = 1…k, ÷ the DCG of the best possible list, which
    has ``min(k, relevant)`` hits at its head.

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS
    20(4), 2002, with the discount log2(i + 1) of Burges et al., 2005.
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(hits.n_relevant, k)]
    return _per_relevant_user(hits, hits.upto(k) @ discount, ideal)


def map_at_k(hits: Hits, k: int, *, capped: bool = False) -> Float64Array:
    """Average precision; its mean over users is MAP@k.

    ``Σ hit(i) · precision(i)`` over ranks i = 1…k, ÷ the user's relevant items. `capped` divides by
    ``min(k, relevant)`` instead, so that a list of hits only is 1 however many are relevant. The
    two differ by a factor for active users: a MAP is worthless without its definition.

    Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, eq. 8.8.
    """
    hit = hits.upto(k)
    precision = np.cumsum(hit, axis=1) / np.arange(1, k + 1)
    by = np.minimum(hits.n_relevant, k) if capped else hits.n_relevant
    return _per_relevant_user(hits, (precision * hit).sum(axis=1), by)


def mrr_at_k(hits: Hits, k: int) -> Float64Array:
    """1 ÷ the rank of the first hit; 0 where the first k hold none.

    Source: Voorhees, The TREC-8 question answering track report, 1999.
    """
    hit = hits.upto(k)
    first = np.where(hit.any(axis=1), 1.0 / (hit.argmax(axis=1) + 1), 0.0)
    return _per_relevant_user(hits, first, np.ones(len(first)))


def hit_rate_at_k(hits: Hits, k: int) -> Float64Array:
    """1 where the first k hold a hit, else 0."""
    found = hits.upto(k).sum(axis=1) > 0
    return _per_relevant_user(hits, found, np.ones(len(found)))


def catalogue_coverage(items: IntArray, n_items: int) -> float:
    """Share of the catalogue that is in at least one list; NaN for an empty catalogue.

    Args:
        items: int ``(n_users, k)``, −1 where a list has ended.
        n_items: size of the catalogue.

    Source: Ge, Delgado-Battenfeld and Jannach, Beyond accuracy, RecSys 2010.
    """
    if not n_items:
        return float("nan")
    return len(np.unique(items[items >= 0])) / n_items
