"""Content: movies like those that the user liked, by the columns of the movies table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfTransformer
from sklearn.preprocessing import normalize
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from recsys_pipeline.contracts import MOVIES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.data.genres import flat_lists, multi_hot
from recsys_pipeline.models.base import Recommender, row_blocks
from recsys_pipeline.models.columns import numbers, quantile_knots
from recsys_pipeline.models.config import ContentConfig
from recsys_pipeline.models.encoding import is_list, is_number
from recsys_pipeline.models.files import csr_arrays, csr_from, read_model, write_model

_WORD = r"(?u)\b[^\W\d_]{2,}\b"
_NUMBER_CLASSES = 6


class Content(Recommender):
    """Cosine between an item's features and the weighted mean of the history's features.

    Features are TF-IDF weights (rare ones count more) of the genres, the words of the title, the
    decade, and the words, lists or number ranges of every further column. Each kind is scaled to
    length 1 and then by its weight in the settings; the whole vector is scaled to length 1.
    Items without events are scored like any others.

    Attributes:
        vectors_: CSR float32 ``(n_items, n_features)``, rows of length 1, or of zeros.
    """

    name = "content"

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.config = config or ContentConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        return self._keep(movie_vectors(data.movies, self.config))

    def _keep(self, vectors: sp.csr_matrix) -> Self:
        self.vectors_, self.n_items_ = vectors, vectors.shape[0]
        self._fitted = object()
        return self

    def score(self, users: UserBatch) -> Float32Array:
        """0 to 1; 0 where history or item has no feature."""
        scores = np.empty((len(users), self._catalogue(users)), dtype=np.float32)
        tastes = self._tastes(users)
        for rows in row_blocks(len(users), 4 * max(self.vectors_.shape)):
            scores[rows] = (self.vectors_ @ tastes[rows].T.toarray()).T
        return scores

    def _tastes(self, users: UserBatch) -> sp.csr_matrix:
        """Mean features of the histories, rows of length 1 or of zeros."""
        return users.once(self._fitted, lambda: _directions(users.history @ self.vectors_))

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who like an item that has features."""
        known: BoolArray = np.diff(self._tastes(users).indptr) > 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, csr_arrays("vectors", self.vectors_))

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(ContentConfig.model_validate(files.config))
        return model._keep(csr_from("vectors", files.arrays))


def _directions(rows: sp.csr_matrix) -> sp.csr_matrix:
    """A matrix of one's own, its rows scaled in place to length 1; rows of zeros stay so."""
    if min(rows.shape):
        inplace_csr_row_normalize_l2(rows)
    return rows


def movie_vectors(movies: pd.DataFrame, config: ContentConfig) -> sp.csr_matrix:
    """Features of movies as `Content` describes them: CSR float32 ``(len(movies), n_features)``."""
    blocks = [sp.csr_matrix((len(movies), 0), dtype=np.float32)]
    for tokens, weight in _tokens(movies, config):
        blocks.append(_tf_idf(tokens, config.max_words) * np.float32(weight))
    stacked = sp.hstack(blocks, format="csr", dtype=np.float32)
    return sp.csr_matrix(normalize(stacked)) if min(stacked.shape) else stacked


def _tokens(movies: pd.DataFrame, config: ContentConfig) -> Iterator[tuple[pd.Series, float]]:
    """Lists of tokens, one column after the other, each with its weight."""
    if n.GENRES in movies.columns:
        yield movies[n.GENRES], 1.0
    if n.TITLE in movies.columns:
        yield _words(movies[n.TITLE]), config.title_weight
    if n.YEAR in movies.columns:
        yield _one_token(numbers(movies[n.YEAR]) // 10), config.decade_weight
    for name in MOVIES.extra_columns(movies):
        values = movies[name]
        if not values.notna().any():
            continue
        if is_number(values):
            found = numbers(values)
            edges = np.asarray(quantile_knots(found, _NUMBER_CLASSES))
            classes = np.where(np.isnan(found), np.nan, np.searchsorted(edges, found))
            yield _one_token(classes), config.further_weight
        elif is_list(values):
            yield values, config.further_weight
        else:
            yield _words(values), config.further_weight


def _words(texts: pd.Series) -> pd.Series:
    """The words of each text in lower case, without numbers and the most common English words."""
    found = texts.fillna("").astype("str").str.lower().str.findall(_WORD)
    return found.map(lambda words: [word for word in words if word not in ENGLISH_STOP_WORDS])


def _one_token(values: np.ndarray) -> pd.Series:
    """Each number as a list of one text; missing ones as empty lists."""
    return pd.Series([[] if np.isnan(value) else [f"{value:g}"] for value in values])


def _tf_idf(tokens: pd.Series, most: int) -> sp.csr_matrix:
    """CSR float32 TF-IDF, rows of length 1; tokens that one item alone has connect nothing."""
    rows, texts = flat_lists(tokens)
    counts = pd.DataFrame({"row": rows, "text": texts}).drop_duplicates()["text"].value_counts()
    shared = counts[counts > 1].sort_index().sort_values(ascending=False, kind="stable")
    matrix = multi_hot(tokens, sorted(shared.index[:most]))
    if not matrix.nnz:
        return sp.csr_matrix((len(tokens), 0), dtype=np.float32)
    return sp.csr_matrix(TfidfTransformer().fit_transform(matrix), dtype=np.float32)
