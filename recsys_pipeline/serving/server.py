"""The server of one worker: parts made from the settings, started, and stopped again."""

import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import BinaryIO, Final

from fastapi import FastAPI

from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.experimenting import by_hand, running
from recsys_pipeline.serving.access_log import AccessLog
from recsys_pipeline.serving.answers import tried
from recsys_pipeline.serving.app import create_app
from recsys_pipeline.serving.arms import ArmKeeper
from recsys_pipeline.serving.cache import open_cache
from recsys_pipeline.serving.desk import Desk
from recsys_pipeline.serving.gate import Gate
from recsys_pipeline.serving.hours import Hours
from recsys_pipeline.serving.keeper import Keeper
from recsys_pipeline.serving.keyring import Keyring
from recsys_pipeline.serving.lane import Lane
from recsys_pipeline.serving.limiting import Limiter
from recsys_pipeline.serving.metrics import Metrics
from recsys_pipeline.serving.pages_errors import error_pages
from recsys_pipeline.serving.pages_signing import SIGN_IN, SIGN_OUT
from recsys_pipeline.serving.people import PeopleDesk
from recsys_pipeline.serving.pseudonyms import Pseudonyms
from recsys_pipeline.serving.ramp import Ramp
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.routes_health import LIVE, READY
from recsys_pipeline.serving.service import Service
from recsys_pipeline.serving.since import Since
from recsys_pipeline.serving.week_reports import WeekReports
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.answer_hours import SqlAnswerHours
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.group_writer import GroupWriter
from recsys_pipeline.storage.keys import SqlKeyStore
from recsys_pipeline.storage.reports import FileReportStore
from recsys_pipeline.storage.state import SqlStateStore

_PROBES: Final = (LIVE, READY)
_OPEN: Final = ("/problems/", "/static/", SIGN_IN, SIGN_OUT)


@dataclass(frozen=True)
class Server:
    """One worker.

    Attributes:
        app: the ASGI app, gate and all.
        service: its parts.
        log: what it writes of each request.
    """

    app: Gate
    service: Service
    log: AccessLog


def make_server(
    settings: Settings, clock: Callable[[], float], log_to: BinaryIO, *, keys_required: bool
) -> Server:
    """The server of this process; it starts with the lifespan of its app.

    Args:
        settings: of the installation.
        clock: seconds since 1970.
        log_to: where the log goes, one line of JSON each.
        keys_required: whether nothing is answered without a key.

    Raises:
        StorageError: the database cannot be opened.
        SettingsError: the cache's address cannot be read.
    """
    config = settings.serving
    database = database_of(settings)
    log = AccessLog(log_to, config.access_log)
    metrics = Metrics()
    releases = FileReleaseStore(settings.data / "releases")
    people = PeopleDesk(settings, database, releases, clock)
    events = SqlEventStore(database, people.key)
    pseudonyms = Pseudonyms(people.log_key)
    ramp, state = None, SqlStateStore(database)
    if config.ramp.percent:
        ramp = Ramp(config.ramp, state, token_hex(8))
    keeper = Keeper(
        releases,
        ramp,
        clock,
        lambda text: log.note(clock(), "release", text=text),
        lambda store, release: tried(LoadedRelease.load(store, release)),
        ArmKeeper(
            lambda day: running(settings.experiments, by_hand(state), day),
            clock,
            lambda text: log.note(clock(), "experiment", text=text),
        ),
    )
    writer = GroupWriter(events)
    cache = open_cache(config.cache, pseudonyms, metrics.cache)
    since = Since()
    desk = Desk(
        keeper,
        events,
        writer,
        cache,
        metrics,
        since,
        config,
        clock,
        pseudonyms.shown,
        people.erased,
    )
    reports = WeekReports(FileReportStore(settings.data / "reports"))
    service = Service(
        config, keeper, desk, events, writer, since, releases, people, metrics, clock, reports
    )
    keyring = Keyring(SqlKeyStore(database), clock, lambda _: metrics.database_error("keys"))
    hours = Hours(SqlAnswerHours(database), clock)
    watch = Watch(service, log, config.poll_seconds, hours, settings.goals.availability)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log.start()
        keyring.start()
        watch.start()
        try:
            yield
        finally:
            watch.close()
            keyring.close()
            writer.close()
            desk.close()
            await cache.close()
            database.close()
            log.close()

    app = create_app(service, lifespan)
    gate = Gate(
        Lane(app, desk),
        keyring=keyring,
        keys_required=keys_required,
        limiter=Limiter(config.limits.requests_per_minute),
        metrics=metrics,
        log=log,
        limits=config.limits,
        clock=clock,
        cors_origins=config.cors_origins,
        open_paths=_OPEN,
        probes=_PROBES,
        pages=error_pages(service),
        counted=hours.count,
    )
    return Server(gate, service, log)


class Watch:
    """Looks for a new release, new events and erased people, again and again.

    Args:
        service: what is brought up to date.
        log: is told what fails.
        seconds: between two looks.
        hours: counts of answers, which are stored now and then.
        goal: share of answers that must be no failure, or None.
    """

    def __init__(
        self,
        service: Service,
        log: AccessLog,
        seconds: float,
        hours: Hours,
        goal: float | None,
    ) -> None:
        self._service, self._log, self._seconds = service, log, seconds
        self._hours, self._goal = hours, goal
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._failed = ""
        self._answering: frozenset[str] = frozenset()

    def start(self) -> None:
        """Look once, then again until `close`."""
        self.look()
        self._store_hours()
        self._thread.start()

    def close(self) -> None:
        """Stop looking; what was counted is stored."""
        self._stopped.set()
        self._thread.join(timeout=10)
        self._store_hours()

    def look(self) -> None:
        """Bring everything up to date; what cannot be read stays as it was, and the log says so."""
        service = self._service
        service.keeper.refresh()
        try:
            service.since.catch_up(service.events)
            service.people.refresh()
            self._failed = ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look comes
            service.metrics.database_error("watch")
            told = error.message if isinstance(error, RecsysError) else type(error).__name__
            if self._failed != told:
                self._failed = told
                self._log.note(service.clock(), "database", text=told)
        served, arms = service.keeper.served, service.keeper.arms
        own = arms.releases.values()
        both = [each for each in (served.current, served.before, *own) if each is not None]
        answering = frozenset(each.id for each in both)
        if answering != self._answering:
            self._answering = answering
            # A release is many objects that stay: to look through them again and again for
            # garbage would make everybody wait for a tenth of a second now and then.
            gc.freeze()
        if served.current is not None:
            current = served.current
            service.metrics.releases(answering, current.as_of, current.made_at)
        service.metrics.impressions(service.writer.waiting[1], service.writer.lost)
        service.metrics.log_lost(self._log.lost)

    def _run(self) -> None:
        self._finish_erasures()
        while not self._stopped.wait(self._seconds):
            self.look()
            if self._hours.due:
                self._store_hours()

    def _store_hours(self) -> None:
        """Store how answers went, and tell how much of the error budget is used."""
        try:
            self._hours.store()
            if self._goal is not None and self._hours.budget_due:
                self._service.metrics.budget(self._hours.budget_used(self._goal))
        except Exception as error:  # noqa: BLE001 - the counts wait for the next time
            self._service.metrics.database_error("answer_hours")
            told = error.message if isinstance(error, RecsysError) else type(error).__name__
            self._log.note(self._service.clock(), "database", text=told)

    def _finish_erasures(self) -> None:
        """Go on with erasures in the midst of which a process died."""
        try:
            self._service.people.resume()
        except Exception as error:  # noqa: BLE001 - lists are answered all the same
            # Such as a run that is under way, which finishes them when it ends.
            told = error.message if isinstance(error, RecsysError) else type(error).__name__
            self._log.note(self._service.clock(), "erasure", text=told)
