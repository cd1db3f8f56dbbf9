"""Alternating least squares, fitted and folded in by implicit."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import Recommender, row_blocks, top_k
from recsys_pipeline.models.config import AlsConfig
from recsys_pipeline.models.files import read_model, write_model

_BLOCK_BYTES: Final = 8_000_000

_MANY_USERS: Final = 256
"""Users from which on a pool of threads is worth its start."""


class Als(Recommender):
    """Implicit ALS (Hu, Koren and Volinsky, Collaborative Filtering for Implicit Feedback, 2008).

    Only the item factors are kept. A user is folded in from the history by the least-squares
    solve of eq. 4 there: ``(YᵀY + Yᵀ(C − I)Y + λI)⁻¹ YᵀCp`` with the confidence
    ``C = 1 + alpha · weight`` for liked items and 1 for all others.

    Attributes:
        item_factors_: float32 ``(n_items, factors)``; zeros for items without likes.
        gram_: float64 ``(factors, factors)``, YᵀY.
    """

    name = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.config = config or AlsConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        with threadpool_limits(1, "blas"):
            model = self._implicit(self.config.threads, rng)
            model.fit(self._confidence(data.history), show_progress=False)
        return self._keep(np.asarray(model.item_factors, dtype=np.float32))

    def _confidence(self, history: sp.csr_matrix) -> sp.csr_matrix:
        """Confidences of the liked items; implicit takes all others as 1."""
        data = (1 + self.config.alpha * history.data).astype(np.float32)
        return sp.csr_matrix((data, history.indices, history.indptr), shape=history.shape)

    def _implicit(self, threads: int, random_state: np.random.Generator | None = None) -> Any:
        """implicit's model; made where BLAS has one thread, else implicit warns.

        Its own `alpha` stays 1: it would multiply the weight without adding the 1.
        """
        return AlternatingLeastSquares(
            factors=self.config.factors,
            regularization=self.config.regularization,
            iterations=self.config.iterations,
            num_threads=threads,
            random_state=random_state,
        )

    def _keep(self, item_factors: Float32Array) -> Self:
        """Take over fitted factors: models of implicit that know items and can only fold in."""
        self.item_factors_ = item_factors
        self.n_items_ = len(item_factors)
        self._liked = (item_factors != 0).any(axis=1).astype(np.float32)
        exact = item_factors.astype(np.float64)
        self.gram_ = exact.T @ exact
        with threadpool_limits(1, "blas"):
            # One thread for few users: the solves are tiny, and a request must not wait for a
            # pool of threads.
            self._fold_in_few = self._implicit(threads=1)
            self._fold_in_many = self._implicit(threads=self.config.threads)
        for model in (self._fold_in_few, self._fold_in_many):
            model.item_factors = item_factors
        # Read once here: the property computes and keeps the Gram matrix of the items.
        gram = self._fold_in_few.YtY
        self._fold_in_many._YtY = gram
        return self

    def score(self, users: UserBatch) -> Float32Array:
        """All 0 where the history is empty."""
        self._catalogue(users)
        scores: Float32Array = self.fold_in(users) @ self.item_factors_.T
        return scores

    def fold_in(self, users: UserBatch) -> Float32Array:
        """The users' factors: float32 ``(len(users), factors)``, zeros for an empty history."""
        if not len(users):
            return np.zeros((0, self.config.factors), dtype=np.float32)
        rows = np.arange(len(users))
        model = self._fold_in_few if len(users) < _MANY_USERS else self._fold_in_many
        folded = model.recalculate_user(rows, self._confidence(users.history))
        return np.asarray(folded, dtype=np.float32)

    def recommend(
        self, users: UserBatch, k: int, *, allowed: BoolArray | None = None
    ) -> tuple[Int32Array, Float32Array]:
        """As `Recommender.recommend`; large batches on all cores, in blocks of users."""
        self._catalogue(users)
        if len(users) < _MANY_USERS:
            return super().recommend(users, k, allowed=allowed)
        factors = self.fold_in(users)

        def best_of(rows: slice) -> tuple[Int32Array, Float32Array]:
            scores = factors[rows] @ self.item_factors_.T
            return top_k(scores, users.take(rows), k, allowed=allowed)

        blocks = row_blocks(len(users), 4 * len(self.item_factors_), limit=_BLOCK_BYTES)
        workers = self.config.threads or os.cpu_count() or 1
        # Products and searches leave the interpreter's lock alone: threads really run at once.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
            lists = list(pool.map(best_of, blocks))
        items, scores = zip(*lists, strict=True)
        return np.concatenate(items), np.concatenate(scores)

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who like an item that had likes when the model was fitted."""
        known: BoolArray = users.history @ self._liked > 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, {"item_factors": self.item_factors_})

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        return cls(AlsConfig.model_validate(files.config))._keep(files.arrays["item_factors"])
