"""A week and a half year to report on, made up."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.business.config import AssumptionsConfig, GoalsConfig, PricesConfig
from recsys_pipeline.business.goals import Figure, goals
from recsys_pipeline.business.impact import impact
from recsys_pipeline.business.inputs import Today, inputs_of
from recsys_pipeline.business.lift import measured_lift
from recsys_pipeline.business.offline_online import Past, agreement
from recsys_pipeline.experiments.results import (
    Effect,
    ExperimentResult,
    Guardrail,
    Planned,
    SampleRatio,
    SegmentEffect,
)
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.monitoring.rows import tidy
from recsys_pipeline.pipeline.protocols import CheckReport, CheckResult, Manifest
from recsys_pipeline.reporting.facts import HalfYear, WeeklyFacts
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.weekly import weekly_report

TITLE = "<script>alert('1')</script> | *Nosferatu* [1922] & more"

_ALL = {
    m.CLICK_THROUGH: (0.162, 0.004, 0.012),
    m.LIST_CLICK_THROUGH: (0.61, 0.006, 0.02),
    m.WATCH_MINUTES: (312.0, 6.0, -2.0),
    m.SATISFACTION: (3.41, 0.02, -0.05),
    m.RETURN_RATE: (0.87, 0.01, 0.002),
    m.CHURN_RATE: (0.0214, 0.002, -0.003),
    m.COVERAGE: (0.44, 0.01, 0.0),
    m.CONCENTRATION: (0.71, 0.01, 0.001),
    m.AVAILABILITY: (0.9997, 0.0002, 0.0),
    m.LATENCY_P99: (0.0112, 0.001, 0.0),
}


def _row(metric, by, group, value, half, change, n=9000):
    bounds = (value - half, value + half)
    return dict(
        zip(
            m.COLUMNS,
            (metric, by, group, value, *bounds, n, value - change, change, change - half,
             change + half),
            strict=True,
        )
    )  # fmt: skip


def figures():
    rows = [_row(metric, m.ALL, "", *found) for metric, found in _ALL.items()]
    for place, segment in enumerate(("young", "adult", "senior")):
        rows += [
            _row(m.CLICK_THROUGH, m.SEGMENT, segment, 0.14 + 0.02 * place, 0.006, 0.01, 3000),
            _row(m.WATCH_MINUTES, m.SEGMENT, segment, 300.0 + place, 9.0, 0.0, 3000),
        ]
    for by, titles in ((m.MOST_SHOWN, (TITLE, "Metropolis")), (m.LEAST_SHOWN, ("Faust",))):
        for title in titles:
            rows.append(_row(m.IMPRESSIONS, by, title, 4200.0, 0.0, 100.0))
            rows.append(_row(m.CLICK_THROUGH, by, title, 0.2, 0.01, 0.0))
    rows += [
        _row(m.CLICK_THROUGH, m.GENRE, genre, 0.1 + 0.02 * place, 0.005, 0.001)
        for place, genre in enumerate(("Action", "Drama", "Comedy"))
    ]
    return tidy(rows)


def _history(weeks=8):
    found = []
    for week in range(weeks):
        day = str((pd.Timestamp("2024-01-01") + pd.Timedelta(days=7 * week)).date())
        rows = [
            _row(metric, m.ARM, f"growth/{arm}", value * (1 + lift + 0.004 * week), half, 0.0)
            for metric, (value, half, _) in _ALL.items()
            for arm, lift in (("control", -0.2), ("new", 0.0))
        ]
        found.append(tidy(rows).assign(week=day))
    return pd.concat(found, ignore_index=True)


def _effect(metric, arm, mean, relative):
    half = 0.03
    return Effect(
        metric, arm, mean, mean * (1 + relative), mean * relative, mean * (relative - half),
        mean * (relative + half), relative, relative - half, relative + half, 1e-4, 5012, 4988, 0.6,
    )  # fmt: skip


def experiment(verdict="better"):
    effects = (
        _effect(m.CLICK_THROUGH, "new", 0.13, 0.21),
        _effect(m.WATCH_MINUTES, "new", 250.0, 0.12),
        _effect(m.SATISFACTION, "new", 3.4, 0.01),
    )
    return ExperimentResult(
        "growth", m.CLICK_THROUGH, "2024-01-01", "2024-02-26", 8, 0.05, ("control", "new"), (),
        effects,
        (SegmentEffect("young", _effect(m.CLICK_THROUGH, "new", 0.12, 0.3), 0.001, True),),
        SampleRatio({"control": 5012, "new": 4988}, {"control": 5000.0, "new": 5000.0}, 0.8, False),
        (Guardrail(m.WATCH_MINUTES, "new", -0.12, 0.05, False, "Time watched rose."),),
        verdict, "new" if verdict == "better" else "",
        "'new' is better than 'control': click-through +21 % (+18 to +24 %). Put it in service.",
        Planned(0.05, 0.04, 6.0, 9000.0, 8, 0.8),
    )  # fmt: skip


def _manifest(week, value):
    return Manifest(
        f"2024-01-{week:02}-7f3a9c12", f"2024-01-{week:02}T00:00:00+00:00", "simulated", "d", "s",
        "learned", 10, {"users": 10_000}, {"ndcg_at_10": value}, "yes", {},
        decision="Refitted: the recipe in service is unchanged.",
    )  # fmt: skip


@pytest.fixture(scope="session")
def business():
    found = [
        measured_lift("clicks", 0.21, 0.18, 0.24, "experiment growth"),
        measured_lift("watch_time", 0.12, 0.09, 0.15, "experiment growth"),
    ]
    today = Today(10_000, Figure(21.7, 21.0, 22.4), Figure(18.0, 17.5, 18.5), None, 0.8, "control")
    inputs = inputs_of(
        today, found, AssumptionsConfig(), PricesConfig(fixed_per_month=1200, project=500), 0.025
    )
    rng = np.random.default_rng(5)
    worth = impact(inputs, rng, users=10_000, months=12, draws=2000)
    standing = goals(
        GoalsConfig(),
        {
            "click_through": Figure(0.162, 0.158, 0.166),
            "watch_time": Figure(0.12, 0.09, 0.22),
            "satisfaction": Figure(3.41, 3.39, 3.43),
            "churn": Figure(0.0214, 0.0194, 0.0234),
            "response": Figure(11.2),
            "availability": Figure(0.9997, 0.9995, 0.9998),
            "infrastructure": Figure(146.1),
        },
    )
    points = [
        Past(f"r{k}", 0.02 + k / 1000, k / 50, k / 50 - 0.04, k / 50 + 0.04) for k in range(8)
    ]
    return standing, worth, agreement("ndcg_at_10", points, rng, draws=200)


@pytest.fixture(scope="session")
def weekly_facts(business):
    standing, worth, agreed = business
    broken = CheckResult("rating.range", "Ratings lie in 0.5 to 5.", 900, 12, 0.05, False, False)
    held = CheckResult("user_id.known", "Users are known.", 900, 0, 0.05, True, True)
    return WeeklyFacts(
        "2024-02-26",
        "2024-01-08-7f3a9c12",
        figures(),
        _history(),
        (experiment(),),
        ("Young users turn to Animation: 21 % of their clicks, 17 % last week.",),
        (CheckReport("interactions", 900, (broken, held)), CheckReport("users", 50, (held,))),
        {"interactions": 12, "users": 0},
        (
            Alarm(
                "movies_shifted", "movies.year", "Years moved by 0.12. See the source.", "warning"
            ),
            Alarm("click_through_fell", "click_through", "It fell by 9 %. Roll back.", "error"),
        ),
        standing,
        worth,
        agreed,
        tuple(_manifest(week, 0.02) for week in range(1, 9)),
        links={"The run in Dagster": "http://127.0.0.1:3000/runs/7", "odd": "javascript:alert(1)"},
    )


@pytest.fixture(scope="session")
def report(weekly_facts):
    """The report of that week, drawn once for all tests."""
    return weekly_report(weekly_facts)


@pytest.fixture(scope="session")
def page(report):
    return html(report)


def _weeks(arms, metrics, weeks):
    rows = []
    for place, arm in enumerate(arms):
        for metric, (value, half) in metrics.items():
            for week in range(1, weeks + 1):
                at = value * (1 + 0.15 * place * (1 - np.exp(-week / 6)))
                rows.append((metric, arm, week, at, at - half, at + half))
    return pd.DataFrame(rows, columns=[m.METRIC, m.ARM, "week", m.VALUE, m.LOW, m.HIGH])


@pytest.fixture(scope="session")
def half_year(business):
    standing, worth, agreed = business
    metrics = {
        m.CLICK_THROUGH: (0.11, 0.004),
        m.WATCH_MINUTES: (250.0, 6.0),
        m.CHURN_RATE: (0.025, 0.003),
        m.SATISFACTION: (3.4, 0.03),
    }
    loops = _weeks(
        ("with exploration", "without exploration"),
        {m.CONCENTRATION: (0.6, 0), m.DIVERSITY: (0.7, 0), m.COVERAGE: (0.4, 0)},
        26,
    )
    before_after = pd.DataFrame(
        [(m.CLICK_THROUGH, 0.11, 0.10, 0.12, 0.16, 0.15, 0.17, 0.05, 0.04, 0.06)],
        columns=[m.METRIC, "before", "before_low", "before_high", "after", "after_low",
                 "after_high", m.CHANGE, m.CHANGE_LOW, m.CHANGE_HIGH],
    )  # fmt: skip
    return HalfYear(
        10_000,
        26,
        42,
        "recsys simulate --weeks 26 --users 10000 --seed 42",
        ("A user looks at place r with probability 1 / log2(1 + r).", "Clicks follow tastes."),
        {"control": "the most popular movies", "new": "the recommender"},
        "new",
        _weeks(("control", "new"), metrics, 26),
        before_after,
        loops.rename(columns={m.ARM: "world"}),
        experiment(),
        experiment("no difference yet"),
        standing,
        worth,
        agreed,
        ((7, Alarm("robots", "actions", "One account made 9 % of all actions.", "warning")),),
        tuple(_manifest(week, 0.02) for week in range(1, 27)),
        ("Nobody tells a friend.",),
        480.0,
    )
