"""Routes for machines that watch: alive, ready, metrics; and what a problem's type means."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from recsys_pipeline.errors import RecsysError
from recsys_pipeline.serving.problems import KINDS, NO_RELEASE, NOT_FOUND, Kind, Problem
from recsys_pipeline.serving.service import aged, json_response, service_of, told

router: Final = APIRouter(tags=["health"])

LIVE: Final = "/v1/health/live"
READY: Final = "/v1/health/ready"
METRICS: Final = "/metrics"


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
    try:
        service.events.last_number()
    except RecsysError:
        # Lists are answered on; events are refused until it is back.
        body["status"], body["database"] = "degraded", "away"
    return json_response(orjson.dumps(body))


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
