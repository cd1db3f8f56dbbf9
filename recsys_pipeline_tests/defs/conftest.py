"""A small world in a temporary folder, with the fakes of every door."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from recsys_pipeline.defs import (
    WeekResult,
    evaluation_assets,
    monitored,
    promotion_assets,
    run_weekly,
)
from recsys_pipeline.defs.doors import Makers
from recsys_pipeline.pipeline import tracked
from recsys_pipeline.pipeline.config import LearningConfig, RecommendersConfig
from recsys_pipeline.quality.fake import PlainChecker
from recsys_pipeline.ranking.config import RankerConfig
from recsys_pipeline.reporting.document import Document
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.settings import Settings, SourceSettings
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource, Source, Tables
from recsys_pipeline.storage import MemoryReleaseStore
from recsys_pipeline.storage.online_door import Online
from recsys_pipeline.storage.reports import MemoryReportStore
from recsys_pipeline.tracking import MemoryTracker

AS_OF = pd.Timestamp("2023-12-31T12:00:00", tz="UTC").as_unit("us")
WEEK = "2023-12-25"
WORLD = WorldConfig(users=60, movies=40, interactions=900)


def small_settings(root: Path) -> Settings:
    """A world of 60 users, one recommender beside the baselines, and no ranker: a run is quick."""
    return Settings(
        root=root,
        source=SourceSettings(kind="simulated", simulated=WORLD),
        learning=LearningConfig(
            k=5,
            recommenders=RecommendersConfig(use=("item_knn",)),
            ranker=RankerConfig(kind="none", compare_forest=False),
        ),
    )


class ChangedSource:
    """A source whose tables go through `change`."""

    def __init__(self, source: Source, change: Callable[[Tables], Tables]) -> None:
        self._source, self.change = source, change
        self.now = source.fingerprint()

    @property
    def description(self) -> str:
        return self._source.description

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        return self._source.newest_event(not_after)

    def read(self, as_of: pd.Timestamp | None) -> Tables:
        return self.change(self._source.read(as_of))

    def fingerprint(self) -> str:
        return self.now


@dataclass
class Fakes:
    """The fakes of one installation, kept between runs."""

    tracker: MemoryTracker
    store: MemoryReleaseStore
    source: Source
    online: Online | None = None
    reports: MemoryReportStore = field(default_factory=MemoryReportStore)

    @property
    def makers(self) -> Makers:
        return Makers(
            checker=lambda _: PlainChecker(),
            tracker=lambda _: self.tracker,
            store=lambda _: self.store,
            source=lambda _: self.source,
            online=lambda _: nullcontext(self.online),
            reports=lambda _: self.reports,
        )


def untold(facts: WeeklyFacts) -> Document:
    """A report of which only the head is there: nothing is drawn."""
    checked = f"{len(facts.checks or ())} tables were checked"
    return Document("Weekly report", f"{facts.week}, {checked}", (), "")


def unchanged(tables: Tables) -> Tables:
    return tables


@dataclass(frozen=True)
class Installation:
    """A folder with settings and fakes."""

    settings: Settings
    fakes: Fakes

    def run(
        self,
        as_of: pd.Timestamp | None = AS_OF,
        *,
        pictures: bool = False,
        report: bool = False,
        **options,
    ) -> WeekResult:
        """`run_weekly` with the fakes; without `pictures` nothing is drawn, without `report` told.

        A report without pictures has empty ones.
        """
        with pytest.MonkeyPatch.context() as patch:
            if not pictures:
                patch.setattr(evaluation_assets, "figures_of", lambda *_: {})
                for module in (promotion_assets, tracked):
                    patch.setattr(module, "decision_figure", lambda _: Figure())
                patch.setattr(Figure, "savefig", lambda *_, **__: None)
            if not (pictures or report):
                patch.setattr(monitored, "weekly_report", untold)
            return run_weekly(self.settings, as_of, makers=self.fakes.makers, **options)

    def branch(self, root: Path) -> "Installation":
        """The same releases and versions in a folder of its own: what is done there stays there."""
        tracker = self.fakes.tracker
        store = MemoryReleaseStore(root / "scratch")
        store._shelf._files = dict(self.fakes.store._shelf._files)
        store._shelf._pointer = self.fakes.store._shelf._pointer
        fakes = Fakes(
            MemoryTracker(dict(tracker.runs), list(tracker.versions), dict(tracker.aliases)),
            store,
            self.fakes.source,
        )
        return Installation(self.settings.model_copy(update={"root": root}), fakes)

    def lists(self, week: str = WEEK) -> pd.DataFrame:
        """The lists of a week as they lie in the data folder."""
        return pd.read_parquet(self.settings.root / "data" / "assets" / "top_n" / f"{week}.parquet")


@pytest.fixture(scope="session")
def installed() -> Callable[
    [Path, WorldConfig, LearningConfig, Callable[[Tables], Tables]], Installation
]:
    """Makes an installation in a folder over a world whose tables go through a change."""

    def make(
        root: Path, world: WorldConfig, learning: LearningConfig, change: Callable[[Tables], Tables]
    ) -> Installation:
        source = ChangedSource(SimulatedSource(world), change)
        fakes = Fakes(MemoryTracker(), MemoryReleaseStore(root / "scratch"), source)
        settings = small_settings(root).model_copy(update={"learning": learning})
        return Installation(settings, fakes)

    return make


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Installation]:
    """Makes installations over the small world, whose tables go through `change`."""

    def make(name: str, change: Callable[[Tables], Tables] = unchanged) -> Installation:
        source = ChangedSource(SimulatedSource(WORLD), change)
        fakes = Fakes(MemoryTracker(), MemoryReleaseStore(tmp_path / name / "scratch"), source)
        (tmp_path / name).mkdir()
        return Installation(small_settings(tmp_path / name), fakes)

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return small_settings(tmp_path)


@pytest.fixture
def fakes(install: Callable[..., Installation]) -> Fakes:
    return install("installation").fakes
