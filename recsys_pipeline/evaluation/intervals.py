"""Confidence intervals by a bootstrap over users.

A user's events hang together, so whole users are drawn with replacement, all metrics with the
same draws: a difference between two recommenders is then paired. Intervals are percentile
intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from recsys_pipeline.evaluation.per_user import PerUser

Float64Array = npt.NDArray[np.float64]

LEVEL: Final = 0.95
N_RESAMPLES: Final = 1000

_DRAWS_AT_ONCE: Final = 500_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it may lie.

    Attributes:
        mean: the figure; NaN where no user has one.
        low, high: bounds; NaN with fewer than two users.
        n: users that it rests on.
        level: share of such intervals that hold the true figure (0 to 1).
    """

    mean: float
    low: float
    high: float
    n: int
    level: float = LEVEL


def resample(
    metrics: Sequence[PerUser], rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> Float64Array:
    """Figures of `metrics` over users drawn with replacement: ``(n_resamples, len(metrics))``.

    All metrics must be over the same users in the same order; every resample draws one set of
    users for all of them. NaN where no user drawn has a figure.

    Args:
        metrics: each over n users. An array that several metrics have alike is summed once.
        rng: draws ``n_resamples * n`` users.

    Raises:
        ValueError: the metrics are over different numbers of users.
    """
    if not metrics:
        return np.empty((n_resamples, 0))
    n_users = len(metrics[0])
    if any(len(metric) != n_users for metric in metrics):
        raise ValueError(f"metrics over {sorted({len(m) for m in metrics})} users")
    keys = [(m.numerator.tobytes(), m.denominator.tobytes()) for m in metrics]
    arrays = {
        key: array
        for metric, pair in zip(metrics, keys, strict=True)
        for key, array in zip(pair, (metric.numerator, metric.denominator), strict=True)
    }
    place = {key: column for column, key in enumerate(arrays)}
    table = np.column_stack(list(arrays.values()))
    # Flat products: more threads lose more by waiting for one another than they gain.
    with threadpool_limits(1, user_api="blas"):
        sums = _resampled_sums(table, rng, n_resamples)
    out = np.full((n_resamples, len(metrics)), np.nan)
    for column, (numerator, denominator) in enumerate(keys):
        by = sums[:, place[denominator]]
        np.divide(sums[:, place[numerator]], by, out=out[:, column], where=by > 0)
    return out


def _resampled_sums(
    table: Float64Array, rng: np.random.Generator, n_resamples: int
) -> Float64Array:
    """Column sums of `table` over rows drawn with replacement: ``(n_resamples, n_columns)``."""
    n_users = len(table)
    sums = np.zeros((n_resamples, table.shape[1]))
    if not n_users:
        return sums
    step = max(1, _DRAWS_AT_ONCE // n_users)
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.integers(n_users, size=(size, n_users), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * n_users
        times = np.bincount(drawn.ravel(), minlength=size * n_users).reshape(size, n_users)
        sums[start : start + size] = times.astype(np.float64) @ table
    return sums


def percentile_interval(
    mean: float, samples: Float64Array, n: int, level: float = LEVEL
) -> Interval:
    """The interval of a figure with resampled figures `samples`; NaN among them is left out."""
    known = samples[~np.isnan(samples)]
    if n < 2 or not len(known):
        return Interval(mean, float("nan"), float("nan"), n, level)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), n, level)


def figure_interval(
    metric: PerUser,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """The interval of ``Σ numerator / Σ denominator``."""
    samples = resample([metric], rng, n_resamples=n_resamples)[:, 0]
    return percentile_interval(metric.mean, samples, metric.n_users, level)


def mean_interval(
    values: Float64Array,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """The interval of the mean of one value per user; users with NaN are left out."""
    known = values[~np.isnan(values)]
    return figure_interval(PerUser.of(known), rng, level=level, n_resamples=n_resamples)


def paired_difference(
    a: Float64Array,
    b: Float64Array,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """The interval of the mean of a − b over the users that have a value in both.

    Args:
        a, b: float64 ``(n_users,)``, the same users in the same order, NaN where there is none.
    """
    return mean_interval(a - b, rng, level=level, n_resamples=n_resamples)


def difference_of_figures(
    a: PerUser,
    b: PerUser,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """The interval of a's figure less b's, over the same users in the same order.

    For pooled figures: each side has its own denominators, and a user may count in one only. For
    plain means over the same users it is `paired_difference`.
    """
    samples = resample([a, b], rng, n_resamples=n_resamples)
    n = int((a.known | b.known).sum())
    return percentile_interval(a.mean - b.mean, samples[:, 0] - samples[:, 1], n, level)
