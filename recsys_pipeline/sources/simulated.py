"""Tables from the simulated streaming world."""

import hashlib

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import World, WorldConfig
from recsys_pipeline.sources.base import Tables

_PLACE = "simulated world"


class SimulatedSource:
    """A Source that generates its rows: one fixed world that goes on week after week.

    Args:
        config: the size, the seed and the calendar of the world.
    """

    def __init__(self, config: WorldConfig) -> None:
        self._config = config
        self._world = World(config)

    @property
    def description(self) -> str:
        """One line for people, with size and seed."""
        config = self._config
        return (
            f"simulated world: {config.users:,} users, {config.movies:,} movies, "
            f"{config.interactions:,} interactions in the first year, seed {config.seed}"
        )

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`; None before the start.

        Left out, it is the end of the weeks that the settings let the world live.
        """
        return self._world.newest_event(not_after)

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """All users and movies, and the interactions up to `as_of`.

        `source_row` counts rows from 1, as there is no header.
        """
        return Tables(
            _placed(self._world.users()),
            _placed(self._world.movies()),
            _placed(self._world.interactions(as_of)),
        )

    def fingerprint(self) -> str:
        """Sixteen digits that change with the settings of the world."""
        return hashlib.sha256(self._config.model_dump_json().encode()).hexdigest()[:16]


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    place = pd.Series(_PLACE, index=frame.index, dtype="str")
    return frame.assign(**{n.SOURCE_FILE: place, n.SOURCE_ROW: rows})
