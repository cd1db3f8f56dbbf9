"""One thread that writes what many callers hand in, many of them in one transaction."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import Event, Shown, Taken
from recsys_pipeline.storage.refused import RefusedRowsError


class GroupStore(Protocol):
    """What the writer needs of a store of events."""

    def add_groups(self, groups: Sequence[Sequence[Event]]) -> list[Taken]:
        """Store the events of several callers at once; what became of each one's."""
        ...

    def add_shown(self, shown: Sequence[Shown]) -> None:
        """Store answers; one whose request id is stored already is left as it is."""
        ...


@dataclass(frozen=True)
class Pace:
    """How much waits, for how long, and how much is written at once.

    Attributes:
        events: events that may wait; more are refused.
        shown: answers that may wait; more are lost, and counted.
        event_seconds: how long the first event waits for others.
        shown_seconds: how long the first answer waits for others.
        at_once: rows of a transaction. An event waits for the one before its own, so few
            answers go into one.
        retry_seconds: pause after answers could not be written.
    """

    events: int = 20_000
    shown: int = 50_000
    event_seconds: float = 0.002
    shown_seconds: float = 0.25
    at_once: int = 250
    retry_seconds: float = 1.0


class GroupWriter:
    """Collects events and answers from many threads and writes them in groups.

    An event is acknowledged, by its future, once it is durable. Answers are written soon; while
    the database is away they wait, and those that find the queue full are counted in `lost`.

    Args:
        store: where to; it stays open after `close`.
        pace: how much and how long.
    """

    def __init__(self, store: GroupStore, pace: Pace = Pace()) -> None:
        self.lost = 0
        """Answers that were not written and never will be."""
        self.failures = 0
        """Transactions that failed."""
        self._store, self._pace = store, pace
        self._events: deque[tuple[Sequence[Event], Future[Taken]]] = deque()
        self._shown: deque[Shown] = deque()
        self._waiting_events = 0
        self._first_event = self._first_shown = self._not_before = 0.0
        self._busy = self._hurry = self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> tuple[int, int]:
        """Events and answers that are not written yet."""
        with self._changed:
            return self._waiting_events, len(self._shown)

    def submit_events(self, events: Sequence[Event]) -> "Future[Taken]":
        """Hand in events; the future says what became of them once they are durable.

        It fails with StorageError where none of them was stored: the database cannot be
        written, too many events wait, or the writer is closed.
        """
        future: Future[Taken] = Future()
        with self._changed:
            full = self._waiting_events + len(events) > self._pace.events
            if self._closing or full:
                future.set_exception(_not_taken("is closed" if self._closing else "is full"))
                return future
            if not self._events:
                self._first_event = monotonic()
                self._changed.notify_all()
            self._events.append((events, future))
            self._waiting_events += len(events)
        return future

    def submit_shown(self, shown: Shown) -> None:
        """Hand in an answer; this returns at once."""
        with self._changed:
            if self._closing or len(self._shown) >= self._pace.shown:
                self.lost += 1
                return
            self._shown.append(shown)
            if len(self._shown) == 1:
                self._first_shown = monotonic()
                self._changed.notify_all()
            elif len(self._shown) == self._pace.at_once:
                self._changed.notify_all()

    def flush(self, seconds: float = 10.0) -> bool:
        """Write now what waits; whether nothing waits any more when this returns.

        Args:
            seconds: to wait at most.
        """
        with self._changed:
            self._hurry, self._not_before = True, 0.0
            self._changed.notify_all()
            return self._changed.wait_for(self._is_idle, seconds)

    def close(self, seconds: float = 10.0) -> None:
        """Write what waits, once more where that failed before, and end the thread.

        Answers that cannot be written count as lost.

        Args:
            seconds: to wait at most.
        """
        with self._changed:
            self._closing, self._not_before = True, 0.0
            self._changed.notify_all()
        self._thread.join(seconds)
        with self._changed:
            self.lost += len(self._shown)
            self._shown.clear()

    def _is_idle(self) -> bool:
        return not (self._events or self._shown or self._busy)

    def _run(self) -> None:
        while True:
            with self._changed:
                while (wait := self._pause()) is None or wait > 0:
                    self._changed.wait(wait)
                groups = self._take_events()
                shown = [] if groups else self._take_shown()
                if self._closing and not groups and not shown:
                    return
                self._busy = True
            if groups:
                self._write_events(groups)
            again = self._write_shown(shown) if shown else []
            with self._changed:
                self._busy = False
                if again:
                    self._put_back(again)
                    if self._closing:
                        return
                if self._is_idle():
                    self._hurry = False
                self._changed.notify_all()

    def _pause(self) -> float | None:
        """Seconds until something is due; None where nothing waits."""
        if self._closing:
            return 0.0
        due = []
        if self._events:
            due.append(self._first_event + self._pace.event_seconds)
        if self._shown:
            soon = self._hurry or len(self._shown) >= self._pace.at_once
            first = 0.0 if soon else self._first_shown + self._pace.shown_seconds
            due.append(max(first, self._not_before))
        return max(min(due) - monotonic(), 0.0) if due else None

    def _take_events(self) -> list[tuple[Sequence[Event], "Future[Taken]"]]:
        groups: list[tuple[Sequence[Event], Future[Taken]]] = []
        rows = 0
        while self._events and rows < self._pace.at_once:
            events, future = self._events.popleft()
            self._waiting_events -= len(events)
            # Nobody waits for one that was cancelled; from here on it cannot be.
            if future.set_running_or_notify_cancel():
                groups.append((events, future))
                rows += len(events)
        return groups

    def _take_shown(self) -> list[Shown]:
        if monotonic() < self._not_before:
            return []
        rows = min(len(self._shown), self._pace.at_once)
        self._first_shown = monotonic()
        return [self._shown.popleft() for _ in range(rows)]

    def _put_back(self, shown: list[Shown]) -> None:
        self._not_before = monotonic() + self._pace.retry_seconds
        room = max(self._pace.shown - len(self._shown), 0)
        self.lost += max(len(shown) - room, 0)
        self._shown.extendleft(reversed(shown[:room]))

    def _write_events(self, groups: list[tuple[Sequence[Event], "Future[Taken]"]]) -> None:
        try:
            taken = self._store.add_groups([events for events, _ in groups])
        except Exception as error:  # noqa: BLE001  # whoever handed it in gets it
            if len(groups) > 1 and not _is_away(error):
                # The others are not to suffer for the rows of one.
                for group in groups:
                    self._write_events([group])
                return
            self.failures += 1
            for _, future in groups:
                future.set_exception(error)
        else:
            for (_, future), each in zip(groups, taken, strict=True):
                future.set_result(each)

    def _write_shown(self, shown: list[Shown]) -> list[Shown]:
        """Write answers; those that are to be tried again."""
        try:
            self._store.add_shown(shown)
        except Exception as error:  # noqa: BLE001  # counted below, or tried again
            if _is_away(error):
                self.failures += 1
                return shown
            if len(shown) > 1:
                return [each for one in shown for each in self._write_shown([one])]
            self.lost += 1
        return []


def _is_away(error: Exception) -> bool:
    """Whether the database did not answer; else it is the rows that are at fault."""
    return isinstance(error, StorageError) and not isinstance(error, RefusedRowsError)


def _not_taken(why: str) -> StorageError:
    return StorageError(
        f"The queue of events {why}; these were not stored.", "Send them again in a moment."
    )
