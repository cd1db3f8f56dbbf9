"""What a week says about the business: which comparison is used, and what is made of it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.business import inputs as i
from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig, ExperimentsConfig
from recsys_pipeline.experiments.results import Effect, ExperimentResult, Planned, SampleRatio
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.monitoring.costs import MonthlyCost
from recsys_pipeline.monitoring.rows import tidy
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.worth import Worth, compared, worth

POPULAR = {"primary": "popularity"}
CONFIG = ExperimentsConfig(holdout_learning=POPULAR)
MONTHS = 365.25 / 12


def effect(metric, mean, users=1000, arm="new", relative=0.2):
    ends = (relative - 0.1, relative + 0.1)
    differences = (mean * relative, *(mean * each for each in ends))
    means = (mean, mean * (1 + relative))
    return Effect(metric, arm, *means, *differences, relative, *ends, 0.01, users, users, 0.5)


def result(name="lists", users=1000, arms=("control", "new"), **other):
    effects = tuple(
        effect(metric, mean, users, arm)
        for metric, mean in ((m.CLICK_THROUGH, 0.1), (m.CLICKS, 0.5), (m.WATCH_MINUTES, 60.0))
        for arm in arms[1:]
    )
    ratio = SampleRatio(dict.fromkeys(arms, users), dict.fromkeys(arms, float(users)), 1.0, False)
    found = ExperimentResult(
        name, m.CLICK_THROUGH, "2024-01-01", "2024-02-26", 8, 0.05, arms, (), effects, (), ratio,
        (), "better", arms[-1], "It is better.", Planned(0.05, 0.04, 6.0, 900.0, 8, 0.8),
    )  # fmt: skip
    return replace(found, **other)


def declared(name="lists", **arm):
    arms = [{"name": "control", "learning": POPULAR}, {"name": "new", **arm}]
    return ExperimentConfig.model_validate({"name": name, "arms": arms})


def row(metric, by, group, value, half=0.0):
    bounds = (value - half, value + half)
    cells = (metric, by, group, value, *bounds, 500, *[math.nan] * 4)
    return dict(zip(m.COLUMNS, cells, strict=True))


ROWS = (
    # Of those who came this week: many more clicks than of all who take part.
    row(m.CLICKS, m.ARM, "lists/control", 2.0, 0.2),
    row(m.CHURN_RATE, m.ARM, "lists/control", 0.04, 0.01),
    row(m.CHURN_RATE, m.ARM, "lists/new", 0.02, 0.01),
    row(m.CHURN_RATE, m.ALL, "", 0.03, 0.01),
    row(m.LATENCY_P99, m.ALL, "", math.inf),
    row(m.CLICK_THROUGH, m.ARM, "lists/control", 0.10, 0.01),
    row(m.CLICK_THROUGH, m.ARM, "lists/new", 0.12, 0.01),
    row(m.IMPRESSIONS, m.RELEASE, "held-out", 900.0),
    row(m.IMPRESSIONS, m.RELEASE, "old", 400.0),
    row(m.IMPRESSIONS, m.RELEASE, "new", 500.0),
)


def manifest(release, value):
    return Manifest(release, "", "s", "d", "e", "ease", 10, {}, {"ndcg_at_10": value}, "yes", {})


def worth_of(*results, rows=ROWS, cost=None, **other) -> Worth:
    figures = tidy(rows)
    user_weeks = pd.DataFrame(
        {n.EXPERIMENT: ["lists"] * 4, n.ARM: ["control"] * 3 + ["new"], n.CLICKS: [1, 2, 3, 50]}
    )
    return worth(
        figures,
        figures.assign(**{n.WEEK: "2024-02-26"}),
        results,
        user_weeks,
        [manifest("old", 0.1), manifest("new", 0.2)],
        users=5000,
        cost=cost,
        experiments=CONFIG,
        declared=[declared()],
        targets=GoalsConfig(),
        business=BusinessConfig(),
        rng=np.random.default_rng(1),
        **other,
    )


def inputs_by_name(found):
    return {each.name: each for each in found.impact.inputs}


def test_levels_are_those_of_everybody_who_takes_part():
    found = inputs_by_name(worth_of(result()))
    clicks = found[i.CLICKS]
    assert clicks.value == pytest.approx(0.5 * MONTHS / 7)
    assert (clicks.low / clicks.value, clicks.high / clicks.value) == pytest.approx((0.9, 1.1))
    hours = found[i.WATCH_HOURS]
    assert hours.value == hours.low == pytest.approx(1.0 * MONTHS / 7)
    assert hours.measured
    # 6 clicks of 3 users, and 997 of the control who did not come.
    counts = np.array([1, 2, 3] + [0] * 997)
    assert found[i.EVENNESS].value == pytest.approx(i.evenness_of(counts))


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": "broken"},
        {"verdict": "stopped"},
        {"over": "2024-02-20"},
        {"stopped": ("new",)},
    ],
)
def test_what_says_nothing_of_what_is_in_service_is_not_compared(other):
    assert compared([result(**other)], CONFIG, [declared()]) is None


def test_an_arm_that_nobody_else_gets_is_not_compared():
    for own in ({"release": "r"}, {"learning": {"primary": "ease"}}):
        assert compared([result()], CONFIG, [declared(**own)]) is None
    assert compared([result()], CONFIG, []) is None


def test_of_several_comparisons_the_one_of_most_users_counts():
    held = result(HOLDOUT, 100, (HOLDOUT, "everybody else"))
    lopsided = replace(held, effects=tuple(replace(each, n_arm=90_000) for each in held.effects))
    found = compared([lopsided, result()], CONFIG, [declared()])
    assert (found.result.name, found.arm) == ("lists", "new")
    assert compared([lopsided], CONFIG, []).result.name == HOLDOUT


def test_churn_is_measured_once_the_experiment_is_long_enough():
    measured = inputs_by_name(worth_of(result(weeks=8)))
    assert measured[i.CHURN].value == pytest.approx(1 - 0.96 ** (MONTHS / 28))
    assert measured[i.CHURN_LIFT].value < 0
    assert measured[i.CHURN_LIFT].measured
    for early in (worth_of(result(weeks=7)), worth_of(result(weeks=8), churn_days=56)):
        found = inputs_by_name(early)
        assert not found[i.CHURN].measured
        assert not found[i.CHURN_LIFT].measured


def test_goals_are_those_of_a_month_and_slow_answers_are_missed():
    found = {each.name: each for each in worth_of(result(), churn_days=14).goals}
    assert found["churn"].value == pytest.approx(1 - 0.97 ** (MONTHS / 14))
    assert (found["response"].status, found["response"].value) == ("missed", 5000)
    assert "more than 5,000 ms" in found["response"].sentence
    none = {each.name: each for each in worth_of(rows=ROWS[:1]).goals}
    assert none["response"].status == "cannot tell"


def test_servers_are_assumed_and_runs_are_measured():
    found = inputs_by_name(worth_of(cost=MonthlyCost(1.5, 0.5, 140.0, 9.0)))
    assert (found[i.COMPUTE].value, found[i.COMPUTE].measured) == (2.0, True)
    assert found[i.SERVERS].value == pytest.approx(2 * 2 * 0.05 * 730.5)
    assert not found[i.SERVERS].measured
    assert not inputs_by_name(worth_of())[i.COMPUTE].measured


def test_offline_meets_online_by_the_release_that_was_shown_most():
    (point,) = worth_of(result()).agreement.points
    assert (point.release, point.offline) == ("new", 0.2)
    assert point.lift == pytest.approx(0.2)
    assert worth_of().agreement.points == ()
