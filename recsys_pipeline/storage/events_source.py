"""Tables from what came in through the API, alone or added to another source."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.errors import SourceError
from recsys_pipeline.pipeline.feedback import NO_INTERACTION, interactions_of, with_ids_like
from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.sources import Source, Tables

_PLACE: Final = "events"

OpenStore = Callable[[], AbstractContextManager[EventStore]]
"""Opens the store for as long as it is read."""


class EventsSource:
    """A Source over the events, merged with another one.

    Users and movies are those of the other source; a user who is known from events only gets a
    row, and an event with an unknown movie is left to the rule about references. Impressions are
    no interactions. Without another source, users and movies are those of the events.

    Args:
        open_store: opens the store of events.
        merged: the other source, or None.
        likes: from which rating and share watched on something is liked.
    """

    def __init__(self, open_store: OpenStore, merged: Source | None, likes: LikesConfig) -> None:
        self._open, self._merged, self._likes = open_store, merged, likes

    @property
    def description(self) -> str:
        """One line for people, such as ``events added to files: ratings.csv``."""
        return _PLACE if self._merged is None else f"{_PLACE} added to {self._merged.description}"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`.

        None where there is none, or where the interactions of the other source have no time.
        """
        known = []
        if self._merged is not None:
            newest = self._merged.newest_event(not_after)
            if newest is None and (not_after is None or self._merged.newest_event() is None):
                return None
            known += [] if newest is None else [newest]
        limit = None if not_after is None else not_after.to_pydatetime(warn=False)
        with self._open() as store:
            own = store.newest_event(limit)
        known += [] if own is None else [pd.Timestamp(own).as_unit("us")]
        return max(known, default=None)

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """The tables of the other source and the events up to `as_of`, those below the others.

        Raises:
            SourceError: the other source cannot be read, or there is none and no event.
            StorageError: the events cannot be read.
        """
        tables = None if self._merged is None else self._merged.read(as_of)
        columns = () if tables is None else tuple(tables.interactions.columns)
        rows = self._rows(columns, as_of)
        if tables is None:
            return _alone(rows)
        for key, table in ((n.USER_ID, tables.users), (n.MOVIE_ID, tables.movies)):
            rows = with_ids_like(rows, key, table[key])
        if n.TIMESTAMP not in columns:
            rows = rows.drop_duplicates([n.USER_ID, n.MOVIE_ID, n.EVENT_TYPE], keep="last")
        rows = _placed(rows.reset_index(drop=True))
        unknown = rows[rows[n.USER_ID].notna() & ~rows[n.USER_ID].isin(tables.users[n.USER_ID])]
        new = unknown.drop_duplicates(n.USER_ID).sort_values(n.USER_ID)
        note = (
            f"{len(rows):,} interactions came in through the API, {len(unknown):,} of them by "
            f"{len(new):,} users who are in no other table"
        )
        return Tables(
            _below(tables.users, new[[n.USER_ID, n.SOURCE_FILE, n.SOURCE_ROW]]),
            tables.movies,
            _below(tables.interactions, rows),
            (*tables.notes, f"{note}."),
        )

    def fingerprint(self) -> str:
        """Sixteen digits that change with the other source and with every event."""
        with self._open() as store:
            number = store.last_number()
        other = "" if self._merged is None else self._merged.fingerprint()
        return hashlib.sha256(f"{other} {number}".encode()).hexdigest()[:16]

    def _rows(self, columns: tuple[str, ...], as_of: pd.Timestamp | None) -> pd.DataFrame:
        limit = None if as_of is None else as_of.to_pydatetime(warn=False)
        parts = [interactions_of((), columns, self._likes)]
        with self._open() as store:
            parts += [
                interactions_of(chunk, columns, self._likes) for chunk in store.event_chunks(limit)
            ]
        return _stacked(parts)


def _alone(rows: pd.DataFrame) -> Tables:
    if rows.empty:
        raise SourceError(
            f"No event but impressions ({NO_INTERACTION}) has come in yet.",
            "Name the source of users and movies in source.events.merge, or post events first.",
        )
    for key in (n.USER_ID, n.MOVIE_ID):
        rows = with_ids_like(rows, key, _guessed(rows[key]))
    rows = _placed(rows)
    tables = {}
    for contract, key in ((USERS, n.USER_ID), (MOVIES, n.MOVIE_ID)):
        first = rows[[key, n.SOURCE_FILE, n.SOURCE_ROW]].drop_duplicates(key)
        tables[contract.name] = first.sort_values(key, ignore_index=True)
    note = f"The {len(rows):,} interactions came in through the API; users and movies are theirs."
    return Tables(tables[USERS.name], tables[MOVIES.name], _ordered(rows), (note,))


def _guessed(texts: pd.Series) -> pd.Series:
    """Ids of the type that fits all: whole numbers where each text is one."""
    whole = pd.Series([0], dtype=np.int64)
    mapped = with_ids_like(texts.to_frame(), str(texts.name), whole)
    return whole if n.raw(str(texts.name)) not in mapped.columns else texts


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    place = pd.Series(_PLACE, index=rows.index, dtype="str")
    return rows.assign(**{n.SOURCE_FILE: place, n.SOURCE_ROW: numbers})


def _below(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` below `frame`; a column that one of them lacks is missing there."""
    return _ordered(_stacked([frame, rows])) if len(rows) else frame


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other; each column keeps the dtype of the first that has it.

    Whole numbers of which some are missing then are ``Int64`` in an id, ``float64`` elsewhere.
    """
    order = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    data = {}
    for name in order:
        parts = [
            frame[name] if name in frame.columns else pd.Series(pd.NA, frame.index, dtype="object")
            for frame in frames
        ]
        data[name] = _column(parts, [name in frame.columns for frame in frames])
    return pd.DataFrame(data)


def _column(parts: list[pd.Series], there: list[bool]) -> pd.Series:
    dtype = parts[there.index(True)].dtype
    gaps = not all(there) or any(part.isna().any() for part in parts)
    if gaps and pd.api.types.is_integer_dtype(dtype):
        nullable = any(pd.api.types.is_extension_array_dtype(part.dtype) for part in parts)
        dtype = "Int64" if nullable else "float64"
    elif gaps and dtype == np.bool_:
        dtype = "boolean"
    empty = pd.Series([], dtype=dtype)
    typed = [
        part.astype(dtype) if here else empty.reindex(part.index)
        for part, here in zip(parts, there, strict=True)
    ]
    return pd.concat([part.astype(dtype) for part in typed], ignore_index=True)


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Canonical columns of interactions or users first, each with its raw companion."""
    contract = INTERACTIONS if n.MOVIE_ID in frame.columns else USERS
    first = [
        name
        for column in contract.column_names
        for name in (column, n.raw(column))
        if name in frame.columns
    ]
    return frame[first + [name for name in frame.columns if name not in first]]
