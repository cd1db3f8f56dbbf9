"""Hours: how the answers of this worker went, counted by hour and added to those of the others."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from recsys_pipeline.monitoring.availability import reliability
from recsys_pipeline.pipeline.answer_hours import LATENCY_BOUNDS, AnswerHour, AnswerHours

HOUR: Final = 3_600
BUDGET_DAYS: Final = 28
"""The days over which failures use up the error budget."""

_API: Final = "/v1/"
_PROBES: Final = "/v1/health/"
_EVERY_SECONDS: Final = 60.0
_BUDGET_EVERY_SECONDS: Final = 600.0

_Counts = list[int]
"""Failures first, then a place for each bound of latency and one beyond."""


class Hours:
    """Counts of answers of the API that are not stored yet. Safe to use from several threads.

    What machines ask to see whether the server is alive does not count, nor do pages.

    Args:
        store: where counts are added up over all workers.
        clock: seconds since 1970.
    """

    def __init__(self, store: AnswerHours, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._counts: dict[int, dict[str, _Counts | None]] = {}
        # The hour that is counted in: most answers are of the one before's, and find it at once.
        self._start, self._routes = float("-inf"), dict[str, _Counts | None]()
        self._lock = Lock()
        self._stored_at, self._budget_at = clock(), float("-inf")

    def count(self, now: float, route: str, status: int, seconds: float) -> None:
        """An answer was given.

        Args:
            now: seconds since 1970, when it was asked for.
            route: template of its path.
            status: of the answer.
            seconds: that it took.
        """
        with self._lock:
            if not 0 <= now - self._start < HOUR:
                number = int(now) // HOUR
                self._start = number * HOUR
                self._routes = self._counts.setdefault(number, {})
            try:
                counts = self._routes[route]
            except KeyError:
                counts = self._routes[route] = _begun(route)
            if counts is not None:
                counts[bisect_left(LATENCY_BOUNDS, seconds) + 1] += 1
                if status >= 500:
                    counts[0] += 1

    @property
    def due(self) -> bool:
        """Whether the counts were stored so long ago that it is time again."""
        return self._clock() - self._stored_at >= _EVERY_SECONDS

    @property
    def budget_due(self) -> bool:
        """Whether the error budget was read so long ago that it is time again."""
        return self._clock() - self._budget_at >= _BUDGET_EVERY_SECONDS

    def store(self) -> None:
        """Add what was counted to what is stored.

        Raises:
            StorageError: that failed; the counts wait for the next time.
        """
        self._stored_at = self._clock()
        with self._lock:
            taken, self._counts = self._counts, {}
            self._start = float("-inf")
        try:
            self._store.add(
                [
                    _hour(number, route, counts)
                    for number, routes in sorted(taken.items())
                    for route, counts in sorted(routes.items())
                    if counts is not None
                ]
            )
        except BaseException:
            with self._lock:
                self._put_back(taken)
            raise

    def _put_back(self, taken: dict[int, dict[str, _Counts | None]]) -> None:
        for number, routes in taken.items():
            newer = self._counts.setdefault(number, {})
            for route, counts in routes.items():
                own = newer.get(route)
                if counts is not None and own is not None:
                    own[:] = [a + b for a, b in zip(counts, own, strict=True)]
                else:
                    newer[route] = counts

    def budget_used(self, goal: float) -> float:
        """Failures of all workers in the last `BUDGET_DAYS` over those allowed; NaN for no answers.

        Args:
            goal: share of answers that must be no failure.

        Raises:
            StorageError: what is stored cannot be read.
        """
        self._budget_at = self._clock()
        end = datetime.fromtimestamp(self._clock(), UTC) + timedelta(hours=1)
        hours = self._store.between(end - timedelta(days=BUDGET_DAYS), end)
        return reliability(hours, goal).budget_used


def _begun(route: str) -> _Counts | None:
    """Where the answers of a route are counted; None for one whose answers are not."""
    if not route.startswith(_API) or route.startswith(_PROBES):
        return None
    return [0] * (len(LATENCY_BOUNDS) + 2)


def _hour(number: int, route: str, counts: _Counts) -> AnswerHour:
    return AnswerHour(
        hour=datetime.fromtimestamp(number * HOUR, UTC),
        route=route,
        answers=sum(counts[1:]),
        errors=counts[0],
        latencies=tuple(counts[1:]),
    )
