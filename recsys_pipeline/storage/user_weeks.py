"""What users did online, week by week, as the weekly runs left it between the steps."""

from collections.abc import Callable
from typing import Final

import pandas as pd
from upath import UPath

from recsys_pipeline.contracts import PANDAS_DTYPES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import USER_WEEKS
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.errors import StorageError

ONLINE_ACTIVITY: Final = "online_activity"
"""The asset that holds a week's rows of `USER_WEEKS`."""
MOST_WEEKS: Final = 60
"""Weeks that are read at most: a year, and what came before an experiment of that length."""

_WEEK: Final = pd.Timedelta(days=7)


def stored_user_weeks(
    base: UPath,
    before: pd.Timestamp | None = None,
    tell: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """The rows of all stored weeks, oldest first.

    Weeks that overlap count once: where the schedule runs more often than weekly, only every
    seventh day's file is taken, counted back from the newest. Where the schedule moved to another
    day of the week, the weeks before that are not taken.

    Args:
        base: the folder or URL above the assets' folders.
        before: only weeks that start earlier; None for all.
        tell: is told, in a line, how many weeks do not count as the schedule moved.

    Returns:
        Columns of `USER_WEEKS`; without rows where there are none.

    Raises:
        StorageError: a file cannot be read.
    """
    folder = base / ONLINE_ACTIVITY
    paths = sorted(folder.glob("*.parquet"), key=lambda path: path.name) if folder.exists() else []
    kept: list[pd.DataFrame] = []
    last: pd.Timestamp | None = before
    other: list[pd.Timestamp] = []
    for path in reversed(paths):
        frame = _read(path)
        if frame.empty:
            continue
        start = frame[n.WEEK].iloc[0]
        if last is None or _fits(start, last):
            kept.append(frame)
            last = start
        elif start < last:
            other.append(start)
        if len(kept) == MOST_WEEKS:
            break
    # Of a schedule of every day the others overlap with one that is kept.
    lost = [start for start in other if last is not None and start <= last - _WEEK]
    if lost and tell is not None:
        tell(
            f"{len(lost)} stored weeks up to {max(lost):%Y-%m-%d} begin on another day of the week "
            "than the schedule's now: experiments do not count them."
        )
    return pd.concat(kept[::-1], ignore_index=True) if kept else no_user_weeks()


def no_user_weeks() -> pd.DataFrame:
    """No row of `USER_WEEKS`; ids are texts."""
    return pd.DataFrame(
        {
            column.name: pd.Series([], dtype=PANDAS_DTYPES.get(column.kind, "str"))
            for column in USER_WEEKS.columns
        }
    )


def _fits(start: pd.Timestamp, last: pd.Timestamp) -> bool:
    return bool(start < last and (last - start) % _WEEK == pd.Timedelta(0))


def _read(path: UPath) -> pd.DataFrame:
    try:
        with path.open("rb") as file:
            return read_frame(file)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path} cannot be read: {error}.",
            "Remove it, or make that week's assets again in Dagster.",
        ) from error
