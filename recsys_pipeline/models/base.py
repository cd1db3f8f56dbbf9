"""Recommender: what every model of this room does, and exact top-k over any of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array, UserBatch
from recsys_pipeline.errors import ModelError

IntpArray = npt.NDArray[np.intp]

_BLOCK_BYTES = 16_000_000

_CACHE_BYTES = 4_000_000
"""A block that the processor's cache holds is gone through several times at its speed."""

_GROUPS = 8
"""Groups of columns for each place of a list."""

_LEAST_GROUP = 4
"""With fewer columns in a group it is faster to look at all of them at once."""


class Recommender(ABC):
    """A model with item-side parameters only: a user is what the caller hands in.

    The items are those of the Dataset that it was fitted on, in that order. Fitted state ends in
    an underscore. Equal data, settings and `rng` state give equal bytes.

    Attributes:
        name: name in settings, reports and files.
        n_items_: number of items of the fitted catalogue, or None before `fit` and `load`.
    """

    name: ClassVar[str]
    n_items_: int | None = None

    @abstractmethod
    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        """Learn from the events of `data` (all known as of ``data.as_of``); returns self.

        Raises:
            MemoryLimitError: the fitted model or its making would not fit.
        """

    @abstractmethod
    def score(self, users: UserBatch) -> Float32Array:
        """Scores of every item for every user: float32 ``(len(users), n_items)``, finite.

        Higher is better; only the order within a row has a meaning. Seen items are scored like
        any others. An empty batch gives shape ``(0, n_items)``.

        Raises:
            ModelError: the model is not fitted, or `users` belongs to another catalogue.
        """

    @abstractmethod
    def knows(self, users: UserBatch) -> BoolArray:
        """For which users the scores are personal: bool ``(len(users),)``."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model into `folder` (made if missing) as npz and JSON, no pickle."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote. Raises ModelError if it is not whole."""

    def recommend(
        self, users: UserBatch, k: int, *, allowed: BoolArray | None = None
    ) -> tuple[Int32Array, Float32Array]:
        """The k best unseen items of each user, best first; scored in blocks of users.

        Args:
            users: whose lists; items in ``users.seen`` are left out.
            k: length of a list; larger than the catalogue is as large as the catalogue.
            allowed: bool ``(n_items,)``, the items that may be recommended; None is all.

        Returns:
            items int32 and scores float32, both ``(len(users), k)``. Ties are in order of the
            item. Where fewer than k items are left, the rest is −1 and −inf.

        Raises:
            ModelError: the model is not fitted, or `users` belongs to another catalogue.
        """
        items, best = _no_lists(len(users), k)
        for rows in row_blocks(len(users), 4 * self._catalogue(users)):
            block = users.take(rows)
            items[rows], best[rows] = top_k(self.score(block), block, k, allowed=allowed)
        return items, best

    def _catalogue(self, users: UserBatch | None = None) -> int:
        """Number of items. Raises ModelError if not fitted, or if `users` has other items."""
        if self.n_items_ is None:
            raise ModelError(
                f"The model {self.name!r} is not fitted.", "Call fit, or load a saved model."
            )
        if users is not None and users.history.shape[1] != self.n_items_:
            raise ModelError(
                f"The model {self.name!r} was fitted on {self.n_items_:,} movies, and was asked "
                f"about users with {users.history.shape[1]:,}.",
                "Use the dataset that the model was fitted on, or fit the model again.",
            )
        return self.n_items_


def row_blocks(n_rows: int, row_bytes: int, limit: int = _BLOCK_BYTES) -> Iterator[slice]:
    """Slices that cover `n_rows` rows so that a block of rows has about `limit` bytes at most.

    >>> list(row_blocks(5, row_bytes=10, limit=20))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, limit // max(1, row_bytes))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def top_k(
    scores: Float32Array,
    users: UserBatch,
    k: int,
    *,
    allowed: BoolArray | None = None,
) -> tuple[Int32Array, Float32Array]:
    """The k best unseen items by a score matrix; see `Recommender.recommend`.

    `scores` is float32 ``(len(users), n_items)`` and is not changed. Beyond the result, little
    more than 16 MB are held.
    """
    n_users, n_items = scores.shape
    items, best = _no_lists(n_users, k)
    take = min(k, n_items)
    if not take:
        return items, best
    shut = None if allowed is None else ~allowed
    for rows in row_blocks(n_users, 4 * n_items, limit=_CACHE_BYTES):
        cost = np.negative(scores[rows], dtype=np.float32)
        if shut is not None:
            cost[:, shut] = np.inf
        pointers = users.seen.indptr[rows.start : rows.stop + 1]
        row = np.repeat(np.arange(len(cost)), np.diff(pointers))
        cost[row, users.seen.indices[pointers[0] : pointers[-1]]] = np.inf
        columns = _cheapest(cost, take)
        values = np.take_along_axis(cost, columns, axis=1)
        items[rows, :take] = np.where(np.isposinf(values), -1, columns)
        best[rows, :take] = -values
    return items, best


def _no_lists(n_users: int, k: int) -> tuple[Int32Array, Float32Array]:
    """Lists of length `k` with nothing in them."""
    items = np.full((n_users, k), -1, dtype=np.int32)
    return items, np.full((n_users, k), -np.inf, dtype=np.float32)


def _cheapest(cost: Float32Array, take: int) -> IntpArray:
    """Columns of the `take` smallest values of each row, ascending, ties by column."""
    n_groups = _GROUPS * take
    size = cost.shape[1] // n_groups
    if size < _LEAST_GROUP:
        return _partitioned(cost, take)
    # The smallest value of each group of columns: `take` of them are at or below the threshold,
    # so at least as many columns are, and hardly more where groups are many.
    groups = cost[:, : size * n_groups].reshape(len(cost), size, n_groups)
    threshold = np.partition(groups.min(axis=1), take - 1, axis=1)[:, take - 1 : take]
    row, column = np.divmod(np.flatnonzero(cost <= threshold), cost.shape[1])
    count = np.bincount(row, minlength=len(cost))
    result = np.empty((len(cost), take), dtype=np.intp)
    crowded = count > 4 * take
    if crowded.any():
        result[crowded] = _partitioned(cost[crowded], take)
        kept = ~crowded[row]
        row, column = row[kept], column[kept]
        count[crowded] = 0
    if len(row):
        place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
        values = np.full((len(cost), count.max()), np.inf, dtype=np.float32)
        columns = np.zeros(values.shape, dtype=np.intp)
        values[row, place], columns[row, place] = cost[row, column], column
        order = np.argsort(values, axis=1, kind="stable")[:, :take]
        result[~crowded] = np.take_along_axis(columns, order, axis=1)[~crowded]
    return result


def _partitioned(cost: Float32Array, take: int) -> IntpArray:
    """As `_cheapest`, whatever the number of columns and of ties."""
    threshold = np.partition(cost, take - 1, axis=1)[:, take - 1 : take]
    chosen = cost <= threshold
    tied = np.flatnonzero(np.count_nonzero(chosen, axis=1) > take)
    if len(tied):
        below = cost[tied] < threshold[tied]
        level = chosen[tied] & ~below
        room = take - np.count_nonzero(below, axis=1)
        first = np.cumsum(level, axis=1, dtype=np.int32) <= room[:, None]
        chosen[tied] = below | (level & first)
    columns = np.nonzero(chosen)[1].reshape(len(cost), take)
    order = np.argsort(np.take_along_axis(cost, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
