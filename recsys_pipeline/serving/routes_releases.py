"""Routes about releases: what there is, what differs, and moving them."""

from asyncio import to_thread
from dataclasses import asdict
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.comparing import compare
from recsys_pipeline.pipeline.moving import known_id
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.serving.problems import Kind, Problem
from recsys_pipeline.serving.service import Service, aged, json_response, service_of, told

router: Final = APIRouter(tags=["releases"])

UNKNOWN_RELEASE: Final = Kind("unknown-release", 404, "No release has this id")
CANNOT_MOVE: Final = Kind("cannot-move", 409, "This release cannot be put in service")


@router.get("/v1/releases", responses=told(), summary="All releases")
async def releases(request: Request) -> Response:
    """Every whole release, newest first, with its figures, and which ones answer."""
    service = service_of(request)
    return json_response(await to_thread(lambda: orjson.dumps(listed(service))))


@router.get("/v1/releases/current", responses=told(), summary="The release in service")
async def current(request: Request) -> Response:
    """The release in service, its age, and how it takes over from the one before."""
    service = service_of(request)
    return json_response(orjson.dumps(in_service(service)))


@router.get("/v1/releases/diff", responses=told(404), summary="What differs between two releases")
async def diff(
    request: Request,
    before: Annotated[
        str | None, Query(max_length=100, description="Id; else the one before.")
    ] = None,
    after: Annotated[
        str | None, Query(max_length=100, description="Id; else the one in service.")
    ] = None,
) -> Response:
    """How many lists changed and by how much, which movies rose and fell, and why."""
    service = service_of(request)
    return json_response(await to_thread(lambda: differing(service, before, after)))


@router.post(
    "/v1/admin/releases/{release}/promote",
    responses=told(404, 409),
    summary="Put a release in service",
)
async def promote(request: Request, release: str) -> Response:
    """Its model and its lists, at once or step by step as the settings say."""
    service = service_of(request)
    return json_response(await to_thread(lambda: orjson.dumps(promoted(service, release))))


@router.post(
    "/v1/admin/releases/rollback", responses=told(404, 409), summary="Go back to the one before"
)
async def rollback(
    request: Request,
    release: Annotated[str | None, Query(max_length=100, description="Or to this one.")] = None,
) -> Response:
    """The recipe that is taken back stays out until somebody promotes it."""
    service = service_of(request)
    return json_response(await to_thread(lambda: orjson.dumps(rolled_back(service, release))))


def listed(service: Service) -> dict[str, Any]:
    """All releases, newest first, and the pointer."""
    pointer = service.releases.pointer()
    held = pointer.held if pointer else ()
    return {
        "in_service": pointer.release if pointer else None,
        "before": list(pointer.before) if pointer else [],
        "releases": [
            {**_plain(each), "held": each.recipe_fingerprint in held}
            for each in reversed(service.releases.manifests())
        ],
    }


def in_service(service: Service) -> dict[str, Any]:
    """What answers now, and how it came to."""
    served = service.keeper.served
    # While one takes over, the one before it may answer those who are not named.
    release = served.current or service.keeper.release()
    told: dict[str, Any] = {
        **_plain(release.manifest),
        **aged(service, release),
        "percent": served.percent,
        "before": aged(service, served.before) if served.before else None,
        "refused": {"release": served.refused, "why": served.why} if served.why else None,
        "ramp": None,
    }
    if served.ramp is not None:
        told["ramp"] = {
            **asdict(served.ramp),
            "counts": asdict(served.ramp.total),
            "criteria": list(served.ramp.criteria),
        }
    return told


def differing(service: Service, before: str | None, after: str | None) -> bytes:
    """The way from one release to another, as JSON. Raises Problem."""
    try:
        found = compare(service.releases, before, after)
    except ReleaseError as error:
        raise Problem(UNKNOWN_RELEASE, f"{error.message} {error.hint}") from error
    plain = asdict(found)
    plain["movies"] = found.movies.to_dict("records")
    plain["sources"] = found.sources.to_dict("records")
    plain["before"], plain["after"] = found.before.release, found.after.release
    return orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY, default=str)


def promoted(service: Service, release: str) -> dict[str, Any]:
    """Put a release in service. Raises Problem."""
    chosen = _known(service, release)
    try:
        service.releases.promote(chosen)
    except ReleaseError as error:
        raise Problem(CANNOT_MOVE, error.message) from error
    service.keeper.refresh()
    return in_service(service)


def rolled_back(service: Service, release: str | None) -> dict[str, Any]:
    """Go back to the release before, or to an earlier one. Raises Problem."""
    pointer = service.releases.pointer()
    if pointer is None or not pointer.before:
        raise Problem(CANNOT_MOVE, "No release was in service before this one.")
    chosen = pointer.before[0] if release is None else _known(service, release)
    try:
        service.releases.roll_back(chosen)
    except ReleaseError as error:
        raise Problem(CANNOT_MOVE, error.message) from error
    service.keeper.refresh()
    return in_service(service)


def _known(service: Service, release: str) -> str:
    try:
        return known_id(service.releases, release)
    except ReleaseError as error:
        raise Problem(UNKNOWN_RELEASE, "GET /v1/releases lists them.") from error


def _plain(manifest: Manifest) -> dict[str, Any]:
    """What is said of a release: all but its files."""
    plain = asdict(manifest)
    plain["id"] = plain.pop("release")
    plain.pop("files")
    return plain
