"""How much a further movie adds to a list by its genres: for many users and candidates at once."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array

IntArray = npt.NDArray[np.integer]

SMOOTHING = 0.01
"""Share of the user's own genre mix that is added to a list's, so that no genre has share 0."""


@dataclass(frozen=True)
class CandidateGenres:
    """The genres of candidates, one below the other: an entry for each candidate and genre.

    A candidate without genres has one entry of weight 0 for a further, nameless genre.

    Attributes:
        shape: number of users and of candidates of each.
        n_genres: number of genres, without the nameless one.
        starts: int64 ``(n * m,)``, first entry of each candidate.
        row: int32, user of each entry.
        place: int64, ``row * (n_genres + 1) + genre``: where an entry lies in a table of users by
            genres, the nameless one last.
        weight: float32, weight of each entry.
    """

    shape: tuple[int, int]
    n_genres: int
    starts: npt.NDArray[np.int64]
    row: Int32Array
    place: npt.NDArray[np.int64]
    weight: Float32Array

    @classmethod
    def of(cls, items: Int32Array, genres: sp.csr_matrix) -> "CandidateGenres":
        """The genres of `items` ``(n, m)`` (−1: none) by a CSR matrix ``(n_items, n_genres)``."""
        n_items, n_genres = genres.shape
        lengths = np.diff(genres.indptr)
        flat = items.ravel()
        found = np.where(flat >= 0, lengths[flat] if n_items else 0, 0)
        counts = np.maximum(found, 1)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)[: len(flat)]
        row = np.repeat(np.arange(len(flat), dtype=np.int64) // max(1, items.shape[1]), counts)
        genre = np.full(len(row), n_genres, dtype=np.int32)
        weight = np.zeros(len(row), dtype=np.float32)
        filled = np.repeat(found > 0, counts)
        first = np.where(found > 0, genres.indptr[:-1][flat] if n_items else 0, 0)
        places = (np.arange(len(row)) + np.repeat(first - starts, counts))[filled]
        genre[filled] = genres.indices[places]
        weight[filled] = genres.data[places]
        shape = (int(items.shape[0]), int(items.shape[1]))
        place = row * (n_genres + 1) + genre
        return cls(shape, n_genres, starts, row.astype(np.int32), place, weight)

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Number of entries of each candidate: int64 ``(n * m,)``."""
        return np.diff(self.starts, append=len(self.row))

    def empty(self) -> Float32Array:
        """A table of users by genres, with a last column for the nameless one, of zeros."""
        return np.zeros((self.shape[0], self.n_genres + 1), dtype=np.float32)

    def sums(self, values: Float32Array) -> Float32Array:
        """The sum of an entry's value over each candidate: float32 ``(n, m)``."""
        if not len(self.starts):
            return np.zeros(self.shape, dtype=np.float32)
        return np.add.reduceat(values, self.starts, dtype=np.float32).reshape(self.shape)

    def products(self, by_genre: Float32Array) -> Float32Array:
        """Each candidate's weights times its user's row of `by_genre`: float32 ``(n, m)``.

        Args:
            by_genre: float32 ``(n, n_genres + 1)``.
        """
        return self.sums(by_genre.ravel()[self.place] * self.weight)

    def table(self, by_genre: Float32Array) -> Float32Array:
        """`by_genre` ``(n, n_genres)`` with a column of zeros for the nameless genre."""
        return np.hstack([by_genre, np.zeros((self.shape[0], 1), dtype=np.float32)])

    def add(self, table: Float32Array, chosen: IntArray, rows: IntArray) -> None:
        """Add the weights of the candidate ``chosen[i]`` of user ``rows[i]`` to `table`."""
        first = rows * self.shape[1] + chosen
        counts = self.counts[first]
        offsets = np.cumsum(counts) - counts
        entries = np.arange(counts.sum()) + np.repeat(self.starts[first] - offsets, counts)
        # A candidate has a genre once, and a user one candidate: no place occurs twice.
        table.ravel()[self.place[entries]] += self.weight[entries]


class Gain(Protocol):
    """What a further candidate adds to the list so far, on the scale of a relevance of 0 to 1."""

    def values(self) -> Float32Array:
        """The gain of each candidate: float32 ``(n, m)``."""

    def chose(self, chosen: IntArray, rows: IntArray) -> None:
        """The candidate ``chosen[i]`` is now in the list of user ``rows[i]``."""


class MaximalMarginalRelevance:
    """Minus the largest likeness to a movie that is already in the list.

    Likeness is the cosine of two movies' genres, 0 where one has none.

    Source: Carbonell and Goldstein, The use of MMR, SIGIR 1998: the next movie is the largest of
    ``(1 − d) · relevance − d · max likeness``.

    Args:
        genres: of the candidates, rows of length 1.
    """

    def __init__(self, genres: CandidateGenres) -> None:
        self._genres = genres
        self._likeness = np.zeros(genres.shape, dtype=np.float32)

    def values(self) -> Float32Array:
        return -self._likeness

    def chose(self, chosen: IntArray, rows: IntArray) -> None:
        last = self._genres.empty()
        self._genres.add(last, chosen, rows)
        np.maximum(self._likeness, self._genres.products(last), out=self._likeness)


class CalibratedGenres:
    """Minus the divergence of the list's genre mix from the user's, with the candidate in it.

    ``KL(p ‖ q) = Σ p_g log(p_g / q_g)`` with the user's mix p and the mix q of the list, smoothed:
    ``q_g = (1 − α) · list_g + α · p_g``, α = 0.01. A movie without genres leaves the mix as it is.
    Terms that are the same for all candidates of a user are left out. 0 for users without a mix.

    Source: Steck, Calibrated Recommendations, RecSys 2018, eqs. 3, 4 and 7; a list grows greedily.

    Args:
        genres: of the candidates, in shares that sum to 1.
        taste: float32 ``(n, n_genres)``, rows sum to 1 or are zeros.
    """

    def __init__(self, genres: CandidateGenres, taste: Float32Array) -> None:
        self._genres = genres
        self._taste = genres.table(taste)
        self._total = genres.empty()
        self._size = np.zeros((genres.shape[0], 1), dtype=np.float32)
        self._place = genres.place
        self._p = self._taste.ravel()[self._place]
        self._has = genres.sums((genres.weight > 0).astype(np.float32)) > 0

    def values(self) -> Float32Array:
        grown = self._log_mix(self._total, self._size + 1)
        before = grown.ravel()[self._place]
        size = (self._size + 1).ravel()[self._genres.row]
        share = (self._total.ravel()[self._place] + self._genres.weight) / size
        after = np.log(np.maximum(_smooth(share, self._p), np.finfo(np.float32).tiny))
        gain = self._genres.sums(np.asarray(self._p * (after - before), dtype=np.float32))
        gain += (self._taste * grown).sum(axis=1, keepdims=True)
        same = self._log_mix(self._total, np.maximum(self._size, 1))
        unchanged = (self._taste * same).sum(axis=1, keepdims=True)
        return np.asarray(np.where(self._has, gain, unchanged), dtype=np.float32)

    def _log_mix(self, total: Float32Array, size: Float32Array) -> Float32Array:
        smooth = _smooth(total / size, self._taste)
        return np.log(np.maximum(smooth, np.finfo(np.float32).tiny))

    def chose(self, chosen: IntArray, rows: IntArray) -> None:
        self._genres.add(self._total, chosen, rows)
        self._size[rows, 0] += self._has[rows, chosen]


def _smooth(share: Float32Array, taste: Float32Array) -> Float32Array:
    return np.float32(1 - SMOOTHING) * share + np.float32(SMOOTHING) * taste


class GenreLimit:
    """Which candidates may still enter a list with at most so many movies of one genre.

    Args:
        genres: of the candidates, any weights above 0.
        most: movies of one genre in a list; a movie counts for each of its genres.
    """

    def __init__(self, genres: CandidateGenres, most: int) -> None:
        self._genres = replace(genres, weight=(genres.weight > 0).astype(np.float32))
        self._most = most
        self._counts = self._genres.empty()

    def allows(self) -> BoolArray:
        """bool ``(n, m)``."""
        full = (self._counts >= self._most).astype(np.float32)
        allowed: BoolArray = self._genres.products(full) == 0
        return allowed

    def chose(self, chosen: IntArray, rows: IntArray) -> None:
        """The candidate ``chosen[i]`` is now in the list of user ``rows[i]``."""
        self._genres.add(self._counts, chosen, rows)
