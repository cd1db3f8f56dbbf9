"""The page about a week: its figures, how they came about, alarms and goals."""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from recsys_pipeline.monitoring import names
from recsys_pipeline.serving import online_words
from recsys_pipeline.serving.charts import STYLES, Line, Point, bars, lines
from recsys_pipeline.serving.pages_look import page, words_of
from recsys_pipeline.serving.service import service_of
from recsys_pipeline.serving.texts import Words
from recsys_pipeline.serving.week_reports import Week

router: Final = APIRouter(include_in_schema=False)

TILES: Final = (
    names.CLICK_THROUGH, names.WATCH_MINUTES, names.SATISFACTION, names.RETURN_RATE,
    names.CHURN_RATE, names.FALLBACK_SHARE, names.COVERAGE, names.AVAILABILITY, names.LATENCY_P99,
)  # fmt: skip
"""The figures that are shown first."""
CHOICES: Final = (
    names.CLICK_THROUGH, names.LIST_CLICK_THROUGH, names.CLICKS, names.WATCH_MINUTES,
    names.SATISFACTION, names.ACTIVE_DAYS, names.RETURN_RATE, names.CHURN_RATE,
    names.FALLBACK_SHARE, names.COVERAGE, names.CONCENTRATION,
)  # fmt: skip
"""The figures that can be looked at over weeks and groups."""

_RANKS: Final = 20
_SEGMENTS: Final = 12

Told = dict[str, Any]


@router.get("/monitoring")
async def monitoring(request: Request, week: str = "", metric: str = "") -> Response:
    """A week, the newest one unless another is chosen, and the weeks before it."""
    service, words = service_of(request), words_of(request)
    weeks = await to_thread(service.reports.newest)
    shown = next((each for each in weeks if each.week == week), weeks[-1] if weeks else None)
    chosen = metric if metric in CHOICES else names.CLICK_THROUGH
    values: Told = {"week": shown, "weeks": weeks[::-1], "metric": chosen, "metrics": CHOICES}
    if shown is not None:
        values["tiles"] = [tile(words, shown, each) for each in TILES]
        values["charts"] = _charts(words, weeks, shown, chosen)
    return page(request, "monitoring.html", values)


def tile(words: Words, week: Week, metric: str) -> Told:
    """A figure of all users with its interval and its change, as texts."""
    row = week.figure(metric)
    told = {"metric": metric, "value": "", "interval": "", "change": "", "direction": ""}
    if row is None:
        return told
    told["value"] = online_words.figure(words, metric, row[names.VALUE])
    told["interval"] = online_words.interval(words, metric, row)
    if row[names.CHANGE] is not None:
        change = partial(online_words.change, words, metric)
        low, high = row[names.CHANGE_LOW], row[names.CHANGE_HIGH]
        told["change"] = words("since_before", change=change(row[names.CHANGE]))
        if low is not None and high is not None:
            told["change"] += " " + words("from_to", low=change(low), high=change(high))
        told["direction"] = online_words.direction(metric, row)
    return told


def _charts(words: Words, weeks: Sequence[Week], week: Week, metric: str) -> list[Told]:
    """The charts that there is something for."""
    made = [
        _over_weeks(words, weeks, week, metric),
        _by_group(words, week, metric, names.RANK, "by_rank", "position", _RANKS),
        _by_group(words, week, metric, names.SEGMENT, "by_segment", "segment", _SEGMENTS),
        _by_day(words, week, metric),
    ]
    return [each for each in made if each is not None]


def _over_weeks(words: Words, weeks: Sequence[Week], week: Week, metric: str) -> Told | None:
    """Everybody and each arm of the chosen week, over the weeks up to it."""
    upto = [each for each in weeks if each.week <= week.week]
    arms = [row[names.GROUP] for row in week.figures(metric, names.ARM)][: STYLES - 1]
    groups = [(names.ALL, ""), *((names.ARM, arm) for arm in arms)]
    drawn = [
        Line(group or words("all_users"), [_point(each.figure(metric, by, group)) for each in upto])
        for by, group in groups
    ]
    drawn = [line for line in drawn if any(each is not None for each in line.points)]
    if not drawn:
        return None
    heading = words("weeks_by_arm", metric=words(metric))
    return line_chart(
        words, heading, words("week"), drawn, [each.week for each in upto], _said(words, metric)
    )


def _by_day(words: Words, week: Week, metric: str) -> Told | None:
    rows = week.figures(metric, names.DAY)
    if not rows:
        return None
    heading = words("by_day", metric=words(metric))
    drawn = [Line(words("all_users"), [_point(row) for row in rows])]
    days = [row[names.GROUP] for row in rows]
    return line_chart(words, heading, words("day"), drawn, days, _said(words, metric))


def _by_group(
    words: Words, week: Week, metric: str, by: str, heading: str, group: str, most: int
) -> Told | None:
    rows = week.figures(metric, by)
    if by == names.RANK:
        rows = sorted(rows, key=lambda row: int(row[names.GROUP]))
    rows = rows[:most]
    if not rows:
        return None
    title, said = words(heading, metric=words(metric)), _said(words, metric)
    points = [each for row in rows if (each := _point(row)) is not None]
    return {
        "heading": title,
        "svg": bars([row[names.GROUP] for row in rows], points, title, said),
        "legend": [],
        "head": [words(group), words(metric), words("users")],
        "rows": [
            [
                row[names.GROUP],
                f"{said(row[names.VALUE])} {online_words.interval(words, metric, row)}".strip(),
                "–" if row[names.N] is None else words.number(row[names.N]),
            ]
            for row in rows
        ],
    }


def line_chart(
    words: Words,
    heading: str,
    place: str,
    drawn: Sequence[Line],
    places: Sequence[str],
    said: Callable[[float], str],
) -> Told:
    """Lines with the same figures as a table, for the template.

    Args:
        words: of the language.
        heading: what it shows.
        place: what the places are.
        drawn: the lines.
        places: ISO days.
        said: a figure as a text.
    """

    def cell(each: Point | None) -> str:
        if each is None:
            return "–"
        if each.low is None or each.high is None:
            return said(each.value)
        bounds = words("from_to", low=said(each.low), high=said(each.high))
        return f"{said(each.value)} {bounds}"

    return {
        "heading": heading,
        "svg": lines(drawn, [day[5:] for day in places], heading, said),
        "legend": [(number % STYLES, line.name) for number, line in enumerate(drawn)],
        "head": [place, *(line.name for line in drawn)],
        "rows": [
            [words.day(day), *(cell(line.points[number]) for line in drawn)]
            for number, day in enumerate(places)
        ],
    }


def _point(row: Told | None) -> Point | None:
    return None if row is None else Point(row[names.VALUE], row[names.LOW], row[names.HIGH])


def _said(words: Words, metric: str) -> Callable[[float], str]:
    return partial(online_words.figure, words, metric)
