"""Movies like a movie: by what the released recommender knows of them, else by their content."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import ContentConfig, Recommender
from recsys_pipeline.models.als import Als
from recsys_pipeline.models.content import Content, movie_vectors
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.models.item_knn import ItemKnn
from recsys_pipeline.ranking.panel import BLEND, CONTENT, TWO_STAGE, Panel

Cosines = Callable[[int], Float32Array]

KNOW_MOVIES: Final = ("ease", "item_knn", "als", CONTENT)
"""Recommenders that hold something of each movie by which two movies compare, best first."""


def informant(panel: Panel, primary: str) -> str | None:
    """The generator that says which movies are alike; None where none of them can.

    It is the chosen recommender itself; of a blend the one with the largest weight (ties in the
    order of `KNOW_MOVIES`), of the two-stage recommender the first of `KNOW_MOVIES`.
    """
    names = [name for name in KNOW_MOVIES if name in panel.generators]
    if primary == BLEND and panel.blend is not None:
        weights = panel.blend.weights
        return max(
            (name for name in names if name in weights), key=weights.__getitem__, default=None
        )
    if primary == TWO_STAGE:
        return next(iter(names), None)
    return primary if primary in names else None


@dataclass(frozen=True)
class Likenesses:
    """How alike two movies are, from 0 to 1.

    With the item-item weights B of EASE or of nearest neighbours it is the cosine between the rows
    of two movies, that is between what each of them says about all movies; with ALS the cosine of
    their factors; with content that of their features. Movies that nobody has watched yet are
    compared by content, those that have been are never said to be like them.

    Attributes:
        learned: cosines of a movie with all others by a recommender, or None without one.
        content: the same by the movies' own columns.
    """

    learned: Cosines | None
    content: Cosines

    @classmethod
    def of(cls, panel: Panel, primary: str, movies: pd.DataFrame) -> Self:
        """By the generator that `informant` names; row j of `movies` is item j."""
        name = informant(panel, primary)
        learned = None if name in (None, CONTENT) else _learned(panel.generators[str(name)])
        content = panel.generators.get(CONTENT)
        vectors = (
            content.vectors_
            if isinstance(content, Content)
            else movie_vectors(movies, ContentConfig())
        )
        return cls(learned, Rows.of(vectors))

    def to(self, item: int) -> Float32Array:
        """How like `item` each movie is: float32 ``(n_items,)``, 0 to 1; 0 for itself."""
        found = np.zeros(0, dtype=np.float32) if self.learned is None else self.learned(item)
        if not found.any():
            found = self.content(item)
        out = np.clip(found, 0, 1)
        out[item] = 0
        return out


def similar(
    likenesses: Likenesses, item: int, k: int, allowed: BoolArray | None = None
) -> tuple[Int32Array, Float32Array]:
    """The movies most like one movie, the likest first.

    Args:
        likenesses: of the catalogue.
        item: the movie; it is not in its own list.
        k: most movies of the list.
        allowed: bool ``(n_items,)``, none but these; None is all.

    Returns:
        items int32 ``(m,)`` and their likeness float32 ``(m,)``, above 0 and at most 1; m is less
        than k where fewer are alike. Ties are in order of the item.

    Raises:
        ModelError: the catalogue has no such item.
    """
    values = likenesses.to(item)
    there = values > 0 if allowed is None else (values > 0) & allowed
    items = np.flatnonzero(there)
    if len(items) > k > 0:
        least = np.partition(values[items], len(items) - k)[len(items) - k]
        items = items[values[items] >= least]
    order = np.argsort(-values[items], kind="stable")[: max(k, 0)]
    chosen = items[order].astype(np.int32)
    return chosen, values[chosen]


def _checked(item: int, n_items: int) -> int:
    if not 0 <= item < n_items:
        raise ModelError(
            f"There is no movie at place {item:,}: the catalogue has {n_items:,} movies.",
            "Look the movie up in the released model's items.",
        )
    return item


@dataclass(frozen=True)
class Rows:
    """Cosines between the rows of a matrix.

    Attributes:
        matrix: CSR or array, float32 ``(m, d)``.
        lengths: float32 ``(m,)``, of its rows, 1 for rows of zeros.
        items: int32 ``(m,)``, the item of each row; all other items have none.
        place: int32 ``(n_items,)``, the row of each item, −1 without one.
    """

    matrix: sp.csr_matrix
    lengths: Float32Array
    items: Int32Array
    place: Int32Array

    @classmethod
    def of(
        cls,
        matrix: sp.csr_matrix | Float32Array,
        items: Int32Array | None = None,
        n_items: int | None = None,
    ) -> Self:
        """Of a matrix with a row for each of `items`; None: for each item."""
        if items is None or n_items is None:
            items, n_items = np.arange(matrix.shape[0], dtype=np.int32), matrix.shape[0]
        if isinstance(matrix, np.ndarray):
            squares = np.einsum("ij,ij->i", matrix, matrix)
        else:
            squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
        return cls(matrix, _lengths(squares), items, _places(items, n_items))

    def __call__(self, item: int) -> Float32Array:
        """The cosine of `item` with every item: float32 ``(n_items,)``, 0 where it has none."""
        out = np.zeros(len(self.place), dtype=np.float32)
        row = self.place[_checked(item, len(self.place))]
        if row >= 0:
            out[self.items] = self._products(row) / (self.lengths * self.lengths[row])
        return out

    def _products(self, row: int) -> npt.NDArray[Any]:
        if isinstance(self.matrix, np.ndarray):
            return np.asarray(self.matrix @ self.matrix[row])
        return np.asarray((self.matrix @ self.matrix[[row]].T).toarray()).ravel()


@dataclass(frozen=True)
class Products:
    """Cosines between the rows of EASE's B where B is given by factors F, and never made.

    With ``B_ik = d_k f_iᵀf_k`` off the diagonal and 0 on it, ``G = Σ_k d_k² f_k f_kᵀ`` and
    ``e_k = d_k² f_kᵀf_k``, the product of two different rows is ``f_iᵀ G f_j − (e_i + e_j)
    f_iᵀf_j``, and the squared length of a row ``f_iᵀ G f_i − e_i f_iᵀf_i``.

    Attributes:
        factors: F, float32 ``(m, r)``.
        gram: G, float32 ``(r, r)``.
        own: e, float32 ``(m,)``.
        lengths, items, place: see `Rows`.
    """

    factors: Float32Array
    gram: Float32Array
    own: Float32Array
    lengths: Float32Array
    items: Int32Array
    place: Int32Array

    @classmethod
    def of(cls, model: Ease, factors: Float32Array, n_items: int) -> Self:
        explained = np.einsum("ij,ij->i", factors, factors)
        scale = np.ones_like(explained) if model.config.symmetric else 1 / (1 - explained)
        scaled = factors * scale[:, None]
        gram = scaled.T @ scaled
        own = scale**2 * explained
        squares = np.einsum("ij,ij->i", factors @ gram, factors) - own * explained
        places = _places(model.items_, n_items)
        return cls(factors, gram, own, _lengths(squares), model.items_, places)

    def __call__(self, item: int) -> Float32Array:
        """As `Rows`."""
        out = np.zeros(len(self.place), dtype=np.float32)
        row = self.place[_checked(item, len(self.place))]
        if row >= 0:
            mine = self.factors[row]
            products = self.factors @ (self.gram @ mine)
            products -= (self.own + self.own[row]) * (self.factors @ mine)
            out[self.items] = products / (self.lengths * self.lengths[row])
        return out


def _learned(model: Recommender) -> Cosines | None:
    if isinstance(model, Ease):
        n_items = int(model.n_items_ or 0)
        if model.weights_ is not None:
            return Rows.of(model.weights_, model.items_, n_items)
        return None if model.factors_ is None else Products.of(model, model.factors_, n_items)
    if isinstance(model, ItemKnn):
        return Rows.of(model.similarity_)
    if isinstance(model, Als):
        return Rows.of(model.item_factors_)
    return None


def _lengths(squares: npt.NDArray[Any]) -> Float32Array:
    """Roots of squared lengths; 1 where rounding has left nothing above 0."""
    return np.sqrt(np.where(squares > 0, squares, 1)).astype(np.float32)


def _places(items: Int32Array, n_items: int) -> Int32Array:
    place = np.full(n_items, -1, dtype=np.int32)
    place[items] = np.arange(len(items), dtype=np.int32)
    return place
