"""People: what is known of single users between two runs, with what they have done since."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import events_of
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset, Events, UserBatch
from recsys_pipeline.data.ids import IdMap


@dataclass(frozen=True)
class People:
    """The users of one Dataset, each one's events at hand.

    Attributes:
        data: everything known at the last run.
        likes: what counts as a like, and how much.
        order: int64 ``(n_events,)``, the events ordered by user.
        starts: int64 ``(n_users + 1,)``, where each user begins in `order`.
        newest: the newest event, which ages are counted back from; None without times.
    """

    data: Dataset
    likes: LikesConfig
    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    newest: pd.Timestamp | None

    @classmethod
    def of(cls, data: Dataset, likes: LikesConfig) -> Self:
        order = np.argsort(data.events.user, kind="stable")
        starts = np.searchsorted(data.events.user[order], np.arange(data.n_users + 1))
        time = data.events.time
        newest = None
        if time is not None and len(time):
            newest = pd.Timestamp(int(time.max()), unit="us", tz="UTC")
        return cls(data, likes, order, starts, newest)

    def row_of(self, user: str) -> int:
        """The row of the user with that id as a text, −1 for one who is not known."""
        wanted: int | str = user
        if self._ids.dtype != object:
            digits = user[1:] if user[:1] == "-" else user
            # Beyond 18 digits no int64; a leading zero is another spelling of the same id.
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
                return -1
            wanted = int(user)
            if str(wanted) != user:
                return -1
        # Ids ascend, so halving finds them: much faster for one id than an index of pandas.
        row = bisect_left(self._ids, wanted)
        return row if row < len(self._ids) and self._ids[row] == wanted else -1

    @cached_property
    def _ids(self) -> npt.NDArray[Any]:
        """The users' ids: int64, or object where they are texts."""
        ids = self.data.users.values
        whole = pd.api.types.is_integer_dtype(ids.dtype)
        return np.asarray(ids.to_numpy(dtype=np.int64 if whole else object))

    @cached_property
    def everybody(self) -> UserBatch:
        """All users as of the last run: what is computed for each alone is computed once here."""
        return self.data.batch()

    def history(self, row: int) -> Events:
        """The events of one user, in order of time, then movie."""
        return self.data.events.take(self.order[self.starts[row] : self.starts[row + 1]])

    def batch(
        self, rows: Sequence[int], since: Sequence[pd.DataFrame | None] | None = None
    ) -> UserBatch:
        """What is known of some users now.

        Args:
            rows: of the users; −1 stands for one who is not known.
            since: for each of them interactions (contract columns but the user's id) with movies
                of the catalogue that came in since, or None. Their times may be of any age.
        """
        if min(rows, default=-1) >= 0 and not any(
            len(each) for each in since or () if each is not None
        ):
            chosen = np.asarray(rows, dtype=np.int64)
            return replace(self.everybody.take(chosen), part_of=(self.everybody, chosen))
        parts = []
        for place, row in enumerate(rows):
            known = self.history(row) if row >= 0 else self.data.events.take(self.order[:0])
            parts.append(_of_user(known, place))
            later = None if since is None else since[place]
            if later is not None and len(later):
                parts.append(self._later(later, place))
        own = replace(
            self.data,
            users=IdMap(pd.RangeIndex(len(rows))),
            events=_joined(parts, self.data.events),
            profiles=self._profiles(np.asarray(rows, dtype=np.int64)),
        )
        return own.batch()

    def _later(self, interactions: pd.DataFrame, place: int) -> Events:
        given = interactions.assign(**{n.USER_ID: place})
        nobody = IdMap(pd.RangeIndex(place + 1))
        return events_of(given, nobody, self.data.items, self.likes, self.newest)

    def _profiles(self, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
        if (rows >= 0).all():
            return self.data.profiles.take(rows).reset_index(drop=True)
        return self.data.profiles.reindex(rows).reset_index(drop=True)


def _of_user(events: Events, place: int) -> Events:
    return replace(events, user=np.full(len(events), place, dtype=np.int32))


def _joined(parts: Sequence[Events], like: Events) -> Events:
    """The events one below the other; a time or label that one part lacks is filled in."""
    time = label = None
    if like.time is not None:
        # Without a time an event counts as the oldest.
        empty = [np.zeros(len(part), dtype=np.int64) for part in parts]
        time = np.concatenate(
            [
                none if part.time is None else part.time
                for part, none in zip(parts, empty, strict=True)
            ]
        )
    if like.label is not None:
        nothing = [np.full(len(part), np.nan, dtype=np.float32) for part in parts]
        label = np.concatenate(
            [
                none if part.label is None else part.label
                for part, none in zip(parts, nothing, strict=True)
            ]
        )
    return Events(
        np.concatenate([part.user for part in parts]),
        np.concatenate([part.item for part in parts]),
        time,
        np.concatenate([part.positive for part in parts]),
        np.concatenate([part.weight for part in parts]),
        label,
    )
