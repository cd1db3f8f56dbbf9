"""A small half year, lived once."""

import pytest

from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.half_year.config import HalfYearConfig
from recsys_pipeline.half_year.simulate import Settings, simulate
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.pipeline.weekly import WeeklyDoors
from recsys_pipeline.quality import PlainChecker
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.reports import MemoryReportStore
from recsys_pipeline.tracking import MemoryTracker

SETTINGS = Settings(MonitoringConfig(), GoalsConfig(), BusinessConfig())


def plain_doors(source, folder):
    store = FileReleaseStore(folder)
    return WeeklyDoors(source, PlainChecker(), MemoryTracker(), store, CheckLimits())


def no_progress(text):
    pass


class Lived:
    """A small half year, and what it left."""

    def __init__(self, folder, **changes):
        size = {"users": 400, "movies": 300, "weeks": 6, "before": 2, "control": 0.4}
        self.config = HalfYearConfig.model_validate({**size, **changes})
        self.reports = MemoryReportStore()
        self.weeks = []
        self.found = simulate(
            self.config,
            plain_doors,
            folder,
            self.reports,
            SETTINGS,
            no_progress,
            lambda number, lived, review: self.weeks.append((lived, review)),
        )


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    return Lived(tmp_path_factory.mktemp("half_year"))


@pytest.fixture(scope="session")
def shuffled(tmp_path_factory):
    return Lived(tmp_path_factory.mktemp("shuffled"), shuffled=True, weeks=5)
