"""The pages about weekly reports: which there are, and each as it was written."""

from asyncio import to_thread
from datetime import date
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from recsys_pipeline.business.goals import CANNOT_TELL, MET, MISSED
from recsys_pipeline.pipeline.reports import REPORT_HTML, REPORT_MARKDOWN
from recsys_pipeline.serving.pages_look import page, words_of
from recsys_pipeline.serving.pages_monitoring import TILES, tile
from recsys_pipeline.serving.problems import Kind, Problem
from recsys_pipeline.serving.service import Service, service_of
from recsys_pipeline.serving.week_reports import Week

router: Final = APIRouter(include_in_schema=False)

UNKNOWN_WEEK: Final = Kind("unknown-week", 404, "Nothing is kept of this week")
BROKEN_WEEK: Final = Kind("broken-week", 500, "The figures of this week cannot be read")

_ON_REPORTS: Final = TILES[:3]
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""A report holds its own styles and pictures; it runs nothing and asks nobody."""


@router.get("/report")
async def reports(request: Request) -> Response:
    """The newest week that has a report, in short, and all others."""
    service, words = service_of(request), words_of(request)
    weeks = await to_thread(service.reports.newest)
    readable = [each for each in reversed(weeks) if each.report]
    newest = readable[0] if readable else None
    values = {
        "newest": newest,
        "older": readable[1:],
        "tiles": [] if newest is None else [tile(words, newest, each) for each in _ON_REPORTS],
        "counts": {} if newest is None else goal_counts(newest),
    }
    return page(request, "report.html", values)


@router.get("/report/{week}")
async def report(request: Request, week: str) -> Response:
    """A report as it was written."""
    content = await to_thread(file_of, service_of(request), week, REPORT_HTML)
    return HTMLResponse(content, headers={"content-security-policy": _POLICY})


@router.get("/report/{week}/markdown")
async def markdown(request: Request, week: str) -> Response:
    """A report as Markdown, to keep."""
    content = await to_thread(file_of, service_of(request), week, REPORT_MARKDOWN)
    kept = f'attachment; filename="report-{week}.md"'
    headers = {"content-disposition": kept}
    return Response(content, media_type="text/markdown; charset=utf-8", headers=headers)


def goal_counts(week: Week) -> dict[str, int]:
    """How many goals stand how."""
    return {
        status: sum(goal.status == status for goal in week.goals)
        for status in (MET, MISSED, CANNOT_TELL)
    }


def file_of(service: Service, week: str, name: str) -> bytes:
    """A file of a week.

    Raises:
        Problem: there is none.
        RecsysError: it cannot be read.
    """
    content = service.reports.file(checked(week), name)
    if content is None:
        raise Problem(UNKNOWN_WEEK, "GET /v1/monitoring/weeks lists what there is.")
    return content


def checked(week: str) -> str:
    """The name of a week. Raises Problem if it is no ISO day."""
    try:
        plain = date.fromisoformat(week).isoformat() == week
    except ValueError:
        plain = False
    if not plain:
        raise Problem(UNKNOWN_WEEK, "A week is the day on which it ends, such as 2024-01-08.")
    return week
