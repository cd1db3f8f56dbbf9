"""What the intervals promise, over 1,000 tests each, read every week.

The users are drawn once; every test takes half of them in and shares those out, as the hash would,
and goes the way from rows of user × week to the interval that an experiment goes. All looks of all
tests come from one product of matrices.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from recsys_pipeline.experiments.always_valid import spread_for
from recsys_pipeline.experiments.comparing import Comparison
from recsys_pipeline.experiments.config import METRICS, ArmConfig, ExperimentConfig
from recsys_pipeline.experiments.planning import outlook
from recsys_pipeline.experiments.rehearsal import Looks, compare_all, looks_of

ALPHA, POWER, TESTS = 0.05, 0.8, 1000
POOLS, USERS, SHARE, BEFORE, LOOKS = 4, 1500, 0.8, 16, 26
PLANNED_WEEKS = 10
TESTED = [metric for metric in METRICS if metric in {"click_through", "clicks", "watch_minutes"}]


def errors(rate):
    """Two Monte Carlo errors of a rate over all tests."""
    return 2 * np.sqrt(rate * (1 - rate) / TESTS)


@dataclass(frozen=True)
class Pool:
    """A share of the tests by one metric: ``(n_tests, n_looks)``; true effects by look."""

    same: Comparison
    lifted: Comparison
    true: np.ndarray
    true_relative: np.ndarray
    weeks_needed: int


def ratio(looks: Looks):
    return looks.y.sum(axis=1) / looks.m.sum(axis=1)


def pool_of(weeks, metric, rng):
    before = weeks.frame()
    arms = (ArmConfig(name="control"), ArmConfig(name="lifted"))
    experiment = ExperimentConfig(name="x", arms=arms, metric=metric, share=SHARE)
    lift = outlook(before, experiment, until=weeks.start).detectable(PLANNED_WEEKS)
    experiment = experiment.model_copy(update={"least_effect": lift})
    planned = outlook(before, experiment, until=weeks.start).planned()
    control = looks_of(before, metric, weeks.start)
    arm = looks_of(weeks.lifted(lift, rng), metric, weeks.start)
    drawn = rng.random((TESTS // POOLS, control.taking.shape[1]))
    in_control, in_arm = drawn < SHARE / 2, drawn > 1 - SHARE / 2
    spread = spread_for(lift, ALPHA, POWER)
    off, on = ratio(control), ratio(arm)
    return Pool(
        same=compare_all(control, control, in_control, in_arm, spread, ALPHA),
        lifted=compare_all(control, arm, in_control, in_arm, spread, ALPHA),
        true=on - off,
        true_relative=on / off - 1,
        weeks_needed=int(planned.weeks_needed),
    )


@pytest.fixture(scope="module", params=TESTED)
def pools(request, make_weeks):
    rng = np.random.default_rng(2024)
    people = (make_weeks(rng, USERS, BEFORE + LOOKS, BEFORE) for _ in range(POOLS))
    return [pool_of(weeks, request.param, rng) for weeks in people]


def share(pools, called):
    return float(np.mean([called(pool).mean() for pool in pools]))


def test_an_arm_that_does_nothing_is_called_as_seldom_as_promised(pools):
    assert (
        0 < share(pools, lambda pool: (pool.same.p <= ALPHA).any(axis=1)) <= ALPHA + errors(ALPHA)
    )

    def fixed(pool):
        return np.abs(pool.same.difference) > 1.96 * np.sqrt(pool.same.variance)

    assert share(pools, lambda pool: fixed(pool).any(axis=1)) > 0.15
    assert share(pools, lambda pool: fixed(pool)[:, -1]) == pytest.approx(ALPHA, abs=0.025)


@pytest.mark.parametrize("kind", ["", "relative_"])
def test_the_interval_holds_the_true_effect_at_all_looks(pools, kind):
    def held(pool):
        true = pool.true_relative if kind else pool.true
        low, high = (getattr(pool.lifted, kind + bound) for bound in ("low", "high"))
        return ((low <= true) & (true <= high)).all(axis=1)

    assert share(pools, held) >= 1 - ALPHA - errors(ALPHA)


def test_the_effect_is_found_as_often_as_planned(pools):
    assert all(abs(pool.weeks_needed - PLANNED_WEEKS) <= 1 for pool in pools)
    found = share(pools, lambda p: (p.lifted.p[:, : p.weeks_needed] <= ALPHA).any(axis=1))
    # Pools as small as these plan with an error of their own; a look too many finds a little more.
    assert POWER - errors(POWER) <= found <= 0.95
