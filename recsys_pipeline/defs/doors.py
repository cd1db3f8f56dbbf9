"""Doors: what the assets of one run need of the outside, opened when first used."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import dagster as dg
import pandas as pd

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.defs.io import remove_unfinished
from recsys_pipeline.defs.options import RunOptions
from recsys_pipeline.defs.partitions import as_of_week, weeks
from recsys_pipeline.defs.resuming import resume_erasures
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.load import moment_of
from recsys_pipeline.pipeline.privacy import Privacy
from recsys_pipeline.pipeline.privacy_gone import NOBODY, Gone
from recsys_pipeline.pipeline.protocols import Checker, ReleaseStore, TrackedRun, Tracker
from recsys_pipeline.pipeline.releasing import Inputs
from recsys_pipeline.pipeline.reports import ReportStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.sources import Source
from recsys_pipeline.storage.folders import docs_folder, lock_file
from recsys_pipeline.storage.online_door import Online, opened_online
from recsys_pipeline.storage.reports import FileReportStore
from recsys_pipeline.storage.run_lock import run_lock
from recsys_pipeline.storage.sources import build_source

DOORS = "recsys_doors"
OPTIONS = "recsys_options"

_PARTITION_TAG = "dagster/partition"


class RunTracker(Tracker, Protocol):
    """A tracker that can tidy up after runs whose process died."""

    def close_abandoned(self, key: str) -> int:
        """Mark the runs that still look alive, those of `key` aside; returns how many."""
        ...


def _privacy(settings: Settings, store: ReleaseStore) -> AbstractContextManager[Privacy | None]:
    from recsys_pipeline.storage.privacy_door import opened_privacy

    return opened_privacy(settings, store)


def _reports(settings: Settings) -> ReportStore:
    return FileReportStore(settings.data / "reports")


@dataclass(frozen=True)
class Makers:
    """How each door is made from the settings; tests put fakes here."""

    checker: Callable[[Settings], Checker]
    tracker: Callable[[Settings], RunTracker]
    store: Callable[[Settings], ReleaseStore]
    source: Callable[[Settings], Source] = build_source
    privacy: Callable[[Settings, ReleaseStore], AbstractContextManager[Privacy | None]] = _privacy
    online: Callable[[Settings], AbstractContextManager[Online | None]] = opened_online
    reports: Callable[[Settings], ReportStore] = _reports


def _checker(settings: Settings) -> Checker:
    from recsys_pipeline.quality import GreatExpectationsChecker

    return GreatExpectationsChecker(docs_folder(settings))


def _tracker(settings: Settings) -> RunTracker:
    from recsys_pipeline.tracking import MlflowTracker

    tracking = settings.tracking
    return MlflowTracker(settings.mlruns, tracking.experiment, tracking.model, tracking.uri)


def _store(settings: Settings) -> ReleaseStore:
    from recsys_pipeline.storage import FileReleaseStore

    return FileReleaseStore(settings.data / "releases")


REAL = Makers(_checker, _tracker, _store)
"""Great Expectations, MLflow, and releases in the data folder."""


@dataclass(frozen=True)
class Doors:
    """The settings of one run and its way to source, checker, tracker and releases.

    Attributes:
        settings: with the learning settings of the run's options.
        makers: how the doors are made.
        options: of the run.
        run_id: of the Dagster run.
        first_run: the Dagster run that this one is a retry of, or its own id.
        week: the partition, or None outside a partition.
        started: ISO time at which the Dagster run was made, or empty.
        privacy: people's data; None where nobody was erased and nothing has come in.
        gone: who was erased before the run began.
        online: what happened online; None where nothing has.
    """

    settings: Settings
    makers: Makers
    options: RunOptions
    run_id: str
    first_run: str
    week: str | None
    started: str = ""
    privacy: Privacy | None = None
    gone: Gone = NOBODY
    online: Online | None = None

    @property
    def learning(self) -> LearningConfig:
        return self.settings.learning

    @cached_property
    def key(self) -> str:
        """The run's identity for the tracker: a retry with equal settings logs to the same run."""
        what = f"{self.as_of} {self.options.sample} {self.settings.learning_fingerprint}"
        return f"{self.first_run}-{sha256(what.encode()).hexdigest()[:8]}"

    @cached_property
    def as_of(self) -> pd.Timestamp | None:
        """The moment that the run looks from.

        That of the options; else the end of the week; of the week in progress, the newest event
        so far. None where the data have no time.
        """
        if self.options.moment is not None:
            return self.options.moment
        if self.week is None:
            return self.source.newest_event()
        partitions = weeks(self.settings)
        end = as_of_week(self.week, partitions)
        if self.week == partitions.get_last_partition_key():
            return moment_of(self.source, end)
        return end

    @cached_property
    def source(self) -> Source:
        return self.makers.source(self.settings)

    @cached_property
    def checker(self) -> Checker:
        return self.makers.checker(self.settings)

    @cached_property
    def tracker(self) -> RunTracker:
        return self.makers.tracker(self.settings)

    @cached_property
    def store(self) -> ReleaseStore:
        return self.makers.store(self.settings)

    @cached_property
    def reports(self) -> ReportStore:
        return self.makers.reports(self.settings)

    @property
    def today(self) -> date:
        """The day on which the run was made, UTC: experiments go by it, as servers do."""
        if self.started:
            return pd.Timestamp(self.started).date()
        return (self.as_of or pd.Timestamp(0)).date()

    @cached_property
    def run(self) -> TrackedRun:
        """The tracker's parent run of this Dagster run."""
        if self.settings.tracking.uri is None:
            # This run holds the lock of the folder, so whatever else looks alive is not.
            self.tracker.close_abandoned(self.key)
        return self.tracker.run(self.key, self.week or self.key[:8], {"dagster_run": self.run_id})

    def inputs(self, tables: dict[str, pd.DataFrame]) -> Inputs:
        """What a release of this run is made from, with the recipe of the settings.

        Args:
            tables: the clean tables, by name.
        """
        return Inputs.of(
            source=self.source.description,
            as_of=self.as_of,
            tables=tables,
            learning=self.learning,
            sample=self.options.sample,
        )

    def dataset(self, tables: dict[str, pd.DataFrame], learning: LearningConfig) -> Dataset:
        """The clean tables as arrays, as the recipe of `learning` reads them.

        Args:
            tables: users, movies and interactions, by name.
        """
        return build_dataset(**tables, likes=learning.likes, as_of=self.as_of)

    @property
    def run_url(self) -> str:
        """Where a person finds that run."""
        base = self.settings.tracking.uri or f"http://127.0.0.1:{self.settings.ui.mlflow_port}"
        return f"{base.rstrip('/')}/{self.tracker.run_link(self.run.run_id).lstrip('/')}"


def doors_resource(settings: Settings, makers: Makers) -> dg.ResourceDefinition:
    """The resource that opens `Doors` for a run and holds the lock of the data folder."""

    @dg.resource(required_resource_keys={OPTIONS})
    def doors(context: dg.InitResourceContext) -> Iterator[Doors]:
        run = context.run
        options: RunOptions = getattr(context.resources, OPTIONS)
        run_id = run.run_id if run else ""
        opened = Doors(
            settings=options.applied_to(settings),
            makers=makers,
            options=options,
            run_id=run_id,
            first_run=(run.root_run_id or run_id) if run else "",
            week=run.tags.get(_PARTITION_TAG) if run else None,
            started=_started(context),
        )
        with (
            run_lock(lock_file(settings), run_id) as alone,
            makers.privacy(settings, opened.store) as privacy,
            makers.online(settings) as online,
        ):
            remove_unfinished(settings.data / "assets")
            opened = replace(opened, online=online)
            if privacy is None:
                yield opened
                return
            if alone:
                resume_erasures(privacy, opened.started, context.log)
            yield replace(opened, privacy=privacy, gone=privacy.gone())
            if alone:
                # Those that were asked for while the run was under way.
                resume_erasures(privacy, opened.started, context.log)

    return doors


def _started(context: dg.InitResourceContext) -> str:
    """When the run was made, as ISO time; empty where there is none."""
    record = context.instance.get_run_record_by_id(context.run.run_id) if context.run else None
    return record.create_timestamp.isoformat() if record else ""
