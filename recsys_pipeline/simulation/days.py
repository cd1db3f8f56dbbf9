"""The days of the world: when each one starts, how many events it holds, and its own seed.

The first 365 days are period 0, every week after them is a period of its own. Each period and
each day is seeded by its numbers alone, so any stretch can be made without what lies before it,
and a world that lives longer keeps its past.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import IntEnum
from typing import Final

import numpy as np

from recsys_pipeline.simulation.config import WorldConfig

DAY_SECONDS: Final = 86_400
_YEAR_DAYS: Final = 365
_WEEK_DAYS: Final = 7


class Purpose(IntEnum):
    """What a stream of random numbers is for; each has its own, whatever the others use."""

    # Any distinct numbers do. With these the figures of the default world (what random lists,
    # the best rated and an oracle reach) lie close to those of the notebook that it imitates.
    USERS = 1
    TITLES = 2
    INTERACTIONS = 4
    MOVIES = 8
    JOINING = 16
    NEW_MOVIES = 17
    ATTENTION = 18
    SESSIONS = 19
    TASTES = 20
    LEAVING = 21


def generator(config: WorldConfig, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """The stream for `purpose` and `numbers` in the world of ``config.seed``."""
    key = (int(purpose), *numbers)
    return np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=key))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the world.

    Attributes:
        start: its first second, in seconds since 1970 (UTC).
        events: how many interactions it holds.
        period: 0 in the first year, then the number of the week, from 1.
        number: place of the day within its period, from 0.
    """

    start: int
    events: int
    period: int
    number: int

    def generator(self, config: WorldConfig) -> np.random.Generator:
        """The stream that makes this day's interactions."""
        return generator(config, Purpose.INTERACTIONS, self.period, 1 + self.number)


def first_second(config: WorldConfig) -> int:
    """When the world starts, in seconds since 1970 (UTC)."""
    return int(datetime.combine(config.starts, time(), UTC).timestamp())


def last_second(config: WorldConfig, weeks: int) -> int:
    """The last second of the first year and `weeks` weeks, in seconds since 1970 (UTC)."""
    days = _YEAR_DAYS + _WEEK_DAYS * weeks
    return first_second(config) + days * DAY_SECONDS - 1


def days_until(config: WorldConfig, until: int) -> list[Day]:
    """The days that have started by the second `until`, in order."""
    days = []
    start = first_second(config)
    for period, length, rows in _periods(config):
        if start > until:
            break
        share = np.full(length, 1 / length)
        events = generator(config, Purpose.INTERACTIONS, period, 0).multinomial(rows, share)
        days += [
            Day(start + number * DAY_SECONDS, count, period, number)
            for number, count in enumerate(events.tolist())
            if start + number * DAY_SECONDS <= until
        ]
        start += length * DAY_SECONDS
    return days


def _periods(config: WorldConfig) -> Iterator[tuple[int, int, int]]:
    """Number, days and interactions of each period, without end."""
    yield 0, _YEAR_DAYS, config.interactions
    week, lived = 0, 0
    while True:
        week += 1
        # Counted from the start, so that a world of one event a year has one a year.
        due = config.interactions * week * _WEEK_DAYS // _YEAR_DAYS
        yield week, _WEEK_DAYS, due - lived
        lived = due
