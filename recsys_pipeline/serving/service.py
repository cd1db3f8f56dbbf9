"""Service: all that the routes of one worker use, put together by `server`."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fastapi import Request, Response

from recsys_pipeline.pipeline.online import Event, EventStore, Shown, Taken
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.serving_config import ServingConfig
from recsys_pipeline.serving.desk import Desk, State
from recsys_pipeline.serving.keeper import Keeper
from recsys_pipeline.serving.metrics import Metrics
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.rendering import about
from recsys_pipeline.serving.schemas import ProblemTold
from recsys_pipeline.serving.since import Since
from recsys_pipeline.serving.week_reports import WeekReports

JSON: Final = "application/json"


class Writer(Protocol):
    """Takes events and answers to the database, many at a time."""

    def submit_events(self, events: Sequence[Event]) -> "Future[Taken]":
        """What became of them, once they are durable."""
        ...

    def submit_shown(self, shown: Shown) -> None: ...

    def flush(self) -> bool: ...

    @property
    def waiting(self) -> tuple[int, int]:
        """Events and answers that are not written yet."""
        ...

    @property
    def lost(self) -> int:
        """Answers that never will be."""
        ...


class People(Protocol):
    """What may be asked about single people by those who administer."""

    def export(self, user_id: str) -> dict[str, Any]:
        """Everything held about a person."""
        ...

    def erase(self, user_id: str) -> dict[str, Any]:
        """Remove a person; the receipt."""
        ...

    def resume(self) -> int:
        """Finish erasures that were begun and not finished; how many were open."""
        ...

    def receipts(self) -> list[dict[str, Any]]:
        """Of all erasures."""
        ...

    def refresh(self) -> None:
        """Learn of those who were erased by others."""
        ...

    def erased(self, user_id: str) -> bool:
        """Whether that person was erased: nothing is taken in of them any more."""
        ...


@dataclass(frozen=True)
class Service:
    """The parts.

    Attributes:
        config: settings.
        keeper: which release answers.
        desk: answers lists.
        events: where events and answers are read.
        writer: where they are written.
        since: what came in since.
        releases: where releases lie.
        people: export and erasure.
        metrics: counts.
        clock: seconds since 1970.
        reports: what is kept of each monitored week.
    """

    config: ServingConfig
    keeper: Keeper
    desk: Desk
    events: EventStore
    writer: Writer
    since: Since
    releases: ReleaseStore
    people: People
    metrics: Metrics
    clock: Callable[[], float]
    reports: WeekReports


def service_of(request: Request) -> Service:
    """The parts, from the app of a request."""
    service: Service = request.app.state.service
    return service


def state_of(request: Request) -> State:
    """What the gate says of a request."""
    state: State = request.scope["state"]
    return state


def aged(service: Service, release: LoadedRelease) -> dict[str, Any]:
    """What every answer says of the release that it comes from, with its age now."""
    return about(release, max(0, int(service.clock() - release.made_at)))


def json_response(body: bytes, status: int = 200) -> Response:
    """An answer whose body is ready."""
    return Response(body, status, media_type=JSON)


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an address may answer with, for its documentation."""
    return {
        status: {
            "model": ProblemTold,
            "description": "A problem (RFC 9457)",
            "content": {"application/problem+json": {}},
        }
        for status in (400, 401, 403, 408, 413, 414, 415, *statuses, 422, 429, 431, 503)
    }
