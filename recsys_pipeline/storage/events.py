"""Events and answers in a database."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.online import Event, Shown, Taken
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.storage.barred import Barred
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.moments import to_moment, to_number
from recsys_pipeline.storage.tables import EVENTS, SHOWN

_IMPRESSION: Final = "impression"
_EVENT_COLUMNS: Final = tuple(
    EVENTS.c[name]
    for name in (
        "event_id",
        n.USER_ID,
        n.MOVIE_ID,
        "kind",
        "at",
        "received_at",
        n.RATING,
        n.WATCH_FRACTION,
        "request_id",
        n.RELEASE,
        n.RANK,
    )
)
_SHOWN_COLUMNS: Final = tuple(SHOWN.c)
_ORDER: Final = 5_210_764_893
"""Held in PostgreSQL by who adds events; any number that nobody else takes."""
_ERASE: Final = 5_210_764_894
"""Held in PostgreSQL by who erases, and shared by those who write answers."""
_BLANKS: Final = "".join(chr(code) for code in range(1, 0x3001) if chr(code).isspace())
"""What `str.strip` takes away."""
_PRUNED_AT_ONCE: Final = 10_000
_NAMED_AT_ONCE: Final = 10_000


_EVENTS_THERE = sa.select(EVENTS.c.event_id).where(
    EVENTS.c.event_id.in_(sa.bindparam("ids", expanding=True))
)
_EVENTS_OF = (
    sa.select(*_EVENT_COLUMNS)
    .where(EVENTS.c[n.USER_ID].in_(sa.bindparam("users", expanding=True)))
    .order_by(EVENTS.c.at, EVENTS.c.event_id)
)
"""Made once: making a statement takes longer than a short answer of the database."""


class SqlEventStore:
    """The `EventStore` over a database.

    Events are numbered in the order in which they become visible, so that whoever has read up to
    a number has missed none before it: SQLite has one writer at a time; in PostgreSQL writers of
    events wait for each other (for as long as one insert takes), as else a number that was drawn
    earlier could show up later.

    Args:
        database: from `open_database`; `close` closes it.
        key: of the hashes of erased people; then no row names any of them: their events are left
            out, their answers become nobody's. None writes everything.
    """

    def __init__(self, database: Database, key: PrivacyKey | None = None) -> None:
        self._database = database
        self._barred = None if key is None else Barred(key)
        self._add_event = _Insert(database, EVENTS, _EVENT_COLUMNS, "event_id")
        self._add_shown = _Insert(database, SHOWN, _SHOWN_COLUMNS, "request_id")

    def add_events(self, events: Sequence[Event]) -> int:
        """See `EventStore`."""
        return len(self.add_groups([events])[0].new)

    def add_groups(self, groups: Sequence[Sequence[Event]]) -> list[Taken]:
        """Store the events of several callers in one transaction; what became of each one's.

        Raises:
            StorageError: they could not be stored; none of them was.
        """
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ORDER})")
            barred = self._holds(connection)
            kept = [[each for each in events if not barred(each.user_id)] for events in groups]
            there = self._there(connection, [each.event_id for own in kept for each in own])
            taken = []
            for events, own in zip(groups, kept, strict=True):
                new: dict[str, Event] = {}
                for each in own:
                    if each.event_id not in there:
                        new.setdefault(each.event_id, each)
                self._add_event.run(connection, [_row_of_event(each) for each in new.values()])
                there.update(new)
                taken.append(Taken(frozenset(new), len(events) - len(own)))
            return taken

    def _there(self, connection: Any, event_ids: Sequence[str]) -> set[str]:
        """Those of the ids that are stored; nobody else adds any in this transaction."""
        found: set[str] = set()
        for start in range(0, len(event_ids), _NAMED_AT_ONCE):
            some = list(event_ids[start : start + _NAMED_AT_ONCE])
            found.update(connection.execute(_EVENTS_THERE, {"ids": some}).scalars())
        return found

    def _holds(self, connection: Any) -> Callable[[str], bool]:
        """Whose rows must not be written."""
        return _nobody if self._barred is None else self._barred.holds(connection)

    def add_shown(self, shown: Sequence[Shown]) -> None:
        """See `EventStore`."""
        if shown:
            with self._database.writing() as connection:
                if not self._database.is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_ERASE})")
                barred = self._holds(connection)
                rows = [
                    _row_of_shown(replace(each, user_id="") if barred(each.user_id) else each)
                    for each in shown
                ]
                self._add_shown.run(connection, rows)

    def events_of(self, user_id: str) -> list[Event]:
        """See `EventStore`."""
        return self.events_of_users([user_id]).get(user_id, [])

    def events_of_users(self, user_ids: Sequence[str]) -> dict[str, list[Event]]:
        """See `EventStore`."""
        found: dict[str, list[Event]] = {}
        for event in self._events(_EVENTS_OF, {"users": list(user_ids)}):
            found.setdefault(event.user_id, []).append(event)
        return found

    def events_since(self, number: int, limit: int = 10_000) -> tuple[list[Event], int]:
        """See `EventStore`."""
        chosen = (
            sa.select(*_EVENT_COLUMNS, EVENTS.c.number)
            .where(EVENTS.c.number > number)
            .order_by(EVENTS.c.number)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(chosen).all()
        return [_event(row[:-1]) for row in rows], int(rows[-1][-1]) if rows else number

    def last_number(self) -> int:
        """See `EventStore`."""
        return int(self._value(sa.select(sa.func.max(EVENTS.c.number))) or 0)

    def event_chunks(
        self, until: datetime | None, rows: int = 50_000, *, after: datetime | None = None
    ) -> Iterator[list[Event]]:
        """See `EventStore`; each chunk is a query of its own, so that no long one is in the way."""
        chosen = sa.select(*_EVENT_COLUMNS).order_by(EVENTS.c.at, EVENTS.c.event_id).limit(rows)
        if until is not None:
            chosen = chosen.where(EVENTS.c.at <= to_number(until))
        first = chosen if after is None else chosen.where(EVENTS.c.at > to_number(after))
        place = sa.tuple_(EVENTS.c.at, EVENTS.c.event_id)
        part = self._events(first)
        while part:
            yield part
            last = sa.tuple_(sa.literal(to_number(part[-1].at)), sa.literal(part[-1].event_id))
            part = self._events(chosen.where(place > last)) if len(part) == rows else []

    def newest_event(self, not_after: datetime | None = None) -> datetime | None:
        """See `EventStore`."""
        chosen = (
            sa.select(EVENTS.c.at)
            .where(EVENTS.c.kind != _IMPRESSION)
            .order_by(EVENTS.c.at.desc())
            .limit(1)
        )
        if not_after is not None:
            chosen = chosen.where(EVENTS.c.at <= to_number(not_after))
        found = self._value(chosen)
        return None if found is None else to_moment(found)

    def event(self, event_id: str) -> Event | None:
        """See `EventStore`."""
        found = self._events(sa.select(*_EVENT_COLUMNS).where(EVENTS.c.event_id == event_id))
        return found[0] if found else None

    def shown(self, request_id: str) -> Shown | None:
        """See `EventStore`."""
        found = self._shown(sa.select(*_SHOWN_COLUMNS).where(SHOWN.c.request_id == request_id))
        return found[0] if found else None

    def shown_to(self, user_id: str, until: datetime | None = None, limit: int = 20) -> list[Shown]:
        """See `EventStore`."""
        chosen = sa.select(*_SHOWN_COLUMNS).where(SHOWN.c[n.USER_ID] == user_id)
        if until is not None:
            chosen = chosen.where(SHOWN.c.shown_at <= to_number(until))
        newest_first = (SHOWN.c.shown_at.desc(), SHOWN.c.request_id.desc())
        return self._shown(chosen.order_by(*newest_first).limit(limit))

    def shown_chunks(
        self, after: datetime | None, rows: int = 50_000, *, until: datetime | None = None
    ) -> Iterator[list[Shown]]:
        """See `EventStore`; each chunk is a query of its own."""
        in_order = sa.select(*_SHOWN_COLUMNS).order_by(SHOWN.c.shown_at, SHOWN.c.request_id)
        chosen = in_order.limit(rows)
        if until is not None:
            chosen = chosen.where(SHOWN.c.shown_at <= to_number(until))
        first = chosen if after is None else chosen.where(SHOWN.c.shown_at > to_number(after))
        place = sa.tuple_(SHOWN.c.shown_at, SHOWN.c.request_id)
        part = self._shown(first)
        while part:
            yield part
            moment, request = to_number(part[-1].shown_at), part[-1].request_id
            last = sa.tuple_(sa.literal(moment), sa.literal(request))
            part = self._shown(chosen.where(place > last)) if len(part) == rows else []

    def erase(self, user_id: str) -> dict[str, int]:
        """See `EventStore`; no file of a SQLite database holds the rows afterwards."""
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                # Whoever is writing ends first; whoever comes later knows of the erasure.
                for lock in (_ORDER, _ERASE):
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
            counts = {
                table.name: int(
                    connection.execute(
                        sa.delete(table).where(_bare(table.c[n.USER_ID]) == user_id.strip())
                    ).rowcount
                )
                for table in (EVENTS, SHOWN)
            }
        self._database.forget_deleted()
        return counts

    def spellings(self, user_id: str) -> list[str]:
        """See `EventStore`."""
        chosen = sa.union(
            *(
                sa.select(table.c[n.USER_ID]).where(_bare(table.c[n.USER_ID]) == user_id.strip())
                for table in (EVENTS, SHOWN)
            )
        )
        with self._database.reading() as connection:
            return sorted(connection.execute(chosen).scalars())

    def prune(
        self, events_before: datetime | None, shown_before: datetime | None
    ) -> dict[str, int]:
        """See `EventStore`; in small transactions, so that others get to write in between."""
        return {
            EVENTS.name: self._prune(EVENTS, EVENTS.c.number, EVENTS.c.received_at, events_before),
            SHOWN.name: self._prune(SHOWN, SHOWN.c.request_id, SHOWN.c.shown_at, shown_before),
        }

    def _prune(self, table: Any, key: Any, time: Any, before: datetime | None) -> int:
        if before is None:
            return 0
        some = sa.select(key).where(time < to_number(before)).limit(_PRUNED_AT_ONCE)
        removed, last = 0, -1
        while last:
            with self._database.writing() as connection:
                last = int(connection.execute(sa.delete(table).where(key.in_(some))).rowcount)
            removed += last
        return removed

    def close(self) -> None:
        """See `EventStore`."""
        self._database.close()

    def _events(self, chosen: Any, values: dict[str, Any] | None = None) -> list[Event]:
        with self._database.reading() as connection:
            return [_event(row) for row in connection.execute(chosen, values or {})]

    def _shown(self, chosen: Any) -> list[Shown]:
        with self._database.reading() as connection:
            return [_shown(row) for row in connection.execute(chosen)]

    def _value(self, chosen: Any) -> Any:
        with self._database.reading() as connection:
            return connection.execute(chosen).scalar()


class _Insert:
    """An insert of many rows that leaves those alone whose key is there already.

    The statement is written by SQLAlchemy once and handed to the driver with the bare rows:
    preparing the parameters of each row anew would take as long as storing it.
    """

    def __init__(self, database: Database, table: Any, columns: Sequence[Any], key: str) -> None:
        insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._names = [column.name for column in columns]
        compiled = (
            insert(table)
            .on_conflict_do_nothing(index_elements=[key])
            .compile(dialect=database.engine.dialect, column_keys=self._names)
        )
        self._statement, self._order = str(compiled), compiled.positiontup

    def run(self, connection: Any, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert rows, each in the order of the columns; how many were new."""
        if not rows:
            return 0
        given: Sequence[Any] = rows
        if self._order is None:
            given = [dict(zip(self._names, row, strict=True)) for row in rows]
        return int(connection.exec_driver_sql(self._statement, list(given)).rowcount)


def _nobody(user_id: str) -> bool:
    del user_id
    return False


def _bare(text: Any) -> Any:
    """A text without the blanks around it."""
    return sa.func.trim(text, _BLANKS)


def _row_of_event(event: Event) -> tuple[Any, ...]:
    return (
        event.event_id,
        event.user_id,
        event.movie_id,
        event.kind,
        to_number(event.at),
        to_number(event.received_at),
        event.rating,
        event.watch_fraction,
        event.request_id,
        event.release,
        event.rank,
    )


def _event(row: Sequence[Any]) -> Event:
    event_id, user_id, movie_id, kind, at, received_at, *others = row
    return Event(event_id, user_id, movie_id, kind, to_moment(at), to_moment(received_at), *others)


def _row_of_shown(shown: Shown) -> tuple[Any, ...]:
    return (
        shown.request_id,
        shown.user_id,
        to_number(shown.shown_at),
        shown.release,
        shown.kind,
        shown.movies,
        shown.propensities,
        shown.experiment,
        shown.arm,
        shown.personal,
    )


def _shown(row: Sequence[Any]) -> Shown:
    request_id, user_id, shown_at, *others = row
    return Shown(request_id, user_id, to_moment(shown_at), *others)
