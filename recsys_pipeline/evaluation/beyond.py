"""Beyond accuracy: how new, varied, surprising and fitting the lists are, user by user.

A recommender can be accurate and useless: it shows everybody what everybody knows. None of these
figures is a goal of its own either (a random list is new and varied), so they are read beside
accuracy.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.metrics import Float64Array, IntArray, is_among
from recsys_pipeline.evaluation.per_user import PerUser

ALPHA: Final = 0.01
"""Share of the history's genre mix that is blended into the list's, so that none has share 0."""


@dataclass(frozen=True)
class ListContext:
    """What lists are held against: the catalogue, and what the users judged chose before.

    Attributes:
        popularity: ``(n_items,)``, how many users are known to have chosen each movie, ≥ 0.
        history: CSR ``(n_users, n_items)``, the weight of each movie that a user liked; rows in
            the order of the lists.
        popular: int ``(n_users, K)``, the list of each user by popularity, K ≥ k, −1 where it
            has ended.
        genres: CSR ``(n_items, n_genres)``, 1 where the movie has the genre; None where no genre
            is known.
        k: length of the lists that are shown; the figures are of the first k places.
    """

    popularity: npt.NDArray[Any]
    history: sp.csr_matrix
    popular: IntArray
    genres: sp.csr_matrix | None = None
    k: int = 10

    @cached_property
    def self_information(self) -> Float64Array:
        """Bits of each movie, float64 ``(n_items,)``: see `novelty`."""
        counts = self.popularity.astype(np.float64) + 1
        bits: Float64Array = -np.log2(counts / counts.sum())
        return bits

    @cached_property
    def directions(self) -> sp.csr_matrix | None:
        """Genres of each movie as a vector of length 1; zeros for a movie without genres."""
        return None if self.genres is None else _scaled(self.genres, np.sqrt(_sizes(self.genres)))

    @cached_property
    def genre_shares(self) -> sp.csr_matrix | None:
        """Genres of each movie as shares that sum to 1; zeros for a movie without genres."""
        return None if self.genres is None else _scaled(self.genres, _sizes(self.genres))


def beyond_accuracy(
    items: IntArray, relevant: sp.csr_matrix, context: ListContext
) -> dict[str, PerUser]:
    """Every figure of this module for the first ``context.k`` places, by its name in logs.

    Args:
        items: int ``(n_users, K)``, item numbers, best first, −1 where a list has ended; K ≥ k.
        relevant: CSR ``(n_users, n_items)``, the items held out that the user liked.
        context: of the same users in the same order.

    Returns:
        novelty, serendipity, popularity lift, and where any genre is known diversity and
        miscalibration.

    Raises:
        ValueError: the shapes do not match, or lists are shorter than k.
    """
    _check(items, relevant.shape, context)
    found: dict[str, PerUser] = {
        names.NOVELTY: PerUser.of(novelty(items, context)),
        names.SERENDIPITY: PerUser.of(serendipity(items, relevant, context)),
        names.POPULARITY_LIFT: popularity_lift(items, context),
    }
    if context.genres is not None and context.genres.nnz:
        found[names.DIVERSITY] = PerUser.of(intra_list_diversity(items, context))
        found[names.MISCALIBRATION] = PerUser.of(miscalibration(items, context))
    return {names.at_k(base, context.k): each for base, each in found.items()}


def novelty(items: IntArray, context: ListContext) -> Float64Array:
    """Mean self-information of the movies of a list, in bits; NaN for an empty list.

    ``−log2 p(i)``, where p(i) is the movie's share of all choices, each movie counted once more
    than it was chosen so that an unknown one is finite. One bit more is half as popular.

    Source: Vargas and Castells, Rank and relevance in novelty and diversity metrics for
    recommender systems, RecSys 2011.
    """
    listed = items[:, : context.k]
    there = listed >= 0
    bits = np.where(there, context.self_information[listed], 0.0)
    return _ratio(bits.sum(axis=1), there.sum(axis=1))


def intra_list_diversity(items: IntArray, context: ListContext) -> Float64Array:
    """1 − the mean cosine of the genres of each two movies of a list: 0 all of the same genres.

    Movies without genres are left out; NaN where fewer than two are left, or no genre is known.

    Source: Ziegler, McNee, Konstan and Lausen, Improving recommendation lists through topic
    diversification, WWW 2005.
    """
    if context.directions is None:
        return np.full(len(items), np.nan)
    lists = _as_matrix(items[:, : context.k], context)
    size = lists @ (_sizes(context.directions) > 0).astype(np.float64)
    # The squared length of a sum of unit vectors is their number plus all cosines twice.
    total = (lists @ context.directions).power(2).sum(axis=1)
    pairs = size * (size - 1)
    return 1.0 - _ratio(np.asarray(total).ravel() - size, pairs)


def serendipity(items: IntArray, relevant: sp.csr_matrix, context: ListContext) -> Float64Array:
    """Share of the k places that hold a movie the user liked and popularity would not have shown.

    A movie is unexpected where it is not in the user's popularity list of the same length, and
    useful where it is among the held-out likes; both must hold. ÷ k as in precision, of which it
    is a part. NaN for a user without held-out likes.

    Source: Ge, Delgado-Battenfeld and Jannach, Beyond accuracy: evaluating recommender systems by
    coverage and serendipity, RecSys 2010 (with popularity as their primitive recommender).
    """
    listed, k = items[:, : context.k], context.k
    n_items = len(context.popularity)
    liked = is_among(listed, _keys_of(relevant), n_items)
    expected = is_among(listed, _keys_of(_as_matrix(context.popular[:, :k], context)), n_items)
    found = (liked & ~expected).sum(axis=1) / k
    return np.where(_entries(relevant) > 0, found, np.nan)


def popularity_lift(items: IntArray, context: ListContext) -> PerUser:
    """How much more popular lists are than what the users chose: 0 alike, 1 twice as popular.

    Each user has numerator = mean popularity of the list − mean popularity of the history, and
    denominator = the latter; the figure pools them. 0 / 0 for users without a list or a history.

    Source: Abdollahpouri, Mansoury, Burke and Mobasher, The connection between popularity bias,
    calibration, and fairness in recommendation, RecSys 2020.
    """
    popularity = context.popularity.astype(np.float64)
    chosen = context.history.copy()
    chosen.eliminate_zeros()
    chosen.data = np.ones(len(chosen.data))
    own = _ratio(chosen @ popularity, _entries(chosen))
    listed = items[:, : context.k]
    there = listed >= 0
    shown = _ratio(np.where(there, popularity[listed], 0.0).sum(axis=1), there.sum(axis=1))
    known = np.isfinite(own) & np.isfinite(shown) & (own > 0)
    return PerUser(np.where(known, shown - own, 0.0), np.where(known, own, 0.0))


def miscalibration(items: IntArray, context: ListContext) -> Float64Array:
    """How far the genres of a list are from those of the user's history: 0 the same mix.

    The Kullback–Leibler divergence ``Σ p log(p / q)`` in nats, over genres: p is the history's mix
    by its weights, q the list's, blended with `ALPHA` of p. A movie of several genres counts a part
    in each. NaN for a user without a genre in the history or in the list.

    Source: Steck, Calibrated recommendations, RecSys 2018, equations 2 to 5.
    """
    if context.genre_shares is None:
        return np.full(len(items), np.nan)
    p = _mix(context.history @ context.genre_shares)
    q = _mix(_as_matrix(items[:, : context.k], context) @ context.genre_shares)
    blended = (1 - ALPHA) * q + ALPHA * p
    logs = np.zeros_like(p)
    np.divide(p, blended, out=logs, where=p > 0)
    np.log(logs, out=logs, where=p > 0)
    unknown = np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1)
    return np.where(unknown, np.nan, np.maximum((p * logs).sum(axis=1), 0.0))


def _check(items: IntArray, shape: tuple[int, int], context: ListContext) -> None:
    n_users, n_items = shape
    if items.ndim != 2 or items.shape[0] != n_users or items.shape[1] < context.k:
        raise ValueError(f"lists of shape {items.shape} for {n_users} users and k = {context.k}")
    if context.popular.shape[0] != n_users or context.popular.shape[1] < context.k:
        raise ValueError(
            f"popularity lists of shape {context.popular.shape} for {n_users} users and "
            f"k = {context.k}"
        )
    if context.popularity.shape != (n_items,) or context.history.shape != shape:
        raise ValueError(
            f"popularity of shape {context.popularity.shape} and history of shape "
            f"{context.history.shape} for {n_users} users and {n_items} movies"
        )
    if context.genres is not None and context.genres.shape[0] != n_items:
        raise ValueError(f"genres of shape {context.genres.shape} for {n_items} movies")


def _as_matrix(listed: IntArray, context: ListContext) -> sp.csr_matrix:
    """Lists as CSR float64 ``(n_users, n_items)``: how often each movie is in the list."""
    there = listed >= 0
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    made = sp.csr_matrix(
        (np.ones(int(indptr[-1])), listed[there], indptr),
        shape=(len(listed), len(context.popularity)),
    )
    made.sum_duplicates()
    return made


def _keys_of(matrix: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """Ascending ``row * n_items + item`` of what is stored and not zero."""
    row, item = matrix.nonzero()
    return np.sort(row.astype(np.int64) * matrix.shape[1] + item)


def _entries(matrix: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """How many entries of each row are not zero: int64 ``(n_rows,)``."""
    return np.asarray(matrix.astype(bool).sum(axis=1)).ravel().astype(np.int64)


def _sizes(matrix: sp.csr_matrix) -> Float64Array:
    """Squared length of each row: for rows of 0 and 1 how many there are."""
    return np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel()


def _scaled(matrix: sp.csr_matrix, by: Float64Array) -> sp.csr_matrix:
    """Each row divided by its value; a row of zeros stays."""
    inverse = np.zeros(len(by))
    np.divide(1.0, by, out=inverse, where=by > 0)
    return sp.csr_matrix(sp.diags_array(inverse) @ matrix)


def _mix(matrix: sp.csr_matrix) -> Float64Array:
    """Rows as shares that sum to 1, dense; NaN for a row of zeros."""
    dense = np.asarray(matrix.todense(), dtype=np.float64)
    total = dense.sum(axis=1, keepdims=True)
    mixed: Float64Array = np.divide(dense, total, out=np.full_like(dense, np.nan), where=total > 0)
    return mixed


def _ratio(value: npt.NDArray[Any], by: npt.NDArray[Any]) -> Float64Array:
    """`value` / `by`, NaN where `by` is 0."""
    out = np.full(len(value), np.nan)
    np.divide(value, by, out=out, where=by > 0)
    return out
