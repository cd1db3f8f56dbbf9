"""Bootstrap intervals: paired, over users, and as wide as they should be."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from recsys_pipeline.evaluation.intervals import (
    Interval,
    difference_of_figures,
    figure_interval,
    mean_interval,
    paired_difference,
    percentile_interval,
    resample,
)
from recsys_pipeline.evaluation.per_user import PerUser


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    values = rng().exponential(1.0, 300)
    theirs = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=rng(1)
    ).confidence_interval
    ours = mean_interval(values, rng(2), n_resamples=4000)
    assert ours.mean == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.012)
    assert ours.high == pytest.approx(theirs.high, abs=0.012)
    assert (ours.n, ours.level) == (300, 0.95)


def test_the_interval_of_a_ratio_is_that_of_drawing_users() -> None:
    draw = rng()
    by = draw.integers(0, 6, 200).astype(float)
    metric = PerUser(np.minimum(draw.integers(0, 6, 200), by).astype(float), by)
    drawn = draw.integers(0, 200, (3000, 200))
    ratios = metric.numerator[drawn].sum(axis=1) / by[drawn].sum(axis=1)
    ours = figure_interval(metric, rng(1), n_resamples=3000)
    assert ours.mean == pytest.approx(metric.numerator.sum() / by.sum())
    assert ours.low == pytest.approx(np.quantile(ratios, 0.025), abs=0.01)
    assert ours.high == pytest.approx(np.quantile(ratios, 0.975), abs=0.01)
    assert ours.n == (by > 0).sum()


def test_users_without_a_value_are_left_out() -> None:
    values = rng().normal(size=50)
    with_gaps = np.concatenate([values, np.full(20, np.nan)])
    assert mean_interval(with_gaps, rng(3)) == mean_interval(values, rng(3))


def test_a_paired_difference_is_over_users_who_have_both() -> None:
    a = np.array([1.0, 2.0, 3.0, np.nan, 9.0])
    b = np.array([0.5, 1.5, 2.5, 7.0, np.nan])
    found = paired_difference(a, b, rng())
    assert (found.mean, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 3)


def test_pairing_takes_away_what_users_have_in_common() -> None:
    level = rng().normal(size=400)
    a, b = level + 0.1, level + rng(1).normal(0, 0.01, 400)
    paired = difference_of_figures(PerUser.of(a), PerUser.of(b), rng(2))
    assert paired.low > 0.09
    assert paired.high - paired.low < 0.01
    assert mean_interval(a, rng(2)).high - mean_interval(a, rng(2)).low > 0.1


def test_a_difference_of_plain_means_is_the_paired_difference() -> None:
    a, b = rng().normal(size=(2, 100))
    pooled = difference_of_figures(PerUser.of(a), PerUser.of(b), rng(5))
    paired = paired_difference(a, b, rng(5))
    assert pooled.low == pytest.approx(paired.low)
    assert pooled.high == pytest.approx(paired.high)


def test_pooled_figures_have_denominators_of_their_own() -> None:
    a = PerUser(np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]))
    b = PerUser(np.array([0.0, 1.0, 0.0]), np.array([0.0, 2.0, 0.0]))
    found = difference_of_figures(a, b, rng())
    assert (found.mean, found.n) == (0.5, 2)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    draw = rng(11)
    held = 0
    for _ in range(200):
        found = mean_interval(draw.normal(size=80), draw, n_resamples=300)
        held += found.low <= 0 <= found.high
    assert 180 <= held <= 199


@pytest.mark.parametrize("values", [[], [0.7], [np.nan, 0.7], [np.nan]])
def test_fewer_than_two_users_have_no_bounds(values: list[float]) -> None:
    found = mean_interval(np.array(values), rng())
    known = [value for value in values if not np.isnan(value)]
    assert found.n == len(known)
    assert np.isnan([found.low, found.high]).all()
    assert (found.mean == 0.7) if known else np.isnan(found.mean)


def test_resamples_that_draw_nobody_with_a_figure_are_left_out() -> None:
    metric = PerUser.of(np.array([1.0, 3.0] + [np.nan] * 8))
    samples = resample([metric], rng(), n_resamples=500)[:, 0]
    assert np.isnan(samples).any()
    found = percentile_interval(metric.mean, samples, metric.n_users)
    assert (found.low, found.high) == (1.0, 3.0)


def test_equal_generators_draw_equal_intervals_however_many_metrics_there_are() -> None:
    a, b = PerUser.of(rng().normal(size=60)), PerUser.of(rng(1).normal(size=60))
    alone = resample([a], rng(4), n_resamples=50)
    together = resample([b, a, a], rng(4), n_resamples=50)
    np.testing.assert_allclose(together[:, 1], alone[:, 0])
    np.testing.assert_allclose(together[:, 2], alone[:, 0])


def test_metrics_over_different_users_cannot_share_draws() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3\] users"):
        resample([PerUser.of(np.ones(2)), PerUser.of(np.ones(3))], rng())


def test_nothing_to_resample() -> None:
    assert resample([], rng(), n_resamples=7).shape == (7, 0)


def test_values_of_each_user() -> None:
    metric = PerUser(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 3.0]))
    np.testing.assert_array_equal(metric.values, [0.5, np.nan, 1.0])
    assert metric.known.tolist() == [True, False, True]
    assert (metric.mean, metric.n_users, len(metric)) == (0.8, 2, 3)


def test_an_interval_is_a_value() -> None:
    assert Interval(1.0, 0.5, 1.5, 3) == Interval(1.0, 0.5, 1.5, 3, 0.95)
