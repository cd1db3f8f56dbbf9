"""Events and answers in memory, for tests and trials."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

from recsys_pipeline.pipeline.online import Event, Shown, Taken


@dataclass
class MemoryEventStore:
    """An `EventStore` that is gone with the process."""

    _events: dict[str, tuple[int, Event]] = field(default_factory=dict)
    _shown: dict[str, Shown] = field(default_factory=dict)
    _number: int = 0
    _lock: RLock = field(default_factory=RLock)

    def add_events(self, events: Sequence[Event]) -> int:
        """See `EventStore`."""
        return len(self.add_groups([events])[0].new)

    def add_groups(self, groups: Sequence[Sequence[Event]]) -> list[Taken]:
        """Store the events of several callers; what became of each one's."""
        with self._lock:
            return [
                Taken(frozenset(event.event_id for event in events if self._add(event)))
                for events in groups
            ]

    def add_shown(self, shown: Sequence[Shown]) -> None:
        """See `EventStore`."""
        with self._lock:
            for answer in shown:
                self._shown.setdefault(answer.request_id, answer)

    def events_of(self, user_id: str) -> list[Event]:
        """See `EventStore`."""
        return [event for event in self._in_order() if event.user_id == user_id]

    def events_of_users(self, user_ids: Sequence[str]) -> dict[str, list[Event]]:
        """See `EventStore`."""
        found: dict[str, list[Event]] = {}
        wanted = set(user_ids)
        for event in self._in_order():
            if event.user_id in wanted:
                found.setdefault(event.user_id, []).append(event)
        return found

    def events_since(self, number: int, limit: int = 10_000) -> tuple[list[Event], int]:
        """See `EventStore`."""
        with self._lock:
            later = [each for each in self._events.values() if each[0] > number][:limit]
        return [event for _, event in later], later[-1][0] if later else number

    def last_number(self) -> int:
        """See `EventStore`."""
        with self._lock:
            return max((number for number, _ in self._events.values()), default=0)

    def event_chunks(
        self, until: datetime | None, rows: int = 50_000, *, after: datetime | None = None
    ) -> Iterator[list[Event]]:
        """See `EventStore`."""
        chosen = [event for event in self._in_order() if _between(event.at, after, until)]
        for start in range(0, len(chosen), rows):
            yield chosen[start : start + rows]

    def newest_event(self, not_after: datetime | None = None) -> datetime | None:
        """See `EventStore`."""
        times = (event.at for event in self._in_order() if event.kind != "impression")
        return max((at for at in times if not_after is None or at <= not_after), default=None)

    def event(self, event_id: str) -> Event | None:
        """See `EventStore`."""
        with self._lock:
            return self._events[event_id][1] if event_id in self._events else None

    def shown(self, request_id: str) -> Shown | None:
        """See `EventStore`."""
        with self._lock:
            return self._shown.get(request_id)

    def shown_to(self, user_id: str, until: datetime | None = None, limit: int = 20) -> list[Shown]:
        """See `EventStore`."""
        own = [each for each in self._answers() if each.user_id == user_id]
        return [each for each in own if until is None or each.shown_at <= until][::-1][:limit]

    def shown_chunks(
        self, after: datetime | None, rows: int = 50_000, *, until: datetime | None = None
    ) -> Iterator[list[Shown]]:
        """See `EventStore`."""
        chosen = [each for each in self._answers() if _between(each.shown_at, after, until)]
        for start in range(0, len(chosen), rows):
            yield chosen[start : start + rows]

    def erase(self, user_id: str) -> dict[str, int]:
        """See `EventStore`."""
        theirs = user_id.strip()
        with self._lock:
            return self._keep(
                {
                    key
                    for key, (_, event) in self._events.items()
                    if event.user_id.strip() != theirs
                },
                {key for key, answer in self._shown.items() if answer.user_id.strip() != theirs},
            )

    def spellings(self, user_id: str) -> list[str]:
        """See `EventStore`."""
        with self._lock:
            rows: list[Event | Shown] = [event for _, event in self._events.values()]
            rows += self._shown.values()
        return sorted({row.user_id for row in rows if row.user_id.strip() == user_id.strip()})

    def prune(
        self, events_before: datetime | None, shown_before: datetime | None
    ) -> dict[str, int]:
        """See `EventStore`."""
        with self._lock:
            return self._keep(
                {
                    key
                    for key, (_, event) in self._events.items()
                    if events_before is None or event.received_at >= events_before
                },
                {
                    key
                    for key, answer in self._shown.items()
                    if shown_before is None or answer.shown_at >= shown_before
                },
            )

    def close(self) -> None:
        """See `EventStore`."""

    def _add(self, event: Event) -> bool:
        if event.event_id in self._events:
            return False
        self._number += 1
        self._events[event.event_id] = (self._number, event)
        return True

    def _keep(self, events: set[str], shown: set[str]) -> dict[str, int]:
        counts = {
            "events": len(self._events) - len(events),
            "shown": len(self._shown) - len(shown),
        }
        self._events = {key: each for key, each in self._events.items() if key in events}
        self._shown = {key: each for key, each in self._shown.items() if key in shown}
        return counts

    def _in_order(self) -> list[Event]:
        with self._lock:
            events = [event for _, event in self._events.values()]
        return sorted(events, key=lambda event: (event.at, event.event_id))

    def _answers(self) -> list[Shown]:
        with self._lock:
            answers = list(self._shown.values())
        return sorted(answers, key=lambda answer: (answer.shown_at, answer.request_id))


def _between(moment: datetime, after: datetime | None, until: datetime | None) -> bool:
    return (after is None or moment > after) and (until is None or moment <= until)
