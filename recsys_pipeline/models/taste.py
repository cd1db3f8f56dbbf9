"""Taste: what such people like, corrected by what this person did."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.models.base import row_blocks
from recsys_pipeline.models.config import TasteConfig
from recsys_pipeline.models.deviations import Float64Array, Moments, Sums, packed_products
from recsys_pipeline.models.encoding import MovieEncoder
from recsys_pipeline.models.files import ModelFiles
from recsys_pipeline.models.profile import Profile

_SMALLEST = 1e-3
_MOST_USERS = 20_000


class Taste(Profile):
    """The bilinear model of `Profile` and, on top, a deviation of each user found in the history.

    The score is ``uᵀWv + zᵀδ``: z are the principal components of the movie features and a
    constant, δ is how this user deviates from people with such a profile, as expected from the
    residuals of all movies met (`deviations`): likes as 1 and dislikes as 0 where dislikes are
    known, else likes as 1 against all movies as 0. Nobody's δ is kept. How much people deviate,
    and in which directions together, is learned by comparing different movies of one user, so no
    event explains itself. A profile with gaps leaves more to deviate: what its missing values may
    be is added to the covariance of δ. Without history δ is 0 and the model is `Profile`.

    Attributes:
        movies_: z, float32 ``(n_items, q)``, the constant first.
        covariance_: float64 ``(q, q)``, of δ for people with a full profile.
        noise_: variance of a residual that z does not explain.
        tastes_: float64 ``(q, 1 + number of profile features)``: W in terms of z.
        background_: weight of a movie not liked, or 0 where dislikes are known.
        said_: share of the movies met and not liked that are known to be disliked.
    """

    name = "taste"
    settings = TasteConfig
    config: TasteConfig

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        super().fit(data, rng)
        self.movies_ = _components(data, self.config.dimensions)
        self._derive_movies()
        z = self.movies_.astype(np.float64)
        # The components are at right angles, so the Gram matrix can be inverted as it is.
        self.tastes_ = np.linalg.solve(z.T @ z, z.T @ self.weights_.T.astype(np.float64))
        self.background_, self.said_ = _entry_weights(data)
        moments = Moments(self.movies_)
        for block in self._blocks(data.batch(_some_users(data, rng))):
            moments.add(block.weights, block.residuals, block.sums, block.uncertainty)
        self.covariance_, self.noise_ = moments.estimate()
        return self

    def _derive_movies(self) -> None:
        """Work out what follows from the movies' components."""
        self._told = (self.movies_[:, 1:] != 0).any(axis=1).astype(np.float32)
        products = packed_products(self.movies_.astype(np.float64))
        self._products = products.sum(axis=0, keepdims=True)
        self._fitted = object()

    def score(self, users: UserBatch) -> Float32Array:
        """An estimate of the probability of a like where dislikes are known, not cut to 0…1."""
        scores = super().score(users)
        scores += self._deviations(users, scores) @ self.movies_.T
        return scores

    def history_parts(self, users: UserBatch) -> tuple[Float32Array, Float32Array]:
        """δ of each user, and z."""
        self._catalogue(users)
        return self._deviations(users), self.movies_

    def _deviations(self, users: UserBatch, scores: Float32Array | None = None) -> Float32Array:
        """δ of each user: float32 ``(len(users), q)``, computed once for a batch.

        `scores` are those of `Profile`, if they are at hand.
        """

        def found() -> Float32Array:
            deviations = np.zeros((len(users), self.movies_.shape[1]), dtype=np.float32)
            for block in self._blocks(users, scores):
                spread = self.covariance_ + block.uncertainty
                deviations[block.rows] = block.sums.posterior(spread, self.noise_)
            return deviations

        return users.once(self._fitted, found)

    def _blocks(self, users: UserBatch, scores: Float32Array | None = None) -> "Iterator[_Block]":
        """Users with a history, in blocks of equal gaps in the profile."""
        met = users.history if self.background_ else users.seen
        active = np.flatnonzero(np.diff(met.indptr))
        if not len(active):
            return
        known = self.encoder_.of(users).known[active]
        patterns, group = np.unique(known, axis=0, return_inverse=True)
        width = self.movies_.shape[1] ** 2 * 16 + self.movies_.shape[0] * 8
        for number, pattern in enumerate(patterns):
            spread = self.gaps_.uncertainty(pattern)
            tastes = self.tastes_[:, 1:]
            uncertainty = tastes @ spread @ tastes.T
            rows = active[group.ravel() == number]
            for part in row_blocks(len(rows), width):
                batch = users.take(rows[part])
                base = super().score(batch) if scores is None else scores[rows[part]]
                yield self._block(rows[part], batch, base, uncertainty)

    def _block(
        self,
        rows: npt.NDArray[np.intp],
        users: UserBatch,
        base: Float32Array,
        uncertainty: Float64Array,
    ) -> "_Block":
        met = users.history if self.background_ else users.seen
        row = np.repeat(np.arange(len(users)), np.diff(met.indptr))
        predicted = base[row, met.indices]
        if self.background_:
            weight, value = met.data, np.ones_like(met.data)
        else:
            liked = _contained(met, users.history)
            weight = np.where(liked, np.float32(1), np.float32(self.said_))
            value = liked.astype(np.float32)
        shape = met.shape
        weights = sp.csr_matrix((weight, met.indices, met.indptr), shape=shape)
        residual = weight * (value - predicted)
        residuals = sp.csr_matrix((residual, met.indices, met.indptr), shape=shape)
        sums = Sums.of(weights, residuals, self.movies_)
        if self.background_:
            every = np.float32(self.background_) * self._products
            target = sums.target - self.background_ * (base @ self.movies_)
            sums = Sums((sums.packed + every).astype(np.float32), target)
        return _Block(rows, weights, residuals, sums, uncertainty)

    def knows(self, users: UserBatch) -> BoolArray:
        """Users with a profile that the model uses, or with a movie met that has features."""
        met = users.history if self.background_ else users.seen
        reached: BoolArray = super().knows(users) | (abs(met) @ self._told > 0)
        return reached

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return super()._arrays() | {
            "movies": self.movies_,
            "tastes": self.tastes_,
            "covariance": self.covariance_,
            "numbers": np.array([self.noise_, self.background_, self.said_]),
        }

    def _restore(self, files: ModelFiles) -> None:
        super()._restore(files)
        self.movies_ = files.arrays["movies"]
        self._derive_movies()
        self.tastes_ = files.arrays["tastes"]
        self.covariance_ = files.arrays["covariance"]
        self.noise_, self.background_, self.said_ = map(float, files.arrays["numbers"])


@dataclass(frozen=True)
class _Block:
    """Some users with a history, the residuals of their movies, and what these add up to."""

    rows: npt.NDArray[np.intp]
    weights: sp.csr_matrix
    residuals: sp.csr_matrix
    sums: Sums
    uncertainty: Float64Array


def _components(data: Dataset, most: int) -> Float32Array:
    """A constant and the principal components of the movie features: float32 ``(n_items, q)``."""
    features = MovieEncoder.fit(data.movies).transform(data.movies).astype(np.float64)
    constant = np.ones((len(features), 1), dtype=np.float32)
    centred = features - features.mean(axis=0) if len(features) else features
    values, vectors = np.linalg.eigh(centred.T @ centred)
    kept = np.flatnonzero(values > _SMALLEST**2 * values.max(initial=0))[::-1][:most]
    return np.hstack([constant, (centred @ vectors[:, kept]).astype(np.float32)])


def _some_users(data: Dataset, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Rows of users with events, ascending: all of them, or a random sample of many."""
    rows = np.unique(data.events.user).astype(np.intp)
    if len(rows) > _MOST_USERS:
        rows = np.sort(rng.choice(rows, _MOST_USERS, replace=False))
    return rows


def _entry_weights(data: Dataset) -> tuple[float, float]:
    """`background_` and `said_` of the data."""
    label = data.events.label
    if label is not None and (label == 1).any() and (label == 0).any():
        open_events = ~data.events.positive
        return 0.0, float((label[open_events] == 0).mean())
    cells = max(data.n_users * data.n_items, 1)
    # Never 0: that means that dislikes are known.
    return max(float(data.history.data.sum(dtype=np.float64)) / cells, 1e-9), 1.0


def _contained(outer: sp.csr_matrix, inner: sp.csr_matrix) -> BoolArray:
    """Which entries of `outer` are entries of `inner` too."""
    cells, others = _cells(outer), np.sort(_cells(inner))
    place = np.searchsorted(others, cells)
    found: BoolArray = np.zeros(len(cells), dtype=bool)
    within = place < len(others)
    found[within] = others[place[within]] == cells[within]
    return found


def _cells(matrix: sp.csr_matrix) -> npt.NDArray[np.int64]:
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(row * matrix.shape[1] + matrix.indices, dtype=np.int64)
