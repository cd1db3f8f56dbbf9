"""EASE: linear regression of every item on all others, in closed form."""

from pathlib import Path
from typing import Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.errors import MemoryLimitError, ModelError
from recsys_pipeline.models.base import Recommender, row_blocks
from recsys_pipeline.models.config import EaseConfig
from recsys_pipeline.models.files import read_model, write_model


class Ease(Recommender):
    """EASE (Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019).

    With the history X ``(n_users, n_items)`` and ``P = (XᵀX + λI)⁻¹`` the score of item j is
    ``sum over i ≠ j of x_i * B_ij``, with ``B_ij = −P_ij / P_jj`` (eq. 8 there) or, symmetric,
    ``B_ij = −λ P_ij``. Items without likes are left out of P and score 0. λ is `regularization`
    times the mean squared weight of a like: multiplying all weights by a constant then changes
    no list, and likes weighted by rating need no other setting than likes that all count 1.

    P is made through the smaller side. With no more items than users: a Cholesky inverse of
    ``XᵀX + λI``. With fewer users: with the eigenvectors Q and eigenvalues Λ of ``XXᵀ`` and
    ``F = XᵀQ(λ + Λ)^−½``, exactly ``λP = I − FFᵀ`` (Woodbury), and scores are computed from F
    without ever making P. F has a row for each item, and no user's row can be read from it.

    Attributes:
        items_: int32 ``(m,)``, the items with likes; the arrays below are about these.
        weights_: float32 ``(m, m)`` B with a diagonal of 0, or None on the users' side.
        factors_: float32 ``(m, rank)`` F, or None on the items' side.
    """

    name = "ease"

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = config or EaseConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        """Raises MemoryLimitError if fitting would need more than `memory_limit_mb`."""
        history = data.history
        self.items_ = np.unique(history.indices).astype(np.int32)
        matrix = history[np.diff(history.indptr) > 0][:, self.items_].astype(np.float32)
        self._check_memory(matrix, data.n_items)
        self.weights_: Float32Array | None = None
        self.factors_: Float32Array | None = None
        if matrix.shape[1] <= matrix.shape[0]:
            self.weights_ = self._items_side(matrix)
        else:
            self.factors_ = self._users_side(matrix)
        self.n_items_ = data.n_items
        return self

    def _check_memory(self, matrix: sp.csr_matrix, catalogue: int) -> None:
        """Peak of the dense arrays: two Grams and B; or four of XXᵀ's size and F twice."""
        n_users, n_items = matrix.shape
        if n_items <= n_users:
            numbers = 3 * n_items**2
        else:
            numbers = 4 * n_users**2 + 2 * n_users * n_items
        needed = 4 * numbers / 1e6
        if needed > self.config.memory_limit_mb:
            raise MemoryLimitError(
                f"EASE would need about {needed:,.0f} MB for {catalogue:,} movies "
                f"({n_items:,} of them liked by {n_users:,} users); the limit is "
                f"{self.config.memory_limit_mb:,.0f} MB.",
                "Use als or item_knn instead, or raise memory_limit_mb of ease.",
            )

    def _penalty(self, matrix: sp.csr_matrix) -> float:
        return self.config.regularization * float(np.mean(matrix.data**2, dtype=np.float64))

    def _items_side(self, matrix: sp.csr_matrix) -> Float32Array:
        if not matrix.nnz:
            return np.zeros((0, 0), dtype=np.float32)
        penalty = self._penalty(matrix)
        # In Fortran order LAPACK overwrites the array instead of copying it.
        gram = np.asfortranarray((matrix.T @ matrix).toarray(), dtype=np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(penalty)
        lower, status = scipy.linalg.lapack.spotrf(gram, lower=1, clean=0, overwrite_a=1)
        if status == 0:
            inverse, status = scipy.linalg.lapack.spotri(lower, lower=1, overwrite_c=1)
        if status != 0:
            raise ModelError(
                f"EASE cannot invert its matrix (regularization = {self.config.regularization:g}).",
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

    def _users_side(self, matrix: sp.csr_matrix) -> Float32Array:
        values, vectors = scipy.linalg.eigh(
            (matrix @ matrix.T).toarray(), driver="evd", overwrite_a=True, check_finite=False
        )
        kept = values > values[-1] * np.finfo(np.float32).eps
        scale = np.sqrt(self._penalty(matrix) + values[kept])
        factors: Float32Array = matrix.T @ (vectors[:, kept] / scale).astype(np.float32)
        return factors

    def score(self, users: UserBatch) -> Float32Array:
        """0 for items without likes, and for every item where the history is empty."""
        n_items = self._catalogue(users)
        if not len(self.items_):
            return np.zeros((len(users), n_items), dtype=np.float32)
        history = users.history[:, self.items_]
        liked: Float32Array = (
            self._factored(history) if self.weights_ is None else history @ self.weights_
        )
        if len(self.items_) == n_items:
            return liked
        # Taking columns is several times as fast as assigning to them.
        place = np.full(n_items, -1, dtype=np.intp)
        place[self.items_] = np.arange(len(self.items_))
        scores = np.take(liked, place, axis=1, mode="clip")
        scores[:, place < 0] = 0
        return scores

    def _factored(self, history: sp.csr_matrix) -> Float32Array:
        """History times B, where B is given by F: never a matrix of items by items."""
        assert self.factors_ is not None
        explained = np.einsum("ij,ij->i", self.factors_, self.factors_)
        scores: Float32Array = (history @ self.factors_) @ self.factors_.T
        own = history.tocoo()
        scores[own.row, own.col] -= own.data * explained[own.col]
        if not self.config.symmetric:
            scores /= 1 - explained
        return scores

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who like an item that had likes when the model was fitted."""
        known: BoolArray = np.diff(users.history[:, self.items_].indptr) > 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        side = {"weights": self.weights_, "factors": self.factors_}
        arrays = {name: array for name, array in side.items() if array is not None}
        state = {"n_items": self.n_items_}
        write_model(folder, self.name, self.config, {"items": self.items_, **arrays}, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(EaseConfig.model_validate(files.config))
        model.items_ = files.arrays["items"]
        model.weights_ = files.arrays.get("weights")
        model.factors_ = files.arrays.get("factors")
        model.n_items_ = int(files.state["n_items"])
        return model
