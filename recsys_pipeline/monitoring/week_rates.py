"""The online figures of a week that later weeks are compared with."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.monitoring import names

_HALF_WIDTHS: Final = 2 * 1.96
"""Standard errors in the width of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure of what happened online.

    Attributes:
        value: the figure.
        error: its standard error; 0 where no spread between users is seen.
        n: users who have a part in it; 0 where that was not kept.
    """

    value: float
    error: float
    n: int = 0


def rates_of(figures: pd.DataFrame) -> dict[str, Rate]:
    """The figures of all users, by metric; those that cannot be told are left out.

    Args:
        figures: tidy, see `figures.figures`. The error is taken from the width of the interval.
    """
    everybody = figures[(figures[names.BY] == names.ALL).to_numpy(dtype=bool)]
    value = everybody[names.VALUE].to_numpy(dtype=np.float64)
    width = (everybody[names.HIGH] - everybody[names.LOW]).to_numpy(dtype=np.float64)
    error = np.nan_to_num(width) / _HALF_WIDTHS
    people = everybody[names.N].to_numpy(dtype=np.int64)
    return {
        str(metric): Rate(float(value[at]), float(error[at]), int(people[at]))
        for at, metric in enumerate(everybody[names.METRIC])
        if np.isfinite(value[at])
    }
