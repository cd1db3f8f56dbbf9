"""Catalogue: what reranking and reasons know of the movies besides their scores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models.files import csr_arrays, csr_from

_FILE = "catalogue.npz"
_GENRES, _VOCABULARY, _COUNTS = "genres", "vocabulary", "counts"


@dataclass(frozen=True)
class Catalogue:
    """Facts about the movies, fitted on the events of one Dataset.

    Attributes:
        genres: the movies' genres.
        counts: int64 ``(n_items,)``, how many interactions each movie has, likes or not.
    """

    genres: GenreTable
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """The facts of `data`, as of ``data.as_of``."""
        counts = np.bincount(data.events.item, minlength=data.n_items).astype(np.int64)
        return cls(GenreTable.of(data.movies), counts)

    @property
    def n_items(self) -> int:
        return len(self.counts)

    @cached_property
    def popularity_rank(self) -> Int32Array:
        """Place of each movie by interactions, int32 ``(n_items,)``: 0 has most, ties by item."""
        rank = np.empty(self.n_items, dtype=np.int32)
        rank[np.argsort(-self.counts, kind="stable")] = np.arange(self.n_items, dtype=np.int32)
        return rank

    def popular(self, share: float) -> BoolArray:
        """The most popular `share` of the movies: bool ``(n_items,)``."""
        popular: BoolArray = self.popularity_rank < share * self.n_items
        return popular

    @cached_property
    def genre_directions(self) -> sp.csr_matrix:
        """CSR float32 ``(n_items, n_genres)``: rows of length 1, or of zeros."""
        return _scaled(self.genres.movies, "l2")

    @cached_property
    def genre_shares(self) -> sp.csr_matrix:
        """CSR float32 ``(n_items, n_genres)``: each movie's genres in equal shares of 1."""
        return _scaled(self.genres.movies, "l1")

    def taste(self, users: UserBatch) -> Float32Array:
        """Genre mix of each user: float32 ``(len(users), n_genres)``, rows sum to 1 or are zeros.

        It is the weighted mean over the movies of the history, where each movie counts for its
        genres in equal shares; where the history holds no genre, the genres that the user says
        to prefer, in equal shares; zeros where neither is known.
        """
        mix = np.asarray((users.history @ self.genre_shares).toarray(), dtype=np.float32)
        unknown = ~mix.any(axis=1)
        if unknown.any():
            preferred = self.genres.preferred(users.profiles.iloc[np.flatnonzero(unknown)])
            mix[unknown] = preferred.toarray()
        total = mix.sum(axis=1, keepdims=True)
        mix /= np.where(total > 0, total, 1)
        return mix

    def save(self, folder: Path) -> None:
        """Write into `folder` (made if missing) as npz."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / _FILE,
            allow_pickle=False,
            **{
                _VOCABULARY: np.array(self.genres.vocabulary, dtype=np.str_),
                _COUNTS: self.counts,
                **csr_arrays(_GENRES, self.genres.movies),
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises ModelError if it is not whole."""
        path = folder / _FILE
        try:
            # numpy leaves a file open that it opened itself and cannot read.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                vocabulary = tuple(arrays[_VOCABULARY].tolist())
                genres = GenreTable(vocabulary, csr_from(_GENRES, arrays))
                return cls(genres, arrays[_COUNTS])
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModelError(
                f"The facts about the movies in {path} cannot be read: {error!r}.",
                "Run `recsys run` again to write a new model.",
            ) from error


def _scaled(matrix: sp.csr_matrix, norm: str) -> sp.csr_matrix:
    """Rows scaled to a norm of 1; an empty matrix as it is."""
    return sp.csr_matrix(normalize(matrix, norm)) if min(matrix.shape) else matrix
