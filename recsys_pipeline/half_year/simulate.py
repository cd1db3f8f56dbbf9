"""The whole half year: every week a release, what people made of it, and what is said of that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.half_year.config import EXPERIMENT, HalfYearConfig
from recsys_pipeline.half_year.record import Record
from recsys_pipeline.half_year.source import LifeSource
from recsys_pipeline.half_year.weeks import HalfYear, Lived, Progress
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.costs import MonthlyCost, monthly_cost
from recsys_pipeline.monitoring.logged import logged
from recsys_pipeline.pipeline.experimenting import NOTHING
from recsys_pipeline.pipeline.online_week import Experiments, Known, Review, Seen, review
from recsys_pipeline.pipeline.protocols import CheckReport, Manifest
from recsys_pipeline.pipeline.reports import ReportStore
from recsys_pipeline.pipeline.weekly import WeeklyDoors
from recsys_pipeline.pipeline.worth import Worth, worth
from recsys_pipeline.simulation.life import Life

_WORTH: Final = 78


@dataclass(frozen=True)
class Settings:
    """What decides how the weeks are counted and judged, beside what is simulated."""

    monitoring: MonitoringConfig
    goals: GoalsConfig
    business: BusinessConfig


@dataclass(frozen=True)
class Simulated:
    """What came of it.

    Attributes:
        record: the weeks.
        last: what is said of the last one.
        worth: the business figures at its end.
        manifests: the releases in service, one per week, oldest first.
        checks: what they found in the last week's tables.
        quarantined: rows set aside in that week, by table.
        week: ISO day on which the last week ended.
    """

    record: Record
    last: Review
    worth: Worth
    manifests: tuple[Manifest, ...]
    checks: tuple[CheckReport, ...]
    quarantined: Mapping[str, int]
    week: str

    @property
    def experiment(self) -> ExperimentResult | None:
        """Personal lists against popular ones, at the last week."""
        for each in self.last.experiments:
            if each.name == EXPERIMENT:
                return each
        return None


def simulate(
    config: HalfYearConfig,
    doors: Callable[[LifeSource, Path], WeeklyDoors],
    folder: Path,
    reports: ReportStore,
    settings: Settings,
    progress: Progress,
    week_done: Callable[[int, Lived, Review], None],
) -> Simulated:
    """Live `config.weeks` weeks.

    Args:
        config: what is simulated.
        doors: opens the weekly job over a life, its releases in a folder.
        folder: where releases lie.
        reports: where the figures of each week are kept.
        settings: how weeks are counted and judged.
        progress: is told each step, one line.
        week_done: is told each week.

    Raises:
        RecsysError: whatever a week raises.
    """
    life = Life(config.life)
    source = LifeSource(life)
    half_year = HalfYear(config, life, source, doors(source, folder), settings.monitoring)
    record = Record(config.before, settings.monitoring.churn_days)
    manifests: list[Manifest] = []
    experiments = config.experiments(half_year.starts)
    value: Worth | None = None
    found: Review | None = None
    for number in range(1, config.weeks + 1):
        here = life.present()
        lived = half_year.live(number, progress)
        plan = half_year.plan(number)
        known = Known(
            life.users(number),
            life.movies(number),
            source.read().interactions,
            lived.week.made.lists,
        )
        seen = Seen(lived.online.start, lived.online.impressions, lived.online.actions)
        found = review(
            seen,
            known,
            record.past,
            Experiments(experiments, NOTHING, plan),
            settings.monitoring,
            settings.goals.availability,
        )
        record.add(number, found, lived.lists.labels.arm, here, lived.left)
        if lived.week.in_service is not None:
            manifests.append(lived.week.in_service)
        value = worth(
            found.figures,
            pd.concat(record.history, ignore_index=True),
            found.experiments,
            found.online.user_weeks,
            manifests,
            users=int(life.present().sum()),
            cost=_cost(folder, settings.business),
            experiments=experiments,
            declared=experiments.declared,
            targets=settings.goals,
            business=settings.business,
            rng=np.random.default_rng([config.seed, _WORTH]),
            churn_days=settings.monitoring.churn_days,
        )
        reports.put(f"{found.online.end:%Y-%m-%d}", {**found.files(), **value.files()})
        lived.week.run.log_metrics(logged(found.figures))
        lived.week.run.finish()
        week_done(number, lived, found)
    assert found is not None
    assert value is not None
    return Simulated(
        record,
        found,
        value,
        tuple(manifests),
        lived.week.reports,
        lived.week.quarantined,
        f"{found.online.end:%Y-%m-%d}",
    )


def _cost(folder: Path, business: BusinessConfig) -> MonthlyCost:
    """Servers at the prices of the settings, and what the releases take.

    The processor time of the weekly run, a few cents a month, is left out: it would differ from
    machine to machine, and the same seed gives the same figures.
    """
    prices = business.prices
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return monthly_cost(
        core_seconds=0.0,
        stored_bytes=float(stored),
        servers=prices.servers,
        cores_per_server=prices.cores_per_server,
        core_hour=prices.core_hour,
        gigabyte_month=prices.gigabyte_month,
        fixed=prices.fixed_per_month,
    )
