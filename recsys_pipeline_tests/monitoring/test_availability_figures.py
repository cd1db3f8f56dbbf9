"""How reliable and how fast the API is."""

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import binomtest

from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.availability import (
    LATENCY_BOUNDS,
    AnswerHour,
    bucket_of,
    quantile,
    reliability,
    wilson,
)
from recsys_pipeline.monitoring.reliability_figures import reliability_rows
from recsys_pipeline.monitoring.rows import tidy

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
TENTH = LATENCY_BOUNDS.index(0.1)


def hour(fast: int, slow: int = 0, errors: int = 0) -> AnswerHour:
    """Answers between 0.075 and 0.1 seconds, and some beyond the last bound."""
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    counts[TENTH], counts[-1] = fast, slow
    return AnswerHour(NOON, "/v1", fast + slow, errors, tuple(counts))


def test_two_failures_of_a_thousand_use_the_budget_twice():
    found = reliability([hour(600, errors=2), hour(400)], goal=0.999)
    assert found.answers == 1000
    assert found.availability.mean == 0.998
    assert found.error_rate == pytest.approx(0.002)
    assert found.budget_used == pytest.approx(2.0)
    expected = binomtest(998, 1000).proportion_ci(method="wilson")
    assert (found.availability.low, found.availability.high) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("successes", "trials"), [(0, 4), (7, 7), (3, 11)])
def test_wilson_is_as_in_scipy(successes, trials):
    found = wilson(successes, trials)
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.low <= found.mean <= found.high


def test_latency_is_exact_at_bounds_and_even_in_between():
    found = reliability([hour(100)])
    assert found.p50 == pytest.approx(0.0875)
    assert np.isnan(found.budget_used)
    counts = np.array(hour(50).latencies)
    counts[0] = 50
    assert quantile(counts, 0.5) == LATENCY_BOUNDS[0]
    assert quantile(counts, 1.0) == LATENCY_BOUNDS[TENTH]


def test_what_takes_longer_than_the_last_bound_has_no_end():
    found = reliability([hour(90, slow=10)])
    assert found.p50 < 0.1
    assert found.p99 == float("inf")


def test_an_answer_is_counted_where_quantiles_look_for_it():
    seconds = np.random.default_rng(0).lognormal(-3, 1, 2000)
    counts = np.bincount([bucket_of(each) for each in seconds], minlength=len(LATENCY_BOUNDS) + 1)
    for share in (0.5, 0.95, 0.99):
        true = np.quantile(seconds, share)
        place = bucket_of(true)
        low = LATENCY_BOUNDS[place - 1] if place else 0.0
        assert low <= quantile(counts, share) <= LATENCY_BOUNDS[place]


def test_no_answers_tell_nothing():
    found = reliability([], goal=0.999)
    assert np.isnan([found.availability.mean, found.budget_used, found.p99]).all()
    assert tidy(reliability_rows(found, None))[names.VALUE].isna().all()


@pytest.mark.parametrize(
    "change", [{"errors": 11}, {"errors": -1}, {"answers": 9}, {"latencies": (10,)}]
)
def test_counts_must_fit_together(change):
    whole = {"hour": NOON, "route": "/v1", "answers": 10, "errors": 0}
    with pytest.raises(ValueError, match=r"\d"):
        AnswerHour(**{**whole, "latencies": hour(10).latencies, **change})


def test_the_change_of_availability_has_an_interval():
    rows = tidy(
        reliability_rows(reliability([hour(10_000, errors=200)]), reliability([hour(10_000)]))
    ).set_index(names.METRIC)
    row = rows.loc[names.AVAILABILITY]
    assert row[names.CHANGE] == pytest.approx(-0.02)
    assert row[names.CHANGE_LOW] < -0.02 < row[names.CHANGE_HIGH] < 0
    mirrored = rows.loc[names.ERROR_RATE]
    assert mirrored[names.CHANGE_LOW] == pytest.approx(-row[names.CHANGE_HIGH])
    assert mirrored[names.VALUE] == pytest.approx(0.02)
