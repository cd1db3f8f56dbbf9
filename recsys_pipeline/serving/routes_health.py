"""Routes for machines that watch: alive, ready, metrics; and what a problem's type means."""

import asyncio
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from recsys_pipeline.errors import RecsysError
from recsys_pipeline.serving.gate_rules import METRICS
from recsys_pipeline.serving.problems import KINDS, NO_RELEASE, NOT_FOUND, Kind, Problem
from recsys_pipeline.serving.service import Service, aged, json_response, service_of, told

router: Final = APIRouter(tags=["health"])

LIVE: Final = "/v1/health/live"
READY: Final = "/v1/health/ready"

_PATIENCE: Final = 1.0
"""Seconds in which a database answers that is not away."""
_LATE: Final = 60.0
"""Seconds by which the look for a new release may be late: one may take a while to load."""


@router.get(LIVE, summary="Is the process alive?")
async def live() -> Response:
    """Yes, if it answers."""
    return json_response(b'{"status":"alive"}')


@router.get(READY, responses=told(), summary="Can it answer?")
async def ready(request: Request) -> Response:
    """503 without a release. A release that was refused is told, and the old one answers on."""
    service = service_of(request)
    served = service.keeper.served
    if served.current is None:
        raise Problem(NO_RELEASE, served.why or "There is no release yet.")
    body: dict[str, Any] = {
        "status": "ready",
        "release": aged(service, served.current),
        "percent": served.percent,
        "refused": {"release": served.refused, "why": served.why} if served.why else None,
    }
    if not await _database_answers(request):
        # Lists are answered on; events are refused until it is back.
        body["status"], body["database"] = "degraded", "away"
    if service.clock() - service.keeper.looked_at > service.config.poll_seconds + _LATE:
        # What answers now answers on; a new release would not be noticed.
        body["status"], body["watch"] = "degraded", "late"
    return json_response(orjson.dumps(body))


async def _database_answers(request: Request) -> bool:
    """Whether the database answers soon; one that hangs is asked by one thread at a time."""
    kept, service = request.app.state, service_of(request)
    asked: asyncio.Task[bool] | None = getattr(kept, "database_asked", None)
    if asked is None or asked.done():
        asked = asyncio.create_task(asyncio.to_thread(_can_be_read, service))
        kept.database_asked = asked
    try:
        return await asyncio.wait_for(asyncio.shield(asked), _PATIENCE)
    except TimeoutError:
        return False


def _can_be_read(service: Service) -> bool:
    try:
        service.events.last_number()
    except RecsysError:
        return False
    return True


@router.get(
    METRICS, response_class=PlainTextResponse, responses=told(), summary="Metrics for Prometheus"
)
async def metrics(request: Request) -> Response:
    """In Prometheus' text format; of all workers."""
    service = service_of(request)
    text, content_type = service.metrics.text(service.clock())
    return Response(text, media_type=content_type)


def problem_router(kinds: tuple[Kind, ...]) -> APIRouter:
    """The addresses that the types of problems are."""
    by_slug = {kind.slug: kind for kind in (*KINDS, *kinds)}
    problems = APIRouter(tags=["health"])

    @problems.get("/problems/{slug}", responses=told(404), summary="What a type of problem means")
    async def problem(slug: str) -> Response:
        """Its title and its status."""
        kind = by_slug.get(slug)
        if kind is None:
            raise Problem(NOT_FOUND)
        return json_response(
            orjson.dumps({"type": kind.type, "title": kind.title, "status": kind.status})
        )

    return problems
