"""Intervals that hold at all looks: their shape, and that p-values agree with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from recsys_pipeline.experiments.always_valid import (
    best_ratio,
    chance_by_look,
    factor,
    half_width,
    p_value,
    spread_for,
)

ALPHAS = st.floats(0.001, 0.4)


@given(ALPHAS)
def test_the_best_ratio_gives_the_narrowest_interval(alpha):
    ratios = np.geomspace(0.01, 1000, 4001)
    assert factor(best_ratio(alpha), alpha) <= factor(ratios, alpha).min() + 1e-9
    assert ratios[factor(ratios, alpha).argmin()] == pytest.approx(best_ratio(alpha), rel=0.01)


@given(
    st.floats(0.001, 100),
    st.floats(0.001, 10),
    ALPHAS,
    st.floats(-8, 8).filter(lambda z: abs(z) > 1e-6),
)
def test_p_is_at_most_alpha_exactly_when_the_interval_leaves_out_zero(spread, se, alpha, z):
    estimate, variance = z * se, se**2
    out = abs(estimate) > half_width(variance, spread, alpha)
    p = p_value(estimate, variance, spread)
    assert 0 < p <= 1
    assert (p < alpha) == out or p == pytest.approx(alpha, rel=1e-6)


def test_it_is_wider_than_a_single_look_and_widest_at_first():
    """As of Johari et al., eq. 12, with alpha .05 and spread 1."""
    variances = np.array([10.0, 1.0, 0.1, 0.01])
    errors = half_width(variances, 1.0, 0.05) / np.sqrt(variances)
    by_hand = [np.sqrt(v + 1) * np.sqrt(np.log((v + 1) / v) - 2 * np.log(0.05)) for v in variances]
    np.testing.assert_allclose(errors, by_hand)
    assert errors[0] > 8
    assert errors.min() > 3


def test_the_spread_is_best_where_the_effect_is_found_with_the_power():
    spread = spread_for(0.05, 0.05, 0.8)
    variance = spread**2 / best_ratio(0.05)
    power = ndtr(0.05 / np.sqrt(variance) - factor(best_ratio(0.05), 0.05))
    assert power == pytest.approx(0.8)


def test_a_walk_without_drift_is_seldom_called_however_often_it_is_looked_at():
    """1,000 walks in information, looked at 500 times: five in a hundred at most."""
    rng = np.random.default_rng(5)
    information = np.arange(1, 501) / 50
    walk = np.cumsum(rng.normal(scale=np.sqrt(1 / 50), size=(1000, 500)), axis=1)
    p = p_value(walk / information, 1 / information, 3.0)
    share = np.mean((p <= 0.05).any(axis=1))
    assert 0.01 < share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean((np.abs(walk) / np.sqrt(information) > 1.96).any(axis=1)) > 0.4


def test_the_chance_by_look_is_that_of_walks():
    rng = np.random.default_rng(6)
    information = 100 * np.array([0.2, 0.5, 0.6, 0.9, 1.0, 1.2])
    steps = np.diff(information, prepend=0)
    walks = np.cumsum(0.35 * steps + np.sqrt(steps) * rng.normal(size=(20_000, 6)), axis=1)
    spread = spread_for(0.35, 0.05, 0.8)
    called = walks / information > half_width(1 / information, spread, 0.05)
    found = np.logical_or.accumulate(called, axis=1).mean(axis=0)
    np.testing.assert_allclose(
        chance_by_look(0.35, 1 / information, spread, 0.05), found, atol=0.01
    )
