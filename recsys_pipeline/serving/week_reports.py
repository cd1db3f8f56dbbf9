"""Weeks: what monitoring keeps of each, read once and kept until it changes. No user is in it."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import pandas as pd

from recsys_pipeline.business import goals as business_goals
from recsys_pipeline.business.goals import Goal
from recsys_pipeline.errors import StorageError
from recsys_pipeline.experiments import results
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.alarms import Alarm, alarms_from_json
from recsys_pipeline.pipeline.reports import (
    ALARMS,
    EXPERIMENTS,
    FIGURES,
    GOALS,
    REPORT_HTML,
    REPORT_MARKDOWN,
    ReportStore,
)

SHOWN: Final = 26
"""Weeks that are looked at together, at most."""

_NUMBERS: Final = (
    names.VALUE, names.LOW, names.HIGH, names.BEFORE,
    names.CHANGE, names.CHANGE_LOW, names.CHANGE_HIGH,
)  # fmt: skip


@dataclass(frozen=True)
class Week:
    """One week.

    Attributes:
        week: ISO day on which it ends.
        version: changes whenever its files do.
        rows: its figures, one dictionary of `names.COLUMNS` each; None for what cannot be told.
        alarms: what was wrong.
        goals: how each goal stands.
        experiments: what may be said of each experiment.
        report: whether it has a report to read.
        markdown: whether it has one as Markdown.
        broken: whether its files cannot be read, such as those of another version: then nothing
            is known of it.
    """

    week: str
    version: str
    rows: Sequence[dict[str, Any]] = ()
    alarms: Sequence[Alarm] = ()
    goals: Sequence[Goal] = ()
    experiments: Sequence[ExperimentResult] = ()
    report: bool = False
    markdown: bool = False
    broken: bool = False

    def figure(self, metric: str, by: str = names.ALL, group: str = "") -> dict[str, Any] | None:
        """The figure of that metric and group that can be told, or None."""
        for row in self.rows:
            if (row[names.METRIC], row[names.BY], row[names.GROUP]) == (metric, by, group):
                return row if row[names.VALUE] is not None else None
        return None

    def figures(self, metric: str, by: str) -> list[dict[str, Any]]:
        """The figures of that metric by something, in their order, that can be told."""
        return [
            row
            for row in self.rows
            if row[names.METRIC] == metric and row[names.BY] == by and row[names.VALUE] is not None
        ]


class WeekReports:
    """The weeks of a report store. Safe to use from several threads.

    Args:
        store: where the files lie.
    """

    def __init__(self, store: ReportStore) -> None:
        self._store = store
        self._kept: dict[str, Week] = {}
        self._lock = Lock()

    def weeks(self) -> list[str]:
        """All weeks that are kept, oldest first.

        Raises:
            RecsysError: the place cannot be read.
        """
        return list(self._store.weeks())

    def newest(self, count: int = SHOWN) -> list[Week]:
        """The last so many weeks, oldest first.

        Raises:
            RecsysError: the place cannot be read.
        """
        found = [self.week(each) for each in self.weeks()[-count:]]
        return [each for each in found if each is not None]

    def week(self, week: str) -> Week | None:
        """A week, or None where nothing is kept of it.

        Raises:
            RecsysError: the place cannot be read, or `week` is no ISO day.
        """
        version = self._store.version(week)
        if version is None:
            return None
        kept = self._kept.get(week)
        if kept is None or kept.version != version:
            kept = self._read(week, version)
            with self._lock:
                if len(self._kept) >= 4 * SHOWN:
                    self._kept.clear()
                self._kept[week] = kept
        return kept

    def file(self, week: str, name: str) -> bytes | None:
        """One file of a week, or None.

        Raises:
            RecsysError: it cannot be read, or `week` is no ISO day.
        """
        return self._store.read(week, name)

    def _read(self, week: str, version: str) -> Week:
        def text(name: str) -> str | None:
            content = self._store.read(week, name)
            return None if content is None else content.decode()

        report = self._store.read(week, REPORT_HTML) is not None
        markdown = self._store.read(week, REPORT_MARKDOWN) is not None
        figures = self._store.read(week, FIGURES)
        alarms, goals, experiments = map(text, (ALARMS, GOALS, EXPERIMENTS))
        try:
            return Week(
                week=week,
                version=version,
                rows=[] if figures is None else _rows(pd.read_parquet(io.BytesIO(figures))),
                alarms=() if alarms is None else alarms_from_json(alarms),
                goals=() if goals is None else business_goals.from_json(goals.encode()),
                experiments=() if experiments is None else results.from_json(experiments),
                report=report,
                markdown=markdown,
            )
        except (ValueError, TypeError, KeyError, OSError, StorageError):
            # A week of another version must not take the others from the page, which says so.
            return Week(week, version, report=report, markdown=markdown, broken=True)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.loc[:, list(names.COLUMNS)].to_dict("records")
    for row in rows:
        for name in _NUMBERS:
            row[name] = float(row[name]) if _told(row[name]) else None
        row[names.N] = int(row[names.N]) if _told(row[names.N]) else None
        row[names.GROUP] = str(row[names.GROUP])
    return rows


def _told(value: Any) -> bool:
    return value is not None and math.isfinite(value)
