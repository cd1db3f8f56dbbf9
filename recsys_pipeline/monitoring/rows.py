"""The tidy rows of figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.rates import Rates

LEAST_USERS: Final = 20
"""Groups of fewer users are left out: they tell about persons, and nothing about groups."""

_TEXTS: Final = (names.METRIC, names.BY, names.GROUP)
_NAN: Final = float("nan")


def tidy(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame: texts ``str``, the number of users ``int64``, the rest ``float64``."""
    frame = pd.DataFrame(list(rows), columns=list(names.COLUMNS))
    dtypes = {
        name: "str" if name in _TEXTS else "int64" if name == names.N else "float64"
        for name in names.COLUMNS
    }
    return frame.astype(dtypes)


def rows_of(
    metric: str, by: str, groups: Sequence[str], rates: Rates, *, least_users: int = 1
) -> list[dict[str, Any]]:
    """One row for each group with a figure that rests on `least_users` users or more."""
    return [
        {
            names.METRIC: metric,
            names.BY: by,
            names.GROUP: group,
            names.VALUE: rates.value[place],
            names.LOW: rates.low[place],
            names.HIGH: rates.high[place],
            names.N: rates.n[place],
            names.BEFORE: rates.before[place],
            names.CHANGE: rates.change[place],
            names.CHANGE_LOW: rates.change_low[place],
            names.CHANGE_HIGH: rates.change_high[place],
        }
        for place, group in enumerate(groups)
        if rates.n[place] >= least_users and not np.isnan(rates.value[place])
    ]


def cannot_tell(metric: str, by: str = names.ALL, group: str = "") -> dict[str, Any]:
    """The row of a figure that the data cannot tell."""
    return count_row(metric, by, group, _NAN, _NAN, 0)


def count_row(
    metric: str, by: str, group: str, value: float, before: float, n: int
) -> dict[str, Any]:
    """The row of a plain count, which is what it is: without an interval."""
    return {
        **dict.fromkeys(names.COLUMNS, _NAN),
        names.METRIC: metric,
        names.BY: by,
        names.GROUP: group,
        names.VALUE: value,
        names.N: n,
        names.BEFORE: before,
        names.CHANGE: value - before,
    }
