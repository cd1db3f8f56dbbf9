"""Tests by the thousand on the same users: how often would an arm that does nothing be called?

Users are shared out anew for every test, as the hash would, and every test is looked at after each
week. All looks of all tests come from one product of matrices, since a comparison rests on sums
over users alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.experiments.comparing import (
    Comparison,
    Moments,
    compare,
    moments_from_sums,
)
from recsys_pipeline.experiments.participants import (
    WEEK,
    WEEKS_BEFORE,
    participants,
    rows_of,
    sums_of,
)

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_PAIRS: Final = tuple((row, column) for row in range(3) for column in range(row, 3))


@dataclass(frozen=True, slots=True)
class Looks:
    """Sums of n users at each look: float64 ``(n_looks, n_users)`` each.

    Attributes:
        taking: 1 from the look on at which the user takes part, else 0.
        y, m, x: numerator, denominator and covariate; 0 before.
    """

    taking: Float64Array
    y: Float64Array
    m: Float64Array
    x: Float64Array

    def features(self) -> Float64Array:
        """What is summed over users: ``(n_users, n_looks * 10)``."""
        values = (self.y, self.m, self.x)
        products = [values[row] * values[column] for row, column in _PAIRS]
        stacked = np.stack([self.taking, *values, *products], axis=1)
        n_users = self.taking.shape[1]
        return np.ascontiguousarray(stacked.reshape(-1, n_users).T)


def looks_of(user_weeks: pd.DataFrame, metric: str, start: pd.Timestamp) -> Looks:
    """What users do from `start` on, after each week, as if all of them took part.

    Args:
        user_weeks: rows of the USER_WEEKS contract, from before the start on.
        metric: one of `config.METRICS` whose columns are there.
        start: of the first week taken part.
    """
    rows = rows_of(user_weeks)
    since = int((start - rows.first) // WEEK)
    table = np.zeros((4, rows.last - since + 1, rows.n_users))
    for look in range(table.shape[1]):
        at = rows.between(since - WEEKS_BEFORE, since + look)
        sums = sums_of(
            metric, participants(at, np.zeros(len(at.week), dtype=np.int64), since=since)
        )
        table[:, look, sums.user] = np.stack([np.ones(len(sums.user)), sums.y, sums.m, sums.x])
    return Looks(*table)


def compare_all(
    control: Looks,
    arm: Looks,
    in_control: BoolArray,
    in_arm: BoolArray,
    spread: float,
    alpha: float,
) -> Comparison:
    """Every test at every look: arrays ``(n_tests, n_looks)``.

    Args:
        control, arm: what the users do in either; the same object for an arm that does nothing.
        in_control, in_arm: ``(n_tests, n_users)``, where each user is drawn into, if anywhere.
        spread, alpha: as of `comparing.compare`.
    """
    n_looks = control.taking.shape[0]
    first = in_control.astype(np.float64) @ control.features()
    second = in_arm.astype(np.float64) @ arm.features()
    return compare(_moments(first, n_looks), _moments(second, n_looks), spread, alpha)


def _moments(sums: Float64Array, n_looks: int) -> Moments:
    table = sums.reshape(len(sums), n_looks, 10)
    products = np.empty((*table.shape[:2], 3, 3))
    for place, (row, column) in enumerate(_PAIRS):
        products[..., row, column] = products[..., column, row] = table[..., 4 + place]
    return moments_from_sums(table[..., 0], table[..., 1:4], products)
