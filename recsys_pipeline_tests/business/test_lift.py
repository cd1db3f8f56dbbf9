"""Lifts, measured and assumed."""

import math

import pytest
from scipy import stats

from recsys_pipeline.business.lift import Z, assumed_lift, lift_of_rates, measured_lift


def test_an_assumed_lift_has_the_spread_of_its_error():
    found = assumed_lift("clicks", 0.1, 0.05)
    assert (found.low, found.high) == pytest.approx((0.002, 0.198), abs=5e-4)
    assert not found.measured
    assert pytest.approx(stats.norm.ppf(0.975)) == Z


def test_a_measured_lift_says_where_from():
    found = measured_lift("clicks", 0.2, 0.1, 0.3, "experiment growth")
    assert found.measured
    assert found.source == "experiment growth"


def test_the_lift_between_two_rates():
    found = lift_of_rates("churn", (0.025, 0.0225, 0.0275), (0.02, 0.0184, 0.0216), "arms")
    # Relative half widths of 10 % and 8 % add up to √(0.01 + 0.0064).
    half = math.sqrt(0.01 + 0.0064)
    assert found.value == pytest.approx(-0.2)
    assert found.low == pytest.approx(0.8 * math.exp(-half) - 1)
    assert found.high == pytest.approx(0.8 * math.exp(half) - 1)
    assert found.measured


def test_no_ratio_to_nothing():
    with pytest.raises(ValueError, match="must be positive"):
        lift_of_rates("churn", (0.0, 0.0, 0.0), (0.1, 0.1, 0.1), "arms")
