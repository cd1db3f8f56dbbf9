"""Nearest neighbours among items, fitted by implicit."""

from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight, normalize

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import ItemKnnConfig
from recsys_pipeline.models.files import csr_arrays, csr_from, read_model, write_model


class ItemKnn(Recommender):
    """Sum over the user's history of its weights times the similarity to the item.

    Similarity is the cosine of two items' columns of weights, or BM25 (Robertson and Zaragoza,
    The Probabilistic Relevance Framework, 2009) with a user as the term and an item as the
    document. Each item keeps its nearest neighbours only, itself not among them.

    Attributes:
        similarity_: CSR float32 ``(n_items, n_items)``, row i holds the neighbours of item i.
    """

    name = "item_knn"

    def __init__(self, config: ItemKnnConfig | None = None) -> None:
        self.config = config or ItemKnnConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        self.similarity_ = self._similarity(data.history)
        self.n_items_ = data.n_items
        return self

    def _similarity(self, history: sp.csr_matrix) -> sp.csr_matrix:
        n_items = history.shape[1]
        if not history.nnz:
            return sp.csr_matrix((n_items, n_items), dtype=np.float32)
        # An item is its own nearest neighbour: one more is asked for, and the diagonal left out.
        model = ItemItemRecommender(K=self.config.neighbours + 1)
        model.fit(self._weighted(history).tocsr(), show_progress=False)
        pairs = model.similarity.tocoo()
        keep = (pairs.row != pairs.col) & (pairs.data > 0)
        entries = (pairs.data[keep].astype(np.float32), (pairs.row[keep], pairs.col[keep]))
        similarity = sp.csr_matrix(entries, shape=(n_items, n_items))
        similarity.sort_indices()
        return similarity

    def _weighted(self, history: sp.csr_matrix) -> sp.coo_matrix:
        """The history so weighted that the product of two items' columns is their similarity."""
        items = history.T.astype(np.float64)
        if self.config.similarity == "cosine":
            return normalize(items).T
        return bm25_weight(items, self.config.k1, self.config.b).T

    def score(self, users: UserBatch) -> Float32Array:
        """At least 0; 0 for an item that is no neighbour of the history."""
        self._catalogue(users)
        scores: Float32Array = (users.history @ self.similarity_).toarray()
        return scores.astype(np.float32, copy=False)

    def knows(self, users: UserBatch) -> BoolArray:
        """Users with a liked item that has neighbours."""
        connected = np.diff(self.similarity_.indptr) > 0
        reached: BoolArray = users.history @ connected.astype(np.float32) > 0
        return reached

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, csr_arrays("similarity", self.similarity_))

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(ItemKnnConfig.model_validate(files.config))
        model.similarity_ = csr_from("similarity", files.arrays)
        model.n_items_ = model.similarity_.shape[0]
        return model
