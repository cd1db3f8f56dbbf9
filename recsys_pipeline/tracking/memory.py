"""A tracker in memory, for tests: the same behaviour, and what was logged is there to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from recsys_pipeline.errors import ModelError
from recsys_pipeline.tracking import entries
from recsys_pipeline.tracking.model_package import try_example


@dataclass(frozen=True)
class MemoryVersion:
    """A version of the registered model.

    Attributes:
        run_id: the run that logged it.
        folder: the released model's folder.
        tags: the run's tags at that moment.
        answer: what the model answered to the example.
    """

    run_id: str
    folder: Path
    tags: Mapping[str, str]
    answer: pd.DataFrame


@dataclass
class MemoryRun:
    """A `TrackedRun` in memory.

    Attributes:
        params: texts by name.
        metrics: newest value by name.
        history: every ``(step, value)`` by name.
        figures, texts, tables: by path.
        datasets: what `log_dataset` was given, by name.
        status: ``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``.
    """

    tracker: "MemoryTracker"
    run_id: str
    key: str
    name: str
    parent_id: str | None = None
    status: str = "RUNNING"
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def child(self, name: str, tags: Mapping[str, str] | None = None) -> "MemoryRun":
        return self.tracker.found_or_started(self.key, name, tags, self.run_id)

    def log_params(self, params: Mapping[str, Any]) -> None:
        self.params.update(entries.changed_params(self.params, entries.param_texts(params)))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        for name, value in entries.metric_values(metrics).items():
            self.metrics[name] = value
            self.history.setdefault(name, []).append((step or 0, value))

    def log_figure(self, figure: Figure, path: str) -> None:
        self.figures[entries.check_path(path, entries.FIGURE_SUFFIXES)] = figure

    def log_text(self, text: str, path: str) -> None:
        self.texts[entries.check_path(path)] = text

    def log_table(self, table: pd.DataFrame, path: str) -> None:
        entries.check_table(table)
        self.tables[entries.check_path(path, entries.TABLE_SUFFIXES)] = table.copy()

    def log_dataset(self, name: str, digest: str, source: str, profile: Mapping[str, Any]) -> None:
        self.datasets[name] = {"digest": digest, "source": source, "profile": dict(profile)}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(entries.tag_texts(tags))

    def log_model(self, folder: Path, example: pd.DataFrame) -> int:
        answer = try_example(folder, example)
        self.tracker.versions.append(MemoryVersion(self.run_id, folder, dict(self.tags), answer))
        return len(self.tracker.versions)

    def finish(self, *, failed: bool = False) -> None:
        self.status = "FAILED" if failed else "FINISHED"


@dataclass
class MemoryTracker:
    """A `Tracker` in memory.

    Attributes:
        runs: every run by id, in the order in which they were started.
        versions: of the registered model; version v is at v − 1.
        aliases: version by alias.
    """

    runs: dict[str, MemoryRun] = field(default_factory=dict)
    versions: list[MemoryVersion] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    def run(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> MemoryRun:
        return self.found_or_started(key, name, tags, None)

    def close_abandoned(self, key: str) -> int:
        abandoned = [
            run for run in self.runs.values() if run.status == "RUNNING" and run.key != key
        ]
        for run in abandoned:
            run.status = "KILLED"
        return len(abandoned)

    def set_alias(self, alias: str, version: int) -> None:
        if not 1 <= version <= len(self.versions):
            raise ModelError(
                f"The registered model has no version {version}.",
                "Give a version that log_model has returned.",
            )
        self.aliases[alias] = version

    def alias(self, alias: str) -> int | None:
        return self.aliases.get(alias)

    def run_link(self, run_id: str) -> str:
        return f"#/experiments/0/runs/{run_id}"

    def found_or_started(
        self, key: str, name: str, tags: Mapping[str, str] | None, parent_id: str | None
    ) -> MemoryRun:
        """The run with that key (a parent) or name (a child); see `MlflowTracker.run`."""
        texts = entries.tag_texts(tags or {})
        for run in self.runs.values():
            same = run.key == key if parent_id is None else run.name == name
            if same and run.parent_id == parent_id:
                if run.status in ("FAILED", "KILLED"):
                    run.status = "RUNNING"
                run.tags.update(texts)
                return run
        run = MemoryRun(self, f"run{len(self.runs) + 1}", key, name, parent_id, tags=texts)
        self.runs[run.run_id] = run
        return run
