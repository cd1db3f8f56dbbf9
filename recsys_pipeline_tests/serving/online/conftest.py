"""Weeks of figures as the weekly run leaves them, and a server with experiments."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recsys_pipeline.business.config import GoalsConfig
from recsys_pipeline.business.goals import AVAILABILITY, CLICK_THROUGH, Figure, goals, to_json
from recsys_pipeline.experiments import results
from recsys_pipeline.experiments.results import (
    Effect,
    ExperimentResult,
    Guardrail,
    Planned,
    SampleRatio,
    SegmentEffect,
)
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.alarms import Alarm, alarms_to_json
from recsys_pipeline.pipeline.reports import (
    ALARMS,
    EXPERIMENTS,
    FIGURES,
    GOALS,
    REPORT_HTML,
    REPORT_MARKDOWN,
)
from recsys_pipeline.storage.reports import FileReportStore

NAN = float("nan")


def row(
    metric: str, value: float, by: str = "all", group: str = "", **more: float
) -> dict[str, Any]:
    """A figure with an interval of ±10 %, and a change where `change` says one."""
    change = more.get("change", NAN)
    return {
        names.METRIC: metric,
        names.BY: by,
        names.GROUP: group,
        names.VALUE: value,
        names.LOW: more.get("low", value * 0.9),
        names.HIGH: more.get("high", value * 1.1),
        names.N: more.get("n", 500),
        names.BEFORE: value - change,
        names.CHANGE: change,
        names.CHANGE_LOW: change - 0.005,
        names.CHANGE_HIGH: change + 0.005,
    }


def figures_of(number: int) -> pd.DataFrame:
    """The figures of the week of that number, from 0."""
    clicked = 0.12 + 0.01 * number
    change = NAN if number == 0 else 0.01
    rows = [
        row("click_through", clicked, change=change),
        row("watch_minutes", 61.0, change=change),
        row("churn_rate", 0.02, change=change),
        row("satisfaction", NAN),
        row("availability", 0.9995, low=0.999, high=0.9999),
        row("latency_p99", 0.0213, low=NAN, high=NAN, n=NAN),
    ]
    rows += [row("click_through", clicked + 0.01, "arm", f"x/{arm}") for arm in ("a", "b")]
    rows += [row("click_through", 0.2 / rank, "rank", str(rank)) for rank in (10, 2, 1)]
    rows += [row("click_through", 0.1, "segment", each) for each in ("<b>Kids</b>", "Adults")]
    rows += [row("click_through", 0.1, "day", f"2024-01-0{day}") for day in range(1, 8)]
    return pd.DataFrame(rows)


def result_of(name: str = "x", verdict: str = "better") -> ExperimentResult:
    def effect(metric: str, relative: float) -> Effect:
        return Effect(
            metric, "b", 0.12, 0.13, 0.01, 0.002, 0.018, relative, relative - 0.06,
            relative + 0.06, 0.01, 400, 410, 0.5,
        )  # fmt: skip

    clicks, minutes = effect("click_through", 0.083), effect("watch_minutes", -0.02)
    unknown = Effect("satisfaction", "b", NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 1.0, 0, 0, 0.0)
    return ExperimentResult(
        name=name,
        metric="click_through",
        started="2024-01-01",
        looked_at="2024-01-15",
        weeks=2,
        alpha=0.05,
        arms=("a", "b"),
        stopped=(),
        effects=(clicks, minutes, unknown),
        by_segment=(SegmentEffect("Adults", clicks, 0.02, True),),
        sample_ratio=SampleRatio({"a": 400, "b": 410}, {"a": 405.0, "b": 405.0}, 0.9, False),
        guardrails=(Guardrail("watch_minutes", "b", 0.02, 0.05, False, "Watch time holds."),),
        verdict=verdict,  # type: ignore[arg-type]  # the test says which
        winner="b",
        sentence="Arm b is clicked 8.3 % more often than the control.",
        planned=Planned(0.05, 0.06, 3.4, 900.0, 2, 0.8),
    )


def put_weeks(root: Path, weeks: int = 3) -> list[str]:
    """Write that many weeks below `root`/data; their names."""
    store = FileReportStore(root / "data" / "reports")
    found = [f"2024-01-{8 + 7 * number:02d}" for number in range(weeks)]
    told = goals(
        GoalsConfig(),
        {CLICK_THROUGH: Figure(0.2, 0.18, 0.22), AVAILABILITY: Figure(0.99, 0.98, 0.995)},
    )
    for number, week in enumerate(found):
        content = io.BytesIO()
        figures_of(number).to_parquet(content)
        alarm = Alarm.of("click_through_fell", "click_through", "It fell <by> 10 %. Look.")
        store.put(
            week,
            {
                FIGURES: content.getvalue(),
                ALARMS: alarms_to_json([alarm] if number == 1 else []).encode(),
                GOALS: to_json(told),
                EXPERIMENTS: results.to_json([result_of()]).encode(),
                REPORT_HTML: b"<!doctype html><html lang='en'><head><title>Report</title><style>"
                b"h1 { color: #123456; }</style></head><body><h1>The week</h1></body></html>",
                REPORT_MARKDOWN: b"# The week\n",
            },
        )
    return found


@pytest.fixture(scope="session")
def putting_weeks() -> Callable[..., list[str]]:
    """`put_weeks`."""
    return put_weeks
