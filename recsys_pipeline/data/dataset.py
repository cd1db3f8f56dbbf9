"""Dataset: the cleaned tables as arrays; and what is known of a batch of users."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.data.ids import IdMap

Int32Array = npt.NDArray[np.int32]
Float32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Events:
    """Interactions as parallel arrays of length n, in order of (time, user, item).

    Attributes:
        user: int32, row in the user map.
        item: int32, row in the item map.
        time: int64, microseconds since 1970 (UTC), or None where the data have no time.
        positive: bool, whether the event counts as a like.
        weight: float32, how much it counts (> 0), by rating.
        label: float32, 1 liked, 0 disliked, NaN not said; None where no event says it.
    """

    user: Int32Array
    item: Int32Array
    time: npt.NDArray[np.int64] | None
    positive: BoolArray
    weight: Float32Array
    label: Float32Array | None

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: npt.NDArray[Any]) -> "Events":
        """The events at `rows` (a bool mask or an index), in the same order."""
        return Events(
            self.user[rows],
            self.item[rows],
            None if self.time is None else self.time[rows],
            self.positive[rows],
            self.weight[rows],
            None if self.label is None else self.label[rows],
        )


@dataclass(frozen=True)
class UserBatch:
    """What is known of some users: all that a recommender may use of them.

    Attributes:
        history: CSR float32 ``(n, n_items)``: the weight of each liked item.
        seen: CSR float32 ``(n, n_items)``: every item that the user met, liked or not.
        profiles: DataFrame with n rows: the users' columns (no id needed).
        recency: CSR float32 of the same shape and entries as `history`: the place of each liked
            item in the order in which the user liked them, as a share: the newest has 1, the
            oldest of m has 1/m. None where nobody knows the order.
        part_of: a larger batch and the rows that these users have in it, where many small batches
            are taken out of one; None for a batch of its own.
    """

    history: sp.csr_matrix
    seen: sp.csr_matrix
    profiles: pd.DataFrame
    recency: sp.csr_matrix | None = None
    part_of: "tuple[UserBatch, npt.NDArray[Any]] | None" = None

    def __len__(self) -> int:
        return int(self.history.shape[0])

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What `make` returns, made at the first asking under `key` and kept with this batch.

        Several models look at a user in the same way: what they see is computed once, and is gone
        with the batch. `key` says all that the result depends on besides the batch; the result
        must not be changed.
        """
        made: _Made = self._made[key] if key in self._made else self._made.setdefault(key, make())
        return made

    def once_by_row(
        self,
        key: Hashable,
        make: "Callable[[UserBatch], _Made]",
        take: Callable[[_Made, npt.NDArray[Any]], _Made],
    ) -> _Made:
        """`once` for what is computed for each user alone: for all of `part_of` at once.

        Args:
            key: as for `once`.
            make: computes it for a batch.
            take: the rows of what `make` returns.
        """
        if self.part_of is None:
            return self.once(key, lambda: make(self))
        whole, rows = self.part_of
        return self.once(key, lambda: take(whole.once(key, lambda: make(whole)), rows))

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    def take(self, rows: npt.NDArray[Any] | slice) -> "UserBatch":
        """The users at `rows`; the batch itself where these are all of them, in order."""
        if isinstance(rows, slice):
            whole = range(len(self))[rows] == range(len(self))
        else:
            whole = len(rows) == len(self) and np.array_equal(rows, np.arange(len(self)))
        if whole:
            return self
        recency = None if self.recency is None else self.recency[rows]
        return UserBatch(self.history[rows], self.seen[rows], self.profiles.iloc[rows], recency)

    def aged(self, oldest: float) -> sp.csr_matrix:
        """The history in which an older like counts less: CSR float32 ``(n, n_items)``.

        Args:
            oldest: what a like at the very beginning of a long history counts against the newest
                one (0 to 1); between them the weight falls evenly. 1 leaves the history as it is.
        """
        return aged(self.history, self.recency, oldest)

    @cached_property
    def history_lengths(self) -> Int32Array:
        """Number of liked items per user, int32 ``(n,)``."""
        return np.asarray(np.diff(self.history.indptr), dtype=np.int32)


@dataclass(frozen=True)
class Dataset:
    """The cleaned tables as arrays. Frozen: a cut in time is a new Dataset on the same maps.

    Attributes:
        users, items: id maps.
        events: the interactions known in this Dataset.
        profiles: DataFrame, row i is user i.
        movies: DataFrame, row j is item j.
        as_of: the moment that is looked from: events are known up to it, where they have a time,
            and movies are available at it or not; None where nobody says one.
        columns: the columns that the interactions had.
    """

    users: IdMap
    items: IdMap
    events: Events
    profiles: pd.DataFrame
    movies: pd.DataFrame
    as_of: pd.Timestamp | None
    columns: tuple[str, ...] = ()

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    def cut(self, rows: BoolArray, as_of: pd.Timestamp | None) -> "Dataset":
        """The same users and items with only the events at `rows`, known as of `as_of`."""
        return replace(self, events=self.events.take(rows), as_of=as_of)

    @cached_property
    def history(self) -> sp.csr_matrix:
        """CSR float32 ``(n_users, n_items)``: the largest weight of each liked pair."""
        events = self.events.take(self.events.positive)
        return _largest(events.user, events.item, events.weight, (self.n_users, self.n_items))

    @cached_property
    def seen(self) -> sp.csr_matrix:
        """CSR float32 ``(n_users, n_items)``: one for each pair that met, liked or not."""
        ones = np.ones(len(self.events), dtype=np.float32)
        return _largest(self.events.user, self.events.item, ones, (self.n_users, self.n_items))

    @cached_property
    def recency(self) -> sp.csr_matrix | None:
        """See `UserBatch.recency`; ``(n_users, n_items)``. Likes at the same moment go by item."""
        events = self.events.take(self.events.positive)
        if events.time is None:
            return None
        shape = (self.n_users, self.n_items)
        order = np.lexsort((events.item, events.time, events.user))
        # A movie liked again is as new as its last like.
        pair = events.user[order].astype(np.int64) * self.n_items + events.item[order]
        last = len(pair) - 1 - np.unique(pair[::-1], return_index=True)[1]
        order = order[np.sort(last)]
        user = events.user[order]
        counts = np.bincount(user, minlength=self.n_users)
        place = np.arange(1, len(user) + 1) - (np.cumsum(counts) - counts)[user]
        share = (place / counts[user]).astype(np.float32)
        return _largest(user, events.item[order], share, shape)

    def batch(self, rows: npt.NDArray[Any] | slice = slice(None)) -> UserBatch:
        """What is known here of the users at `rows`."""
        recency = None if self.recency is None else self.recency[rows]
        return UserBatch(self.history[rows], self.seen[rows], self.profiles.iloc[rows], recency)


def aged(history: sp.csr_matrix, recency: sp.csr_matrix | None, oldest: float) -> sp.csr_matrix:
    """`history` weighted by recency; see `UserBatch.aged`."""
    if oldest == 1 or recency is None:
        return history
    weight = history.data * (oldest + (1 - oldest) * recency.data)
    parts = (weight.astype(np.float32), history.indices, history.indptr)
    return sp.csr_matrix(parts, shape=history.shape)


def _largest(
    user: Int32Array, item: Int32Array, weight: Float32Array, shape: tuple[int, int]
) -> sp.csr_matrix:
    """CSR with the largest weight of each pair; column indices sorted."""
    key = user.astype(np.int64) * shape[1] + item
    order = np.lexsort((weight, key))
    key, weight = key[order], weight[order]
    last = np.ones(len(key), dtype=bool)
    last[:-1] = key[1:] != key[:-1]
    key, weight = key[last], weight[last]
    rows = (key // shape[1]).astype(np.int32)
    indptr = np.zeros(shape[0] + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    indices = (key % shape[1]).astype(np.int32)
    return sp.csr_matrix((weight.astype(np.float32), indices, indptr), shape=shape)
