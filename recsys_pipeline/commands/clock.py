"""The one place that reads the clock for the command line; the core gets time as an argument."""

import time
from datetime import UTC, datetime

import pandas as pd


def now() -> pd.Timestamp:
    """The time on the clock, in UTC."""
    return pd.Timestamp(datetime.now(UTC)).as_unit("us")  # noqa: TID251


def seconds() -> float:
    """The time on the clock, in seconds since 1970."""
    return time.time()  # noqa: TID251
