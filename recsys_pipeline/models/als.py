"""Alternating least squares, fitted and folded in by implicit."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import AlsConfig
from recsys_pipeline.models.files import read_model, write_model


class Als(Recommender):
    """Implicit ALS (Hu, Koren and Volinsky, Collaborative Filtering for Implicit Feedback, 2008).

    Only the item factors are kept. A user is folded in from the history by the least-squares
    solve of eq. 4 there: ``(YᵀY + Yᵀ(C − I)Y + λI)⁻¹ YᵀCp`` with the confidence
    ``C = 1 + alpha · weight`` for liked items and 1 for all others.

    Attributes:
        item_factors_: float32 ``(n_items, factors)``; zeros for items without likes.
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
        """Take over fitted factors: a model of implicit that knows items and can only fold in."""
        self.item_factors_ = item_factors
        self.n_items_ = len(item_factors)
        with threadpool_limits(1, "blas"):
            # One thread: the solves are tiny, and a request must not wait for a pool of threads.
            self._fold_in = self._implicit(threads=1)
            self._fold_in.item_factors = item_factors
            # Read once here: the property computes and keeps the Gram matrix of the items.
            self._gram = self._fold_in.YtY
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
        folded = self._fold_in.recalculate_user(rows, self._confidence(users.history))
        return np.asarray(folded, dtype=np.float32)

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who like an item that had likes when the model was fitted."""
        liked = (self.item_factors_ != 0).any(axis=1)
        known: BoolArray = users.history @ liked.astype(np.float32) > 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, {"item_factors": self.item_factors_})

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        return cls(AlsConfig.model_validate(files.config))._keep(files.arrays["item_factors"])
