"""EASE: linear regression of every item on all others, in closed form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from recsys_pipeline.data.dataset import (
    BoolArray,
    Dataset,
    Float32Array,
    Int32Array,
    UserBatch,
    aged,
)
from recsys_pipeline.errors import MemoryLimitError, ModelError
from recsys_pipeline.models.base import Recommender, row_blocks
from recsys_pipeline.models.config import EaseConfig
from recsys_pipeline.models.files import read_model, write_model
from recsys_pipeline.models.spectrum import Spectrum

Route = Literal["items", "users", "truncated"]

_EXTRA: Final = 10
"""Columns that the truncated route computes beyond its rank."""

_LEAST_RANK: Final = 8
"""With fewer factors a model says little more than what is popular."""


class Ease(Recommender):
    """EASE (Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019).

    With the history X ``(n_users, n_items)`` and ``P = (XᵀX + λI)⁻¹`` the score of item j is
    ``sum over i ≠ j of x_i * B_ij``, with ``B_ij = −P_ij / P_jj`` (eq. 8 there) or, symmetric,
    ``B_ij = −λ P_ij``. Items without likes are left out of P and score 0. λ is `regularization`
    times the mean squared weight of a like: multiplying all weights by a constant then changes
    no list, and likes weighted by rating need no other setting than likes that all count 1.

    P is made by one of three routes, whichever the memory limit allows, exact ones first:

    - ``items``: a Cholesky inverse of ``XᵀX + λI``.
    - ``users``, with clearly fewer users than items: with eigenvectors V and eigenvalues Λ of XᵀX
      and ``F = V (Λ / (λ + Λ))^½``, exactly ``λP = I − FFᵀ`` (Woodbury). Only as many eigenvalues
      as users are not 0, and they come from XXᵀ.
    - ``truncated``: the same F from the `rank` largest eigenvalues alone. What is left out weighs
      less than ``Λ / λ`` of the smallest one kept.

    Where there is an F, scores are computed from it without ever making P. F has a row for each
    item, and no user's row can be read from it.

    Attributes:
        items_: int32 ``(m,)``, the items with likes; the arrays below are about these.
        route_: the route that was taken.
        weights_: float32 ``(m, m)`` B with a diagonal of 0, or None on the other routes.
        factors_: float32 ``(m, rank)`` F, or None on the route ``items``.
        place_: int32 ``(n_items,)``, the row of each item in these, −1 without one.
        explained_: float32 ``(m,)``, the squared length of each row of F; empty without F.
    """

    name = "ease"

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = (config or EaseConfig()).usual

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        """Raises MemoryLimitError if not even a few factors fit into `memory_limit_mb`."""
        return self._solve(self._decompose(data, rng))

    @property
    def _numbers(self) -> tuple[float, float]:
        """Regularization and weight of the oldest like: numbers, as `usual` has left no 'auto'."""
        return float(self.config.regularization), float(self.config.oldest)

    @classmethod
    def fit_path(
        cls,
        data: Dataset,
        regularizations: Sequence[float],
        rng: np.random.Generator,
        config: EaseConfig | None = None,
    ) -> Iterator[Self]:
        """Fitted models that differ in their regularization, one after the other.

        What does not depend on it is done once: the Gram matrix on the route ``items``, all of
        the decomposition on the others. Each model equals the one that `fit` makes alone.

        Args:
            regularizations: each > 0.
            config: all other settings.

        Raises:
            MemoryLimitError: as `fit`.
        """
        common = config or EaseConfig()
        parts = cls(common)._decompose(data, rng)
        for regularization in regularizations:
            model = cls(common.model_copy(update={"regularization": regularization}))
            yield model._solve(parts)

    def _decompose(self, data: Dataset, rng: np.random.Generator) -> "_Parts":
        history = aged(data.history, data.recency, self._numbers[1])
        items = np.unique(history.indices).astype(np.int32)
        matrix = history[np.diff(history.indptr) > 0][:, items].astype(np.float32)
        size = float(np.mean(matrix.data**2, dtype=np.float64)) if matrix.nnz else 1.0
        route, rank = self._route(matrix, data.n_items)
        parts = _Parts(items, data.n_items, route, size, None, None)
        if route == "items":
            return replace(parts, gram=matrix.T @ matrix)
        if route == "users":
            return replace(parts, spectrum=Spectrum.exact(matrix))
        return replace(parts, spectrum=Spectrum.truncated(matrix, rank, rng))

    def _solve(self, parts: "_Parts") -> Self:
        penalty = self._numbers[0] * parts.size
        self.items_, self.route_, self.n_items_ = parts.items, parts.route, parts.n_items
        self.weights_: Float32Array | None = None
        self.factors_: Float32Array | None = None
        if parts.gram is not None:
            self.weights_ = self._inverted(parts.gram, penalty)
        elif parts.spectrum is not None:
            self.factors_ = parts.spectrum.factors(penalty)
        return self._derived()

    def _derived(self) -> Self:
        """Work out what follows from the fitted arrays and every score needs."""
        n_items = self._catalogue()
        self.place_ = np.full(n_items, -1, dtype=np.int32)
        self.place_[self.items_] = np.arange(len(self.items_), dtype=np.int32)
        self.explained_ = np.zeros(0, dtype=np.float32)
        if self.factors_ is not None:
            # Sparse products copy a matrix that does not lie row by row.
            self.factors_ = np.ascontiguousarray(self.factors_)
            self.explained_ = np.einsum("ij,ij->i", self.factors_, self.factors_)
        self._fitted = object()
        return self

    def _route(self, matrix: sp.csr_matrix, catalogue: int) -> tuple[Route, int]:
        """The route, and how many factors the route ``truncated`` has."""
        n_users, n_items = matrix.shape
        limit = self.config.memory_limit_mb
        # Two Grams and B; or four of XXᵀ's size, eigenvectors times X, and F.
        needed: dict[Route, float] = {
            "items": 12 * n_items**2 / 1e6,
            "users": 4 * (4 * n_users**2 + 2 * n_users * n_items) / 1e6,
        }
        # Eigenvectors take several times as long as an inverse of the same size.
        items_first = n_items < 2 * n_users or not n_items
        order: tuple[Route, ...] = ("items", "users") if items_first else ("users", "items")
        for route in order:
            if needed[route] <= limit:
                return route, 0
        each = 4 * (3 * n_users + 4 * n_items) / 1e6
        rank = min(self.config.rank, min(matrix.shape) - 1, int(limit / each) - _EXTRA)
        if rank < _LEAST_RANK:
            least = min(*needed.values(), each * (_LEAST_RANK + _EXTRA))
            raise MemoryLimitError(
                f"EASE would need about {least:,.0f} MB for {catalogue:,} movies "
                f"({n_items:,} of them liked by {n_users:,} users); the limit is "
                f"{limit:,.0f} MB.",
                "Use als or item_knn instead, or raise memory_limit_mb of ease.",
            )
        return "truncated", rank

    def _inverted(self, sparse: sp.csr_matrix, penalty: float) -> Float32Array:
        """B from XᵀX."""
        if not sparse.nnz:
            return np.zeros((0, 0), dtype=np.float32)
        # In Fortran order LAPACK overwrites the array instead of copying it.
        gram = np.asfortranarray(sparse.toarray(), dtype=np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(penalty)
        lower, status = scipy.linalg.lapack.spotrf(gram, lower=1, clean=0, overwrite_a=1)
        if status == 0:
            inverse, status = scipy.linalg.lapack.spotri(lower, lower=1, overwrite_c=1)
        if status != 0:
            raise ModelError(
                f"EASE cannot invert its matrix (regularization = {self._numbers[0]:g}).",
                "Raise the regularization of ease.",
            )
        # Only one triangle is filled in; the other one is its mirror image.
        weights: Float32Array = inverse.T
        for rows in row_blocks(len(weights), 4 * len(weights)):
            corner = np.triu(weights[rows, rows])
            weights[rows, rows] = corner + np.triu(corner, k=1).T
            weights[rows, : rows.start] = weights[: rows.start, rows].T
        scale = penalty if self.config.symmetric else 1 / np.diagonal(weights)
        weights *= -np.asarray(scale, dtype=np.float32)
        np.fill_diagonal(weights, 0)
        return weights

    def score(self, users: UserBatch) -> Float32Array:
        """0 for items without likes, and for every item where the history is empty."""
        n_items = self._catalogue(users)
        if not len(self.items_):
            return np.zeros((len(users), n_items), dtype=np.float32)
        history = self._history(users)
        liked: Float32Array = (
            self._factored(history) if self.weights_ is None else history @ self.weights_
        )
        if len(self.items_) == n_items:
            return liked
        # Taking columns is several times as fast as assigning to them.
        scores = np.take(liked, self.place_, axis=1, mode="clip")
        scores[:, self.place_ < 0] = 0
        return scores

    def _history(self, users: UserBatch) -> sp.csr_matrix:
        """The history among the items with likes: CSR float32 ``(len(users), m)``."""

        def found() -> sp.csr_matrix:
            history = users.aged(self._numbers[1])
            place = self.place_[history.indices]
            known = place >= 0
            starts = np.concatenate([[0], np.cumsum(known)]).astype(np.int32)[history.indptr]
            shape = (len(users), len(self.items_))
            return sp.csr_matrix((history.data[known], place[known], starts), shape=shape)

        return users.once(self._fitted, found)

    def _factored(self, history: sp.csr_matrix) -> Float32Array:
        """History times B, where B is given by F: never a matrix of items by items."""
        assert self.factors_ is not None
        scores: Float32Array = (history @ self.factors_) @ self.factors_.T
        row = np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))
        scores[row, history.indices] -= history.data * self.explained_[history.indices]
        if not self.config.symmetric:
            scores /= 1 - self.explained_
        return scores

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who like an item that had likes when the model was fitted."""
        self._catalogue(users)
        known: BoolArray = np.diff(self._history(users).indptr) > 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        side = {"weights": self.weights_, "factors": self.factors_}
        arrays = {name: array for name, array in side.items() if array is not None}
        state = {"n_items": self.n_items_, "route": self.route_}
        write_model(folder, self.name, self.config, {"items": self.items_, **arrays}, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(EaseConfig.model_validate(files.config))
        model.items_ = files.arrays["items"]
        model.weights_ = files.arrays.get("weights")
        model.factors_ = files.arrays.get("factors")
        model.n_items_ = int(files.state["n_items"])
        model.route_ = files.state["route"]
        return model._derived()


@dataclass(frozen=True)
class _Parts:
    """What does not depend on the regularization.

    Attributes:
        items: int32 ``(m,)``, the items with likes.
        n_items: number of items of the catalogue.
        route: the route that was taken.
        size: mean squared weight of a like.
        gram: XᵀX on the route ``items``.
        spectrum: the eigenvalues of XᵀX on the others.
    """

    items: Int32Array
    n_items: int
    route: Route
    size: float
    gram: sp.csr_matrix | None
    spectrum: Spectrum | None
