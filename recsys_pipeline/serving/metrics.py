"""What can be watched: counts, times and ages, as Prometheus reads them. No ids of people."""

import os
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their counts; read when prometheus_client is first imported."""
UNMATCHED: Final = "unmatched"
"""Label of every request that no route took."""
BUCKETS: Final = (
    0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip
"""Seconds."""
_ARMS: Final = 200
"""Arms that are counted one by one: labels are kept for ever, and experiments come and go."""
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def fresh_folder(folder: Path) -> dict[str, str]:
    """An empty folder for the counts of several workers, and the variable that tells them.

    The starter calls this once before it starts the first worker; what an earlier server left is
    removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        path.unlink(missing_ok=True)
    return {FOLDER_VARIABLE: str(folder)}


def forget_worker(pid: int, folder: Path) -> None:
    """Drop the gauges of a worker that ended; its counts stay."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def forget_dead_workers(folder: Path) -> None:
    """`forget_worker` for every worker that left counts there and runs no more."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            forget_worker(pid, folder)
        except PermissionError:
            continue


class Metrics:
    """The metrics of one worker; `text` is about all of them where `fresh_folder` was told them.

    A request costs some microseconds: what it counts on is looked up once for each route, method
    and status.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter(
            "recsys_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "recsys_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "recsys_requests_in_flight",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._answers = Counter(
            "recsys_answers",
            "Answers with a list, by how it came to be: stored, fresh, cold …",
            ("kind",),
            registry=registry,
        )
        self._fallbacks = Counter(
            "recsys_fallback_answers",
            "Answers with a list that is not personal; their share is this over recsys_answers.",
            registry=registry,
        )
        self._arm_answers = Counter(
            "recsys_arm_answers",
            "Answers with a list for users in an arm of an experiment.",
            ("experiment", "arm"),
            registry=registry,
        )
        self._arm_clicks = Counter(
            "recsys_arm_clicks",
            "Answers for users in an arm of which a movie was clicked; their share is this over "
            "recsys_arm_answers.",
            ("experiment", "arm"),
            registry=registry,
        )
        self._budget = Gauge(
            "recsys_error_budget_used",
            "Failed answers of the last 28 days over those that the availability goal allows.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._events = Counter(
            "recsys_events", "Events that were stored.", ("kind",), registry=registry
        )
        self._cache = Counter(
            "recsys_cache",
            "Questions to the cache: hit, miss, error (it did not answer), skipped (not asked, as "
            "it did not answer before).",
            ("outcome",),
            registry=registry,
        )
        self._database = Counter(
            "recsys_database_errors",
            "Times that the database could not be read or written.",
            ("what",),
            registry=registry,
        )
        self._release = Gauge(
            "recsys_release_info",
            "1 for each release that answers.",
            ("release",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._as_of = Gauge(
            "recsys_release_as_of_seconds",
            "Moment from which the release in service looks, in seconds since 1970.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._age = Gauge(
            "recsys_release_age_seconds",
            "Age of the release in service.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._queue = Gauge(
            "recsys_impressions_queued",
            "Answers that are not in the database yet.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._lost = Gauge(
            "recsys_impressions_lost",
            "Answers that never came into the database, since the start.",
            registry=registry,
            multiprocess_mode="sum",
        )
        self._log_lost = Gauge(
            "recsys_log_lines_lost",
            "Lines of the access log that could not be written, since the start.",
            registry=registry,
            multiprocess_mode="sum",
        )
        self._bound: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._kinds: dict[str, Counter] = {}
        self._arms: dict[tuple[str, str], tuple[Counter, Counter]] = {}
        self._outcomes = {
            name: self._cache.labels(name) for name in ("hit", "miss", "error", "skipped")
        }
        self._made_at: float | None = None
        self._releases: frozenset[str] = frozenset()

    def begin(self) -> None:
        """A request has come."""
        self._in_flight.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """It has been answered.

        Args:
            method: of the request.
            route: template of its path, such as ``/v1/users/{user_id}/recommendations``, or
                `UNMATCHED`; never the path itself.
            status: of the answer.
            seconds: that it took.
        """
        self._in_flight.dec()
        bound = self._bound.get((method, route, status))
        if bound is None:
            bound = self._bind(method, route, status)
        bound[0].inc()
        bound[1].observe(seconds)

    def _bind(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        known = method if method in _METHODS else "other"
        bound = (self._requests.labels(known, route, str(status)), self._seconds.labels(route))
        if known == method:
            self._bound[method, route, status] = bound
        return bound

    def answer(self, kind: str, fallback: bool) -> None:
        """An answer with a list of that kind; `fallback` where it is not personal."""
        counter = self._kinds.get(kind)
        if counter is None:
            counter = self._kinds[kind] = self._answers.labels(kind)
        counter.inc()
        if fallback:
            self._fallbacks.inc()

    def arm_answer(self, experiment: str, arm: str) -> None:
        """An answer with a list for a user in an arm."""
        self._arm(experiment, arm)[0].inc()

    def arm_click(self, experiment: str, arm: str) -> None:
        """A click on an answer for a user in an arm."""
        self._arm(experiment, arm)[1].inc()

    def _arm(self, experiment: str, arm: str) -> tuple[Counter, Counter]:
        """The counters of an arm; those of the first so many, then those of all others."""
        counters = self._arms.get((experiment, arm))
        if counters is None:
            if len(self._arms) >= _ARMS:
                experiment = arm = "other"
            counters = (
                self._arm_answers.labels(experiment, arm),
                self._arm_clicks.labels(experiment, arm),
            )
            self._arms[experiment, arm] = counters
        return counters

    def budget(self, used: float) -> None:
        """Share of the error budget that is used; above 1 the goal is missed."""
        self._budget.set(used)

    def events(self, kind: str, number: int = 1) -> None:
        """So many events of a kind were stored."""
        self._events.labels(kind).inc(number)

    def cache(self, outcome: str) -> None:
        """The cache was asked: ``hit``, ``miss``, ``error`` or ``skipped``."""
        self._outcomes[outcome].inc()

    def database_error(self, what: str) -> None:
        """The database failed at `what`, such as ``keys`` or ``events``."""
        self._database.labels(what).inc()

    def releases(self, answering: frozenset[str], as_of: float | None, made_at: float) -> None:
        """These releases answer from now on.

        Args:
            answering: their ids; two during a ramp.
            as_of: moment from which the one in service looks, in seconds since 1970, or None.
            made_at: when it was made, likewise.
        """
        for release in self._releases - answering:
            self._release.labels(release).set(0)
        for release in answering:
            self._release.labels(release).set(1)
        self._releases = answering
        self._made_at = made_at
        if as_of is not None:
            self._as_of.set(as_of)

    def impressions(self, queued: int, lost: int) -> None:
        """How many answers wait to be stored, and how many never will be."""
        self._queue.set(queued)
        self._lost.set(lost)

    def log_lost(self, lines: int) -> None:
        """How many lines of the access log were lost since the start."""
        self._log_lost.set(lines)

    def text(self, now: float) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type.

        Args:
            now: seconds since 1970, for the age of the release.
        """
        if self._made_at is not None:
            self._age.set(max(0.0, now - self._made_at))
        registry = self._registry
        if os.environ.get(FOLDER_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
