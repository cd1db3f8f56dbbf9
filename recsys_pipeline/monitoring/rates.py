"""Pooled ratios of groups with intervals that take whole users as units, and their changes.

A user's events hang together, so the spread is that between users. A ratio ``R = Σ y / Σ x`` over
users is linearised (the delta method): each user stands for ``(y − R x) / Σ x``, and the variance
is ``n / (n − 1)`` times the sum of their squares over the n users of the group. The change from one
week to the next is linearised alike, user by user over both weeks, so that a user who is in both
counts with what they have in common.

Source: Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018; Särndal,
Swensson and Wretman, Model assisted survey sampling, 1992, section 5.6.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

from recsys_pipeline.evaluation.intervals import LEVEL

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_CELLS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True)
class Parts:
    """What a ratio is made of: rows of a user in a group, as many as there are.

    Attributes:
        user: int64, number of the user, alike in all parts that are compared.
        group: int64, number of the group; a row of −1 counts nowhere.
        y, x: float64, what is added to numerator and denominator; x ≥ 0.
    """

    user: Int64Array
    group: Int64Array
    y: Float64Array
    x: Float64Array


@dataclass(frozen=True)
class Rates:
    """The ratios of some groups, each attribute ``(n_groups,)``.

    Attributes:
        value: the ratio; NaN where nothing is in the denominator.
        low, high: its 95 % interval; NaN where it cannot be told.
        n: users who have a part in the denominator.
        before: the ratio of the week before; NaN where there is none.
        change, change_low, change_high: value − before and its interval.
    """

    value: Float64Array
    low: Float64Array
    high: Float64Array
    n: Int64Array
    before: Float64Array
    change: Float64Array
    change_low: Float64Array
    change_high: Float64Array


def rates(
    now: Parts, before: Parts | None, n_users: int, n_groups: int, *, share: bool = False
) -> Rates:
    """The ratio of every group now, and how it changed.

    Args:
        now, before: of this week and of the week before, or None.
        n_users: users numbered below that.
        n_groups: groups numbered below that, alike in both.
        share: whether the ratio lies between 0 and 1. Intervals then end there; where it is 0 or 1
            and no spread is seen, the interval is Wilson's with each user as one trial, which is
            wider than the truth.
    """
    columns = [np.full(n_groups, np.nan) for _ in range(8)]
    step = max(1, _CELLS_AT_ONCE // max(n_users, 1))
    for start in range(0, n_groups, step):
        size = min(step, n_groups - start)
        ours = _Linear.of(now, start, size, n_users)
        past = None if before is None else _Linear.of(before, start, size, n_users)
        for column, part in zip(columns, _rates(ours, past, share), strict=True):
            column[start : start + size] = part
    value, low, high, n, *changes = columns
    return Rates(value, low, high, n.astype(np.int64), *changes)


def half_width(variance: Float64Array, n: Float64Array, level: float = LEVEL) -> Float64Array:
    """Half of an interval, by Student's t with n − 1 degrees of freedom; NaN below two units."""
    out = np.full(len(variance), np.nan)
    known = (n > 1) & (variance > 0)
    out[known] = t.ppf((1 + level) / 2, n[known] - 1) * np.sqrt(variance[known])
    return out


@dataclass(frozen=True)
class _Linear:
    """Ratios and, for each user, what they add to them: ``(n_groups, n_users)``."""

    ratio: Float64Array
    residual: Float64Array
    there: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Parts, start: int, size: int, n_users: int) -> "_Linear":
        inside = (parts.group >= start) & (parts.group < start + size)
        cell = (parts.group[inside] - start) * n_users + parts.user[inside]
        y, x = (
            np.bincount(cell, weights=each[inside], minlength=size * n_users).reshape(size, n_users)
            for each in (parts.y, parts.x)
        )
        total = x.sum(axis=1)
        ratio = np.full(size, np.nan)
        np.divide(y.sum(axis=1), total, out=ratio, where=total > 0)
        residual = y - ratio[:, None] * x
        residual /= np.where(total > 0, total, np.nan)[:, None]
        return cls(ratio, residual, x > 0)


def _rates(now: _Linear, before: _Linear | None, share: bool) -> tuple[Float64Array, ...]:
    n = now.there.sum(axis=1).astype(np.float64)
    half = half_width(_variance(now.residual, n), n)
    low, high = now.ratio - half, now.ratio + half
    if share:
        flat = np.isnan(half) & (n > 0)
        low[flat], high[flat] = _wilson(now.ratio[flat], n[flat])
        high = np.minimum(high, 1.0)
    low = np.maximum(low, 0.0)
    if before is None:
        none = np.full(len(n), np.nan)
        return now.ratio, low, high, n, none, none, none, none
    change = now.ratio - before.ratio
    both = (now.there | before.there).sum(axis=1).astype(np.float64)
    half = half_width(_variance(now.residual - before.residual, both), both)
    return now.ratio, low, high, n, before.ratio, change, change - half, change + half


def _variance(residual: Float64Array, n: Float64Array) -> Float64Array:
    squares = np.einsum("gu,gu->g", residual, residual)
    out = np.full(len(n), np.nan)
    np.divide(n * squares, n - 1, out=out, where=n > 1)
    return out


def _wilson(ratio: Float64Array, n: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Wilson's interval of shares of which nobody's differs, with users as trials."""
    square = float(norm.ppf((1 + LEVEL) / 2)) ** 2
    centre = (ratio + square / (2 * n)) / (1 + square / n)
    half = np.sqrt(square * ratio * (1 - ratio) / n + (square / (2 * n)) ** 2) / (1 + square / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
