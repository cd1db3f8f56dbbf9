"""What each movie of the history adds to the score of a recommended one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import Float32Array, Int32Array, UserBatch
from recsys_pipeline.models import Recommender
from recsys_pipeline.models.als import Als
from recsys_pipeline.models.content import Content
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.models.item_knn import ItemKnn

_BLOCK_PAIRS = 1_000_000
_MANY_USERS = 256


@dataclass(frozen=True)
class Contributions:
    """The parts of the scores of some places, one per movie of the user's history.

    Attributes:
        shape: number of users and of places.
        starts: int64 ``(n * k + 1,)``, where the parts of each place start; those of a place
            without a movie are none.
        movies: int32 ``(n_parts,)``, items of the history.
        values: float32 ``(n_parts,)``; over a place they sum to the model's score.
    """

    shape: tuple[int, int]
    starts: npt.NDArray[np.int64]
    movies: Int32Array
    values: Float32Array

    def totals(self) -> Float32Array:
        """The sum over each place: float32 ``(n, k)``."""
        return self._over_places(self.values)

    def strongest(self, top: int) -> tuple[Int32Array, Float32Array]:
        """The `top` movies of the history that add most to each place, and their shares.

        Returns:
            items int32 and shares float32, both ``(n, k, top)``, the largest first. A share is of
            the sum of all positive parts, so shares are at most 1. Only movies that add something
            are named: −1 and 0 elsewhere.
        """
        size = self.shape[0] * self.shape[1]
        movies = np.full((size, top), -1, dtype=np.int32)
        shares = np.zeros((size, top), dtype=np.float32)
        left = np.maximum(self.values, 0)
        total = self._over_places(left).ravel()
        place = np.repeat(np.arange(size), np.diff(self.starts))
        filled = np.flatnonzero(np.diff(self.starts))
        for number in range(top):
            best = np.zeros(size, dtype=np.float32)
            if len(filled):
                best[filled] = np.maximum.reduceat(left, self.starts[filled])
            hits = np.flatnonzero((left == best[place]) & (left > 0))
            rows, first = np.unique(place[hits], return_index=True)
            chosen = hits[first]
            movies[rows, number] = self.movies[chosen]
            shares[rows, number] = left[chosen] / total[rows]
            left[chosen] = 0
        return movies.reshape(*self.shape, top), shares.reshape(*self.shape, top)

    def shares_by(self, features: sp.csr_matrix) -> Float32Array:
        """Share of the positive parts from movies with a feature: float32 ``(n, k, n_features)``.

        Args:
            features: CSR ``(n_items, n_features)`` of 0 and 1.
        """
        left = np.maximum(self.values, 0)
        size = self.shape[0] * self.shape[1]
        parts = sp.csr_matrix((left, self.movies, self.starts), shape=(size, features.shape[0]))
        total = self._over_places(left).reshape(size, 1)
        found = (parts @ features).toarray() / np.where(total > 0, total, 1)
        return np.asarray(found.reshape(*self.shape, features.shape[1]), dtype=np.float32)

    def _over_places(self, values: Float32Array) -> Float32Array:
        sums = np.zeros(self.shape[0] * self.shape[1], dtype=np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        if len(filled):
            sums[filled] = np.add.reduceat(values, self.starts[filled])
        return sums.reshape(self.shape)


@dataclass(frozen=True)
class _Pairs:
    """Each movie of the history with each place, ordered by user, place and history.

    Attributes:
        starts: see `Contributions`.
        user, entry, watched, weight, listed: of each pair the user's row, the place among the
            entries of the history, the movie there, its weight, and the recommended movie.
    """

    starts: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    entry: npt.NDArray[np.int64]
    watched: Int32Array
    weight: Float32Array
    listed: Int32Array

    @classmethod
    def of(cls, users: UserBatch, items: Int32Array) -> "_Pairs":
        history = users.history
        counts = np.where(items >= 0, users.history_lengths[:, None], 0).ravel()
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        user = np.repeat(np.arange(items.size) // max(1, items.shape[1]), counts)
        inside = np.arange(len(user)) - np.repeat(starts[:-1], counts)
        entry = history.indptr[user] + inside
        return cls(
            starts,
            user,
            entry,
            history.indices[entry].astype(np.int32),
            history.data[entry].astype(np.float32),
            np.repeat(items.ravel(), counts),
        )


def contributions(model: Recommender, users: UserBatch, items: Int32Array) -> Contributions | None:
    """What each movie of the history adds to the scores of `items` by `model`.

    All of these scores are linear in the history once the user is given: EASE and nearest
    neighbours by definition; ALS with the user's confidences held fixed, as in section 5 of Hu,
    Koren and Volinsky (2008): ``score_j = Σ_i y_jᵀ (YᵀCY + λI)⁻¹ y_i c_i``; the cosine of content
    with the length of the user's mean vector held fixed.

    Args:
        model: fitted.
        users: the n users.
        items: int32 ``(n, k)``, −1 where there is no movie.

    Returns:
        the parts; None for a model whose scores are not made of the history's movies.
    """
    parts_of = next((made for kind, made in _PARTS.items() if isinstance(model, kind)), None)
    return None if parts_of is None else _joined(model, users, items, parts_of)


def _joined(
    model: Recommender, users: UserBatch, items: Int32Array, parts_of: "_PartsOf"
) -> Contributions:
    starts, movies, values = [np.zeros(1, dtype=np.int64)], [], []
    for rows in _blocks(users, items.shape[1]):
        block = users.take(rows)
        pairs = _Pairs.of(block, items[rows])
        starts.append(pairs.starts[1:] + starts[-1][-1])
        movies.append(pairs.watched)
        values.append(np.asarray(parts_of(model, block, items[rows], pairs), dtype=np.float32))
    none = np.zeros(0)
    return Contributions(
        (int(items.shape[0]), int(items.shape[1])),
        np.concatenate(starts),
        np.concatenate([none.astype(np.int32), *movies]),
        np.concatenate([none.astype(np.float32), *values]),
    )


def _blocks(users: UserBatch, k: int) -> Iterator[slice]:
    """Slices of users with about a million pairs each."""
    ends = np.cumsum(users.history_lengths.astype(np.int64)) * k
    start = 0
    while start < len(users):
        done = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, done + _BLOCK_PAIRS, side="right"))
        stop = max(start + 1, stop)
        yield slice(start, stop)
        start = stop


def _ease(model: Ease, users: UserBatch, items: Int32Array, pairs: _Pairs) -> Float32Array:
    if not len(model.items_):
        return np.zeros(len(pairs.user), dtype=np.float32)
    # What is long ago counts less, as when the model scores.
    weight = users.aged(float(model.config.oldest)).data[pairs.entry].astype(np.float32)
    watched, listed = model.place_[pairs.watched], model.place_[pairs.listed]
    unmet = (watched < 0) | (listed < 0)
    if model.weights_ is not None:
        links = model.weights_[watched, listed]
    else:
        factors, place = model.factors_, model.place_
        assert factors is not None
        links = _each_user(
            users, items, lambda own, shown, _: factors[place[shown]] @ factors[place[own]].T
        )
        unmet |= pairs.watched == pairs.listed
        if not model.config.symmetric:
            links /= 1 - model.explained_[listed]
    return np.asarray(np.where(unmet, 0, links * weight), dtype=np.float32)


def _als(model: Als, users: UserBatch, items: Int32Array, pairs: _Pairs) -> Float32Array:
    factors, settings = model.item_factors_, model.config
    gram = model.gram_ + settings.regularization * np.eye(factors.shape[1])

    def links(own: Int32Array, shown: Int32Array, weight: Float32Array) -> npt.NDArray[Any]:
        liked = factors[own].astype(np.float64)
        system = gram + (liked.T * (settings.alpha * weight)) @ liked
        found: npt.NDArray[Any] = factors[shown] @ np.linalg.solve(system, liked.T)
        return found

    return _each_user(users, items, links) * (1 + settings.alpha * pairs.weight)


def _each_user(
    users: UserBatch,
    items: Int32Array,
    links: Callable[[Int32Array, Int32Array, Float32Array], npt.NDArray[Any]],
) -> Float32Array:
    """Links of each user's listed movies (rows) and history (columns), in the order of pairs.

    User by user: small products of dense rows, and no result depends on who else is asked about.
    """
    history, parts = users.history, [np.zeros(0, dtype=np.float32)]
    # So small products wait longer for a pool of threads than they take; but to close the pool
    # takes longer than a few of them, and holds for all that this process does meanwhile.
    many = len(items) >= _MANY_USERS
    with threadpool_limits(1, "blas") if many else nullcontext():
        for row, listed in enumerate(items):
            inside = slice(history.indptr[row], history.indptr[row + 1])
            shown = listed[listed >= 0]
            if len(shown) and inside.start < inside.stop:
                found = links(history.indices[inside], shown, history.data[inside])
                parts.append(found.astype(np.float32).ravel())
    return np.concatenate(parts)


def _item_knn(model: ItemKnn, users: UserBatch, items: Int32Array, pairs: _Pairs) -> Float32Array:
    if not len(pairs.user):
        return np.zeros(0, dtype=np.float32)
    links = np.asarray(model.similarity_[pairs.watched, pairs.listed]).ravel()
    return np.asarray(links * pairs.weight, dtype=np.float32)


def _content(model: Content, users: UserBatch, items: Int32Array, pairs: _Pairs) -> Float32Array:
    if not len(pairs.user) or not model.vectors_.shape[1]:
        return np.zeros(len(pairs.user), dtype=np.float32)
    watched, from_watched = np.unique(pairs.watched, return_inverse=True)
    listed, from_listed = np.unique(pairs.listed, return_inverse=True)
    links = model.vectors_[watched] @ model.vectors_[listed].T.toarray()
    mean = users.history @ model.vectors_
    length = np.sqrt(np.asarray(mean.multiply(mean).sum(axis=1))).ravel()
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    values = links[from_watched, from_listed] * pairs.weight * scale[pairs.user]
    return np.asarray(values, dtype=np.float32)


_PartsOf = Callable[[Any, UserBatch, Int32Array, _Pairs], Float32Array]
_PARTS: Final[Mapping[type[Recommender], _PartsOf]] = {
    Ease: _ease,
    Als: _als,
    ItemKnn: _item_knn,
    Content: _content,
}
