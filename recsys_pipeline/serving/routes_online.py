"""Routes that tell how recommendations do: figures of weeks, experiments, and a user's arm."""

from asyncio import to_thread
from dataclasses import asdict
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from recsys_pipeline.serving.addresses import USER
from recsys_pipeline.serving.experiments_told import arm_of, everything
from recsys_pipeline.serving.pages_reports import BROKEN_WEEK, UNKNOWN_WEEK, checked, goal_counts
from recsys_pipeline.serving.problems import Problem
from recsys_pipeline.serving.service import json_response, service_of, told
from recsys_pipeline.serving.values import UserId

router: Final = APIRouter(tags=["online"])


class WeekTold(BaseModel):
    """A week in short."""

    week: str = Field(description="The day on which it ends.", examples=["2024-01-08"])
    alarms: int
    goals: dict[str, int] = Field(description="How many are met, missed, or cannot be told.")
    broken: bool = Field(description="Whether its figures cannot be read.")
    report: bool = Field(description="Whether it has a report: the page /report/{week}.")


class WeeksTold(BaseModel):
    """Weeks in short, the newest first."""

    weeks: list[WeekTold]


class FiguresTold(BaseModel):
    """The figures of a week. None of them is of a single user."""

    week: str
    figures: list[dict[str, Any]] = Field(
        description="One row for each metric and group, such as an arm, a segment or a day; "
        "docs/monitoring.md defines them."
    )
    alarms: list[dict[str, Any]]
    goals: list[dict[str, Any]]


class ExperimentsTold(BaseModel):
    """What runs now, and what the newest week says of each experiment."""

    day: str | None = Field(description="The day of the plan; null before there is a release.")
    holdout: dict[str, Any] | None
    running: list[dict[str, Any]]
    week: str | None = Field(description="Of the results.")
    results: list[dict[str, Any]]


class ArmTold(BaseModel):
    """Where a user is."""

    user_id: str
    experiment: str | None
    arm: str | None
    release: str = Field(description="That answers the user.")
    own_release: bool = Field(description="Whether it is the arm's own.")
    available: bool = Field(description="False where the release in service stands in for it.")


@router.get(
    "/v1/monitoring/weeks", response_model=WeeksTold, responses=told(), summary="Monitored weeks"
)
async def weeks(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 26,
) -> Response:
    """The newest first, with the number of alarms and how the goals stand."""
    service = service_of(request)

    def read() -> bytes:
        found = [
            WeekTold(
                week=each.week,
                alarms=len(each.alarms),
                goals=goal_counts(each),
                broken=each.broken,
                report=each.report,
            ).model_dump()
            for each in reversed(service.reports.newest(limit))
        ]
        return orjson.dumps({"weeks": found})

    return json_response(await to_thread(read))


@router.get(
    "/v1/monitoring/{week}",
    response_model=FiguresTold,
    responses=told(404),
    summary="The figures of a week",
)
async def figures(request: Request, week: str) -> Response:
    """By day, segment, release, arm and position, each with its interval and its change."""
    service = service_of(request)

    def read() -> bytes:
        found = service.reports.week(checked(week))
        if found is None:
            raise Problem(UNKNOWN_WEEK, "GET /v1/monitoring/weeks lists what there is.")
        if found.broken:
            raise Problem(BROKEN_WEEK, "Make it again: recsys report --make.")
        return orjson.dumps(
            {
                "week": found.week,
                "figures": found.rows,
                "alarms": [asdict(each) for each in found.alarms],
                "goals": [asdict(each) for each in found.goals],
            }
        )

    return json_response(await to_thread(read))


@router.get(
    "/v1/experiments", response_model=ExperimentsTold, responses=told(), summary="Experiments"
)
async def experiments(request: Request) -> Response:
    """Which run, which release answers each arm, and what may be said by now."""
    service = service_of(request)
    return json_response(await to_thread(lambda: orjson.dumps(everything(service))))


@router.get(
    f"/v1/users/{USER}/arm", response_model=ArmTold, responses=told(), summary="A user's arm"
)
async def arm(request: Request, user_id: UserId) -> Response:
    """In which arm of which experiment a user is, and which release answers."""
    return json_response(orjson.dumps(arm_of(service_of(request), user_id)))
