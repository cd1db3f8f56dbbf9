"""Three small worlds beside the half year: with exploration, without, and with lists shuffled."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd

from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.half_year.config import HalfYearConfig
from recsys_pipeline.half_year.loops import feedback_loops
from recsys_pipeline.half_year.simulate import Settings, simulate
from recsys_pipeline.half_year.source import LifeSource
from recsys_pipeline.half_year.weeks import Lived
from recsys_pipeline.pipeline.online_week import Review
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.pipeline.weekly import WeeklyDoors
from recsys_pipeline.quality import PlainChecker
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.reports import MemoryReportStore
from recsys_pipeline.tracking import MemoryTracker

_SHUFFLED_WEEKS: Final = 12
"""Enough to see that lists of others do not help."""


@dataclass(frozen=True)
class Worlds:
    """What came of them.

    Attributes:
        loops: of `feedback_loops`.
        shuffled: personal lists, each handed to somebody else, against popular ones.
    """

    loops: pd.DataFrame
    shuffled: ExperimentResult | None


def small_worlds(config: HalfYearConfig, settings: Settings, limits: CheckLimits) -> Worlds:
    """Live them; nothing is tracked or kept.

    Args:
        config: of the half year, which says how small they are.
        settings: how weeks are counted and judged.
        limits: how much may be wrong with the tables.
    """

    def doors(source: LifeSource, folder: Path) -> WeeklyDoors:
        store = FileReleaseStore(folder)
        return WeeklyDoors(source, PlainChecker(), MemoryTracker(), store, limits)

    loops = feedback_loops(config, doors, settings.monitoring)
    own = config.model_copy(
        update={
            "users": config.loop_users,
            "weeks": min(config.weeks, _SHUFFLED_WEEKS),
            "shuffled": True,
        }
    )
    with TemporaryDirectory() as folder:
        path, reports = Path(folder), MemoryReportStore()
        found = simulate(own, doors, path, reports, settings, _no_step, _no_week)
    return Worlds(loops, found.experiment)


def _no_step(text: str) -> None:
    """Nobody watches the steps."""


def _no_week(number: int, lived: Lived, found: Review) -> None:
    """Nobody watches the weeks."""
