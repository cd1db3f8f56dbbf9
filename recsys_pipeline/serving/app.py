"""The app: routes, and what becomes of errors; the gate around it is put on by `server`."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from recsys_pipeline.serving import (
    pages,
    pages_experiments,
    pages_look,
    pages_monitoring,
    pages_releases,
    pages_reports,
    pages_signing,
    routes_events,
    routes_facts,
    routes_health,
    routes_lists,
    routes_online,
    routes_people,
    routes_releases,
)
from recsys_pipeline.serving.desk import UNKNOWN_MOVIE
from recsys_pipeline.serving.problems import UNSUPPORTED, Problem, invalid, of_status
from recsys_pipeline.serving.service import Service

VERSION: Final = "1"
_JSON: Final = "application/json"
DESCRIPTION: Final = (
    "Lists of movies for people, from the release in service; and what people do with them. "
    "Every answer names the release that it comes from and its age. Errors are problem details "
    "(RFC 9457)."
)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(service: Service, lifespan: Lifespan | None = None) -> FastAPI:
    """The app over the parts.

    Args:
        service: the parts.
        lifespan: what is done around its life.
    """
    app = FastAPI(
        title="recsys_pipeline",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_known_query)],
    )
    app.state.service = service
    for room in (
        routes_lists,
        routes_facts,
        routes_events,
        routes_releases,
        routes_people,
        routes_online,
        routes_health,
        pages_look,
        pages_signing,
        pages_releases,
        pages_monitoring,
        pages_experiments,
        pages_reports,
        pages,
    ):
        app.include_router(room.router)
    own = (
        UNKNOWN_MOVIE,
        routes_releases.UNKNOWN_RELEASE,
        routes_releases.CANNOT_MOVE,
        pages_reports.UNKNOWN_WEEK,
        pages_reports.BROKEN_WEEK,
    )
    app.include_router(routes_health.problem_router(own))
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _bare)
    return app


async def _known_query(request: Request) -> None:
    """Refuse a parameter that an address of the API does not have: it would change nothing."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not route.path.startswith("/v1/"):
        return
    if "parameters" in (route.openapi_extra or {}):
        # These read their parameters themselves, and refuse others.
        return
    known = {field.alias for field in route.dependant.query_params}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise invalid(
            [{"loc": ("query", name), "msg": "There is none", "type": "extra"} for name in unknown]
        )


async def _not_valid(request: Request, error: Exception) -> Response:
    """A body or a parameter that breaks its schema; the gate makes the answer."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON and any(tuple(fault["loc"]) == ("body",) for fault in faults):
        raise Problem(UNSUPPORTED, f"Send the body with the header content-type: {_JSON}.")
    raise invalid(faults)


async def _bare(request: Request, error: Exception) -> Response:
    """No such address, or no such method at it."""
    assert isinstance(error, HTTPException)
    given: dict[str, Any] = dict(error.headers or {})
    headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    raise of_status(error.status_code, headers)
