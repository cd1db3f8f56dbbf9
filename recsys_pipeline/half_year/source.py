"""The tables of a life: its first year, and the weeks lived so far."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation.life import Life
from recsys_pipeline.simulation.lived import LivedWeek
from recsys_pipeline.sources.base import Tables

_PLACE = "simulated life"
_SECOND = pd.Timedelta(1, unit="s")


class LifeSource:
    """A Source over a life that goes on while it is read.

    Args:
        life: the world; `read` shows what it is at the moment asked for.
    """

    def __init__(self, life: Life) -> None:
        self._life = life
        self._parts: list[pd.DataFrame] = [life.history()]

    def lived(self, week: LivedWeek) -> None:
        """Add a week that was lived."""
        self._parts.append(week.interactions())

    @property
    def description(self) -> str:
        """One line for people, with size and seed."""
        world = self._life.config.world
        return f"simulated life: {world.users:,} users, {world.movies:,} movies, seed {world.seed}"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`; None for none."""
        times = self._interactions()[n.TIMESTAMP]
        if not_after is not None:
            times = times[times <= not_after]
        newest: pd.Timestamp | None = None if times.empty else times.max()
        return newest

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """Users and movies at the end of the last week before `as_of`, and what happened so far.

        `source_row` counts rows from 1, as there is no header.
        """
        week = len(self._parts) - 1
        while as_of is not None and week and self._life.ends(week) > as_of + _SECOND:
            week -= 1
        return Tables(
            _placed(self._life.users(week)),
            _placed(self._life.movies(week)),
            _placed(_joined(self._parts[: week + 1])),
        )

    def fingerprint(self) -> str:
        """Changes with every week lived."""
        return f"{self.description}, {len(self._parts) - 1} weeks"

    def _interactions(self) -> pd.DataFrame:
        return _joined(self._parts)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    place = pd.Series(_PLACE, index=frame.index, dtype="str")
    return frame.assign(**{n.SOURCE_FILE: place, n.SOURCE_ROW: rows})
