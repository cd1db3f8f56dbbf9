"""Feedback loops: the same world twice, with lists that explore and without."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation.lists import gini
from recsys_pipeline.half_year.config import HalfYearConfig
from recsys_pipeline.half_year.source import LifeSource
from recsys_pipeline.half_year.weeks import HalfYear
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.figures import figures
from recsys_pipeline.pipeline.weekly import WeeklyDoors
from recsys_pipeline.reporting.facts import WATCHED
from recsys_pipeline.simulation.life import Life

WORLD: Final = "world"
WITH: Final = "with exploration"
WITHOUT: Final = "without exploration"
_FIGURES: Final = (names.CONCENTRATION, names.COVERAGE, names.DIVERSITY)


def feedback_loops(
    config: HalfYearConfig,
    doors: Callable[[LifeSource, Path], WeeklyDoors],
    monitoring: MonitoringConfig,
) -> pd.DataFrame:
    """How concentrated and how varied what is shown becomes, week after week.

    Everybody gets personal lists from the first week on, and the next ones are learned from what
    came of them. Nothing else than exploration differs between the two worlds.

    Args:
        config: how large these worlds are, and how much one of them explores.
        doors: opens the weekly job over a life, its releases in a folder.
        monitoring: how what happens is counted.

    Returns:
        one row per world, metric and week: world, metric, week (from 1), value.
    """
    rows = []
    for world, slots in ((WITH, config.exploration), (WITHOUT, 0)):
        own = config.model_copy(
            update={"users": config.loop_users, "exploration": slots, "before": 0, "holdout": 0.0}
        )
        life = Life(own.life)
        source = LifeSource(life)
        with TemporaryDirectory() as folder:
            half_year = HalfYear(own, life, source, doors(source, Path(folder)), monitoring)
            for number in range(1, config.weeks + 1):
                lived = half_year.live(number, _quiet)
                lived.week.run.finish()
                found = figures(
                    lived.online,
                    None,
                    movies=life.movies(number),
                    users=life.users(number),
                    config=monitoring,
                )
                rows += _rows(found, world, number)
                watched = source.read().interactions[n.MOVIE_ID].to_numpy()
                rows.append(
                    {
                        WORLD: world,
                        names.METRIC: WATCHED,
                        n.WEEK: number,
                        names.VALUE: gini(watched[:, None] - 1, len(life.movies(number))),
                    }
                )
    return pd.DataFrame(rows)


def _quiet(text: str) -> None:
    """Nobody is told the steps of a week."""


def _rows(found: pd.DataFrame, world: str, number: int) -> list[dict[str, object]]:
    everybody = found[(found[names.BY] == names.ALL) & found[names.METRIC].isin(_FIGURES)]
    return [
        {WORLD: world, names.METRIC: metric, n.WEEK: number, names.VALUE: value}
        for metric, value in zip(everybody[names.METRIC], everybody[names.VALUE], strict=True)
    ]
