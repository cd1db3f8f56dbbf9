"""The page about experiments: which run, what was found of each, and since when."""

import math
from asyncio import to_thread
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.experiments.results import Effect, ExperimentResult
from recsys_pipeline.serving import online_words
from recsys_pipeline.serving.charts import Line, Point, intervals
from recsys_pipeline.serving.experiments_told import held_out, running
from recsys_pipeline.serving.pages_look import page, words_of
from recsys_pipeline.serving.pages_monitoring import line_chart
from recsys_pipeline.serving.service import service_of
from recsys_pipeline.serving.texts import Words
from recsys_pipeline.serving.week_reports import Week

router: Final = APIRouter(include_in_schema=False)

Told = dict[str, Any]


@router.get("/experiments")
async def experiments(request: Request) -> Response:
    """Those that run first, then those that are over and were looked at in the newest week."""
    service, words = service_of(request), words_of(request)
    weeks = await to_thread(service.reports.newest)
    arms = service.keeper.arms
    found = {each.name: each for each in weeks[-1].experiments} if weeks else {}
    now = {each["name"]: each for each in running(arms)}
    names = [*now, *(name for name in found if name not in now and name != HOLDOUT)]
    told = [_one(words, name, now.get(name), found.get(name), weeks) for name in names]
    holdout = held_out(arms)
    result = _one(words, HOLDOUT, None, found[HOLDOUT], weeks) if HOLDOUT in found else None
    values = {"experiments": told, "holdout": holdout, "held": result}
    return page(request, "experiments.html", values)


def _one(
    words: Words, name: str, now: Told | None, found: ExperimentResult | None, weeks: Sequence[Week]
) -> Told:
    """All that the page says of an experiment."""
    state = "ended" if now is None else "waits" if now["waiting"] else "runs"
    told: Told = {"name": name, "now": now, "state": state, "result": found}
    if found is None:
        return told
    told["effects"] = [
        _effects(words, found, arm)
        for arm in found.arms[1:]
        if any(each.arm == arm and _known(each.relative) for each in found.effects)
    ]
    told["over_weeks"] = _over_weeks(words, found, weeks)
    told["segments"] = [
        (each.segment, each.effect.arm, effect_text(words, each.effect), each.differs)
        for each in found.by_segment
    ]
    told["planned"] = _planned(words, found)
    return told


def _effects(words: Words, found: ExperimentResult, arm: str) -> Told:
    """What an arm changes, by every metric: as a chart and as a table."""
    own = [each for each in found.effects if each.arm == arm and _known(each.relative)]
    heading = words("effects_of", arm=arm, control=found.arms[0])
    return {
        "heading": heading,
        "svg": intervals(
            [words(each.metric) for each in own],
            [_point(each) for each in own],
            heading,
            partial(online_words.relative, words),
        ),
        "rows": [
            (
                words(each.metric),
                online_words.figure(words, each.metric, each.control_mean),
                online_words.figure(words, each.metric, each.arm_mean),
                effect_text(words, each),
                words.number(each.n_control + each.n_arm),
                each.metric == found.metric,
            )
            for each in own
        ],
    }


def _over_weeks(words: Words, found: ExperimentResult, weeks: Sequence[Week]) -> Told | None:
    """The effect on the deciding metric at each look; None before the second one."""
    looks: list[tuple[str, ExperimentResult]] = [
        (week.week, each) for week in weeks for each in week.experiments if each.name == found.name
    ]
    if len(looks) < 2:
        return None
    drawn = []
    for arm in found.arms[1:]:
        effects = [look.effect(found.metric, arm) for _, look in looks]
        points = [None if e is None or not _known(e.relative) else _point(e) for e in effects]
        drawn.append(Line(arm, points))
    heading = words("effect_over_weeks", metric=words(found.metric))
    days = [week for week, _ in looks]
    return line_chart(
        words, heading, words("week"), drawn, days, partial(online_words.relative, words)
    )


def effect_text(words: Words, effect: Effect) -> str:
    """A relative effect with its bounds."""
    if not _known(effect.relative):
        return words("not_told")
    said = partial(online_words.relative, words)
    if not (_known(effect.relative_low) and _known(effect.relative_high)):
        return said(effect.relative)
    bounds = words("from_to", low=said(effect.relative_low), high=said(effect.relative_high))
    return f"{said(effect.relative)} {bounds}"


def _planned(words: Words, found: ExperimentResult) -> str:
    planned = found.planned
    weeks = words.number(planned.weeks)
    if not _known(planned.weeks_needed):
        return words("planned_unknown", weeks=weeks)
    return words(
        "planned_weeks",
        weeks=weeks,
        needed=words.number(math.ceil(planned.weeks_needed)),
        effect=online_words.share(words, planned.least_effect),
        power=words.percent(planned.power),
    )


def _point(effect: Effect) -> Point:
    low, high = effect.relative_low, effect.relative_high
    whole = _known(low) and _known(high)
    return Point(effect.relative, low if whole else None, high if whole else None)


def _known(value: float) -> bool:
    return math.isfinite(value)
