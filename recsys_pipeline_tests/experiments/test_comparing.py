"""One arm against the control: against the same by hand, user by user."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.experiments.comparing import (
    LEAST_USERS,
    compare,
    moments_from_sums,
    moments_of,
)


def people(rng, n, *, lift=1.0):
    """Impressions m, clicks y, and a covariate x that goes with both."""
    taste = rng.lognormal(size=n)
    m = 1.0 + rng.poisson(8, n)
    return rng.poisson(0.2 * lift * taste * m).astype(float), m, taste * 8 + rng.normal(size=n)


def by_hand(control, arm):
    """Corrected means and variances, by a regression over users."""
    lines, xs = [], []
    for y, m, x in (control, arm):
        lines.append((y - y.sum() / m.sum() * m) / m.mean())
        xs.append(x)
    centred = [x - x.mean() for x in xs]
    # Weighted as pooled variances are.
    k = [len(x) / (len(x) - 1) for x in xs]
    theta = sum(a * (line @ x) for a, line, x in zip(k, lines, centred, strict=True)) / sum(
        a * (x @ x) for a, x in zip(k, centred, strict=True)
    )
    middle = np.concatenate(xs).mean()
    means = [
        y.sum() / m.sum() - theta * (x.mean() - middle)
        for (y, m, _), x in zip((control, arm), xs, strict=True)
    ]
    variances = [
        np.var(line - theta * x, ddof=1) / len(x) for line, x in zip(lines, centred, strict=True)
    ]
    return means, variances


def test_it_is_what_a_regression_over_users_gives():
    rng = np.random.default_rng(0)
    control, arm = people(rng, 700), people(rng, 400, lift=1.3)
    found = compare(moments_of(*control), moments_of(*arm), 0.1, 0.05)
    means, variances = by_hand(control, arm)
    assert found.control_mean == pytest.approx(control[0].sum() / control[1].sum())
    assert found.difference == pytest.approx(means[1] - means[0])
    assert found.variance == pytest.approx(sum(variances))
    assert found.relative == pytest.approx(means[1] / means[0] - 1)
    assert found.low < found.difference < found.high
    assert 0.5 < found.correlation < 1


def test_the_correction_narrows_the_interval_as_its_correlation_says():
    rng = np.random.default_rng(1)
    y, m, x = people(rng, 4000)
    parts = [(y[half], m[half], x[half]) for half in (slice(0, 2000), slice(2000, None))]
    plain = [(y, m, np.zeros(len(x))) for y, m, x in parts]
    with_it, without = (
        compare(*(moments_of(*p) for p in each), 0.1, 0.05) for each in (parts, plain)
    )
    assert without.correlation == 0
    assert with_it.variance / without.variance == pytest.approx(
        1 - with_it.correlation**2, rel=0.01
    )


def test_moments_from_sums_are_moments():
    table = np.random.default_rng(2).gamma(2.0, size=(3, 90))
    one = moments_of(*table)
    other = moments_from_sums(np.asarray(90.0), table.sum(axis=1), table @ table.T)
    np.testing.assert_allclose(other.mean, one.mean)
    np.testing.assert_allclose(other.cov, one.cov)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0), st.integers(50, 400))
def test_absolute_and_relative_interval_agree_on_zero(seed, lift, n):
    rng = np.random.default_rng(seed)
    found = compare(moments_of(*people(rng, n)), moments_of(*people(rng, n, lift=lift)), 0.1, 0.05)
    if not np.isnan(found.relative_low):
        assert (found.low > 0) == (found.relative_low > 0)
        assert (found.high < 0) == (found.relative_high < 0)
    assert (found.p <= 0.05) == (found.low > 0 or found.high < 0)


def test_the_relative_interval_holds_for_large_effects():
    """Four times the control's figure: the control's own error counts fourfold."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(300):
        y0, m0, x0 = people(rng, 300)
        y1, m1, x1 = people(rng, 300, lift=4.0)
        found = compare(moments_of(y0, m0, x0), moments_of(y1, m1, x1), 3.0, 0.05)
        inside += found.relative_low <= 3.0 <= found.relative_high
    assert inside >= 300 * 0.95


def test_what_cannot_be_told_is_nan_and_never_a_finding():
    rng = np.random.default_rng(4)
    few = moments_of(*people(rng, LEAST_USERS - 1))
    many = moments_of(*people(rng, 200))
    nothing = moments_of(np.zeros(200), np.ones(200), np.zeros(200))
    nobody = moments_of(*np.zeros((3, 0)))
    y, m, _ = people(rng, 200)
    something = moments_of(y, m, np.zeros(200))
    pairs = [(few, many), (many, few), (nothing, something), (nothing, nothing), (nobody, many)]
    for control, arm in pairs:
        found = compare(control, arm, 0.1, 0.05)
        assert np.isnan([found.low, found.high, found.relative_low, found.relative_high]).all()
        assert found.p == 1
    assert np.isnan(compare(nothing, something, 0.1, 0.05).relative)
