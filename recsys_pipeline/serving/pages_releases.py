"""The pages about releases: what there is, what differs, and moving them."""

from asyncio import to_thread
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.evaluation.names import base_and_k, metric_label
from recsys_pipeline.serving.pages_forms import posted
from recsys_pipeline.serving.pages_look import page, to
from recsys_pipeline.serving.problems import Problem
from recsys_pipeline.serving.routes_releases import (
    UNKNOWN_RELEASE,
    differing,
    in_service,
    listed,
    promoted,
    rolled_back,
)
from recsys_pipeline.serving.service import Service, service_of

router: Final = APIRouter(include_in_schema=False)

PROMOTE, ROLL_BACK = "promote", "roll-back"

_MAIN: Final = (
    "liked_share_in_top", "auc", "ndcg", "recall", "hit_rate", "coverage", "intra_list_diversity",
    "novelty",
)  # fmt: skip
"""The figures that are shown first; of those at several lengths, the one at the list's."""

Told = dict[str, Any]


@router.get("/releases")
async def releases(request: Request) -> Response:
    """All releases, and how the one in service stands."""
    service = service_of(request)
    values = await to_thread(_overview, service)
    return page(request, "releases.html", {**values, "done": request.query_params.get("done")})


@router.get("/releases/{release}")
async def release(request: Request, release: str) -> Response:
    """One release: its figures, and what differs from the one in service."""
    service = service_of(request)
    return page(request, "release.html", await to_thread(_one, service, release))


@router.get("/releases/{release}/{action}")
async def ask(request: Request, release: str, action: str) -> Response:
    """Ask whether it is really meant."""
    service = service_of(request)
    values = await to_thread(_one, service, release)
    if action not in values["offered"]:
        raise Problem(UNKNOWN_RELEASE)
    return page(request, "confirm.html", {**values, "action": action.replace("-", "_")})


@router.post("/releases/{release}/{action}")
async def move(request: Request, release: str, action: str) -> Response:
    """Put a release in service, or go back to one."""
    await posted(request)
    if action not in (PROMOTE, ROLL_BACK):
        raise Problem(UNKNOWN_RELEASE)
    service = service_of(request)
    await to_thread(promoted if action == PROMOTE else rolled_back, service, release)
    return to(request, "/releases", "done=moved")


def _overview(service: Service) -> Told:
    """What the page about all releases shows."""
    told = listed(service)
    rows = [{**each, **_standing(each, told)} for each in told["releases"]]
    now = _now(service)
    return {
        "rows": rows,
        "now": now,
        "ages": {each["id"]: _age(service, each) for each in rows},
        **_compared(service, rows, told, told["in_service"]),
    }


def _one(service: Service, release: str) -> Told:
    """What the page about one release shows. Raises Problem."""
    told = listed(service)
    rows = [{**each, **_standing(each, told)} for each in told["releases"]]
    row = next((each for each in rows if each["id"] == release), None)
    if row is None:
        raise Problem(UNKNOWN_RELEASE)
    return {
        "row": row,
        "current": told["in_service"],
        "offered": row["offered"],
        "age": _age(service, row),
        **_compared(service, rows, told, release),
    }


def _standing(each: Told, told: Told) -> Told:
    """How a release stands to the one in service, and what may be done with it."""
    if each["id"] == told["in_service"]:
        return {"state": "in_service", "offered": ()}
    was = each["id"] in told["before"]
    state = "was_in_service" if was else "held" if each["held"] else "never"
    return {"state": state, "offered": (ROLL_BACK, PROMOTE) if was else (PROMOTE,)}


def _now(service: Service) -> Told | None:
    """What answers at this moment; None where nothing does."""
    try:
        return in_service(service)
    except ReleaseError:
        return None


def _compared(service: Service, rows: list[Told], told: Told, release: str | None) -> Told:
    """Figures of a release and what differs: from the one before where it is in service.

    Any other is compared with the one in service.
    """
    whole = {each["id"]: each for each in rows}
    new = whole.get(release or "")
    if new is None:
        return {"diff": None, "main": [], "figures": [], "other": None}
    older = told["before"][:1] if release == told["in_service"] else [told["in_service"]]
    old = whole.get(older[0] or "") if older else None
    figures = _figures(new, old)
    main = [each for each in figures if each["main"]]
    diff = None
    if old is not None:
        try:
            diff = orjson.loads(differing(service, old["id"], new["id"]))
        except Problem:
            # Its lists cannot be read: the page says that there is nothing to compare with.
            diff = None
    return {
        "diff": diff,
        "main": sorted(main, key=lambda each: each["main"]),
        "figures": figures,
        "other": None if old is None else old["id"],
    }


def _figures(new: Told, old: Told | None) -> list[Told]:
    """The figures of a release beside those of another, with their intervals where they have any.

    ``main`` is 0 but for those that are shown first, which it orders.
    """
    told = []
    for name, mean in new["metrics"].items():
        base, k = base_and_k(name)
        first = base in _MAIN and k in (None, new["k"])
        told.append(
            {
                "label": metric_label(name),
                "mean": mean,
                "interval": new["intervals"].get(name),
                "before": None if old is None else old["metrics"].get(name),
                "before_interval": None if old is None else old["intervals"].get(name),
                "main": _MAIN.index(base) + 1 if first else 0,
            }
        )
    return told


def _age(service: Service, each: Told) -> float | None:
    """Seconds since a release was made, None where it does not say."""
    if not each["made_at"]:
        return None
    return max(0.0, service.clock() - datetime.fromisoformat(each["made_at"]).timestamp())
