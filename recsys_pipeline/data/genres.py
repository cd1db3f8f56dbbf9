"""Columns of lists of texts (genres, preferred genres) as multi-hot matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Int32Array


def flat_lists(values: pd.Series) -> tuple[Int32Array, pd.Series]:
    """The texts of a column of lists, one below the other: the row of each text, and the texts.

    Missing lists and missing texts are left out.

    >>> rows, texts = flat_lists(pd.Series([["Drama", "War"], None, ["War"]]))
    >>> rows.tolist(), texts.tolist()
    ([0, 0, 2], ['Drama', 'War', 'War'])
    """
    rows, texts = _flat(values)
    return rows, pd.Series(texts.to_numpy(zero_copy_only=False), dtype="str")


def _flat(values: pd.Series) -> tuple[Int32Array, pa.Array]:
    """As `flat_lists`, the texts as Arrow has them."""
    lists = pa.array(values.array, type=pa.list_(pa.string()), from_pandas=True)
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int32)
    texts = pc.list_flatten(lists)
    if texts.null_count:
        present = texts.is_valid()
        rows, texts = rows[present.to_numpy(zero_copy_only=False)], texts.filter(present)
    return rows, texts


def listed(values: pd.Series, vocabulary: Sequence[str]) -> tuple[Int32Array, Int32Array]:
    """Where a column of lists holds a text of the vocabulary: rows and columns, int32 each.

    >>> rows, columns = listed(pd.Series([["War", "Drama", "Art"], None]), ["Drama", "War"])
    >>> rows.tolist(), columns.tolist()
    ([0, 0], [1, 0])
    """
    rows, texts = _flat(values)
    found = pc.index_in(texts, value_set=pa.array(vocabulary, type=pa.string()))
    columns = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
    known = columns >= 0
    return rows[known], columns[known].astype(np.int32)


def multi_hot(values: pd.Series, vocabulary: Sequence[str]) -> sp.csr_matrix:
    """CSR float32 ``(len(values), len(vocabulary))``: 1 where the list holds the text.

    A text counts once however often it is repeated; one outside the vocabulary, and a missing
    list, count nowhere.

    >>> multi_hot(pd.Series([["War", "War"], None]), ["Drama", "War"]).toarray().tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    rows, columns = listed(values, vocabulary)
    shape = (len(values), len(vocabulary))
    ones = np.ones(len(rows), dtype=np.float32)
    matrix = sp.csr_matrix((ones, (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


@dataclass(frozen=True)
class GenreTable:
    """Movies' and users' genres on one vocabulary.

    Attributes:
        vocabulary: the genres of the movies, in ascending order.
        movies: CSR float32 ``(n_items, n_genres)``; rows of zeros where no genre is known.
    """

    vocabulary: tuple[str, ...]
    movies: sp.csr_matrix

    @classmethod
    def of(cls, movies: pd.DataFrame) -> "GenreTable":
        """The genres of a movies table; an empty vocabulary where it has no such column."""
        if n.GENRES not in movies.columns:
            return cls((), sp.csr_matrix((len(movies), 0), dtype=np.float32))
        vocabulary = tuple(sorted(flat_lists(movies[n.GENRES])[1].unique()))
        return cls(vocabulary, multi_hot(movies[n.GENRES], vocabulary))

    def preferred(self, profiles: pd.DataFrame) -> sp.csr_matrix:
        """Genres that users say to like: CSR float32 ``(len(profiles), n_genres)``."""
        if n.PREFERRED_GENRES not in profiles.columns:
            return sp.csr_matrix((len(profiles), len(self.vocabulary)), dtype=np.float32)
        return multi_hot(profiles[n.PREFERRED_GENRES], self.vocabulary)

    def first(self, movies: pd.DataFrame) -> Int32Array:
        """Number of the first genre named for each movie, int32 ``(len(movies),)``; −1 for none."""
        first = np.full(len(movies), -1, dtype=np.int32)
        if n.GENRES in movies.columns:
            rows, texts = flat_lists(movies[n.GENRES])
            found, at = np.unique(rows, return_index=True)
            columns = pd.Index(self.vocabulary, dtype="str").get_indexer(pd.Index(texts))
            first[found] = columns[at]
        return first
