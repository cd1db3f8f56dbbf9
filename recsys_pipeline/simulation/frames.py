"""Arrays of the world as tables in the dtypes of their contracts."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from recsys_pipeline.contracts import PANDAS_DTYPES, Contract
from recsys_pipeline.simulation.rule import GENRES

IntArray = npt.NDArray[np.integer[Any]]

NEVER = np.iinfo(np.int64).min
"""As a second: no moment at all; `times` leaves it missing."""


def table(contract: Contract, columns: dict[str, Any], *, copy: bool = True) -> pd.DataFrame:
    """The frame of `columns`, in the dtypes of the contract; ids stay int64.

    Without `copy` the frame takes the arrays over, and nobody else may hold them.
    """
    series = {}
    for name, values in columns.items():
        dtype = PANDAS_DTYPES.get(contract.column(name).kind)
        series[name] = pd.Series(values, dtype=dtype, copy=copy)
    return pd.DataFrame(series, copy=copy)


def ids(size: int) -> npt.NDArray[np.int64]:
    """The ids of the rows 0 to `size` − 1: int64, one more than the row."""
    return np.arange(1, size + 1, dtype=np.int64)


def times(second: npt.NDArray[np.int64]) -> pd.Series:
    """Moments in UTC, from seconds since 1970; `NEVER` is missing."""
    moments = second.astype("datetime64[s]")
    return pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC")


def genre_lists(places: npt.NDArray[np.int8]) -> pd.Series:
    """Lists of genre names from places in `GENRES`, shape ``(n, length of each list)``."""
    size, length = places.shape
    values = pa.DictionaryArray.from_arrays(places.ravel(), list(GENRES)).cast(pa.string())
    offsets = pa.array(np.arange(size + 1, dtype=np.int32) * np.int32(length))
    lists = pa.ListArray.from_arrays(offsets, values)
    return pd.Series(pd.arrays.ArrowExtensionArray(lists))


def checked_rows(rows: IntArray, size: int) -> IntArray:
    """`rows`, all of which are in a table of that size.

    Raises:
        IndexError: one is not.
    """
    rows = np.asarray(rows)
    if rows.size and (rows.min() < 0 or rows.max() >= size):
        raise IndexError(
            f"rows {rows.min()} to {rows.max()} are asked for; the table has rows 0 to {size - 1}"
        )
    return rows
