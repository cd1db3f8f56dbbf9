"""How many answers the API gave each hour, in memory, for tests and trials."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from recsys_pipeline.pipeline.answer_hours import AnswerHour


@dataclass
class MemoryAnswerHours:
    """An `AnswerHours` that is gone with the process."""

    _kept: dict[tuple[datetime, str], AnswerHour] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, hours: Sequence[AnswerHour]) -> None:
        """See `AnswerHours`."""
        with self._lock:
            for new in hours:
                old = self._kept.get((new.hour, new.route))
                self._kept[new.hour, new.route] = new if old is None else both(old, new)

    def between(self, start: datetime, end: datetime) -> list[AnswerHour]:
        """See `AnswerHours`."""
        with self._lock:
            kept = sorted(self._kept.items())
        return [each for (hour, _), each in kept if start <= hour < end]


def both(one: AnswerHour, other: AnswerHour) -> AnswerHour:
    """Two counts of the same hour and route together."""
    return replace(
        one,
        answers=one.answers + other.answers,
        errors=one.errors + other.errors,
        latencies=tuple(a + b for a, b in zip(one.latencies, other.latencies, strict=True)),
    )
