"""The door to how many answers the API gave each hour, how many failed and how long they took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from recsys_pipeline.monitoring.availability import LATENCY_BOUNDS, AnswerHour, bucket_of

__all__ = ["LATENCY_BOUNDS", "AnswerHour", "AnswerHours", "bucket_of"]


class AnswerHours(Protocol):
    """Where counts by the hour are kept. Safe to use from several threads and processes."""

    def add(self, hours: Sequence[AnswerHour]) -> None:
        """Add counts to those that are kept of the same hour and route: all of them, or none."""
        ...

    def between(self, start: datetime, end: datetime) -> list[AnswerHour]:
        """Hours that begin at `start` or later and before `end`, by hour, then route."""
        ...
