"""Paired tests between any two recommenders, corrected for how many there are."""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.intervals import (
    N_RESAMPLES,
    Float64Array,
    percentile_interval,
    resample,
)
from recsys_pipeline.evaluation.per_user import PerUser

N_PERMUTATIONS: Final = 4999
LEVEL_OF_SIGNIFICANCE: Final = 0.05

_DRAWS_AT_ONCE: Final = 3_000_000
_ROUNDING: Final = 1e-9
"""Sums of the same numbers in another order may differ by about this share."""


def pairwise_tests(
    evaluations: Mapping[str, Evaluation],
    metric: str,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
    n_permutations: int = N_PERMUTATIONS,
) -> pd.DataFrame:
    """Whether any two recommenders differ by `metric`.

    The interval is that of the bootstrap over users; p is that of a paired permutation test; and
    p_corrected is p by Holm's procedure over all pairs tested, so that the chance of even one false
    alarm among them stays at the level.

    Args:
        evaluations: by name of the recommender, all over the same users.
        metric: name of a metric; recommenders without it are left out.
        rng: draws the users of the bootstrap, then the permutations, the same for all pairs.
        n_resamples: draws of the bootstrap.
        n_permutations: draws of the permutation test; p is at least ``1 / (1 + n_permutations)``.

    Returns:
        one row per pair, in the order given: a, b, metric, difference (a less b), low, high, p,
        p_corrected, n_users. Where one has no figure all but the names are NaN.

    Raises:
        ValueError: the recommenders were judged on different users.
    """
    found = {name: e.per_user[metric] for name, e in evaluations.items() if metric in e.per_user}
    users = [evaluations[name].users for name in found]
    if any(not np.array_equal(each, users[0]) for each in users):
        raise ValueError(f"{', '.join(found)} were judged on different users")
    figures = list(found.values())
    samples = resample(figures, rng, n_resamples=n_resamples)
    p_values = permutation_p_values(figures, rng, n_permutations=n_permutations)
    rows = []
    for i, j in combinations(range(len(figures)), 2):
        a, b = figures[i], figures[j]
        n_users = int((a.known | b.known).sum())
        interval = percentile_interval(a.mean - b.mean, samples[:, i] - samples[:, j], n_users)
        rows.append((interval.mean, interval.low, interval.high, p_values[i, j], n_users))
    pairs = list(combinations(found, 2))
    means, lows, highs, p, n_users_of = ([row[place] for row in rows] for place in range(5))
    return pd.DataFrame(
        {
            names.FIRST: pd.Series([a for a, _ in pairs], dtype="str"),
            names.SECOND: pd.Series([b for _, b in pairs], dtype="str"),
            names.METRIC: pd.Series([metric] * len(pairs), dtype="str"),
            names.DIFFERENCE_OF_PAIR: np.array(means, dtype=np.float64),
            names.LOW: np.array(lows, dtype=np.float64),
            names.HIGH: np.array(highs, dtype=np.float64),
            names.P_VALUE: np.array(p, dtype=np.float64),
            names.P_CORRECTED: holm(np.array(p, dtype=np.float64)),
            names.N_USERS: np.array(n_users_of, dtype=np.int64),
        }
    )


def permutation_p_values(
    figures: list[PerUser], rng: np.random.Generator, *, n_permutations: int = N_PERMUTATIONS
) -> Float64Array:
    """Two-sided p-values of a paired permutation test: ``(len(figures), len(figures))``.

    If two recommenders are equally good, it does not matter whose figures of a user are whose: each
    permutation swaps them for a random half of the users, and p is the share of permutations
    whose difference is at least as far from 0 as the one observed, which counts as one of them.
    For a mean of one value per user that is the sign-flip test of the differences; pooled figures
    swap numerator and denominator together. NaN where one has no figure.

    Source: Fisher, The Design of Experiments, 1935, section 21; Phipson and Smyth, Permutation
    p-values should never be zero, Stat. Appl. Genet. Mol. Biol. 9(1), 2010.

    Args:
        figures: each over the same n users in the same order.
        rng: draws ``n_permutations * n`` bits.
    """
    out = np.full((len(figures), len(figures)), np.nan)
    if not figures:
        return out
    table = np.column_stack(
        [each.numerator for each in figures] + [each.denominator for each in figures]
    )
    total, swapped = table.sum(axis=0), _sums_of_random_halves(table, rng, n_permutations)
    m = len(figures)

    def permuted(i: int, j: int) -> Float64Array:
        """The figure of i where the users swapped have that of j."""
        value = total[i] - swapped[:, i] + swapped[:, j]
        by = total[m + i] - swapped[:, m + i] + swapped[:, m + j]
        # Infinite, so as far from the other as can be, where nothing is left to divide by.
        out = np.full(n_permutations, np.inf)
        ratio: Float64Array = np.divide(value, by, out=out, where=by > _ROUNDING * total[m + i])
        return ratio

    for i, j in combinations(range(m), 2):
        if total[m + i] > 0 and total[m + j] > 0:
            observed = abs(figures[i].mean - figures[j].mean)
            differences = np.abs(permuted(i, j) - permuted(j, i))
            as_far = differences >= observed - _ROUNDING * max(1.0, observed)
            out[i, j] = out[j, i] = (1 + as_far.sum()) / (1 + n_permutations)
    return out


def _sums_of_random_halves(
    table: Float64Array, rng: np.random.Generator, n_draws: int
) -> Float64Array:
    """Column sums of `table` over rows that are each in with chance one half."""
    n_users = len(table)
    sums = np.zeros((n_draws, table.shape[1]))
    if not n_users:
        return sums
    step = max(1, _DRAWS_AT_ONCE // n_users)
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, n_draws, step):
            size = min(step, n_draws - start)
            bits = np.frombuffer(rng.bytes(-(-size * n_users // 8)), dtype=np.uint8)
            inside = np.unpackbits(bits, count=size * n_users).reshape(size, n_users)
            sums[start : start + size] = inside.astype(np.float64) @ table
    return sums


def holm(p_values: npt.NDArray[np.float64]) -> Float64Array:
    """p-values corrected for how many there are, so that they can be held against one level.

    Step-down: the smallest of m is multiplied by m, the next by m − 1, and so on; none is below a
    smaller one's, and none above 1. NaN stays and does not count.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6(2), 1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return corrected
