"""`recsys run`: the weekly job in this process, with progress and a summary."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from recsys_pipeline.commands.assets import asset_of_week
from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.instance import FOLDER, instance_for
from recsys_pipeline.defs.options import RunOptions
from recsys_pipeline.defs.run import StepEvent, WeekResult, run_weekly
from recsys_pipeline.pipeline.load import moment_of
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.sources import build_source

_SAMPLE_USERS = 3
_STEPS = {
    "mapped_tables": "Read and check the tables",
    "clean_tables": "Set faulty rows aside",
    "feature_matrix": "Make features",
    "trained_model": "Train and choose",
    "recipe_in_service": "Refit the recipe in service",
    "evaluation": "Judge on held-out data",
    "last_weeks_lists": "Score last week's lists",
    "promotion": "Decide on promotion",
    "top_n": "Write lists and release",
    "user_groups": "Group users",
    "arm_lists": "Make lists for arms",
    "monitoring": "Report on the week online",
    "retention": "Remove what is old",
}


@dataclass(frozen=True)
class RunSummary:
    """What one run did, for people and for scripts.

    Attributes:
        week: the partition.
        tables: for each table its mapped rows, clean rows and rows in quarantine.
        quarantine: rows by table and rule, of those that broke any.
        later: interactions after as_of, left for later weeks.
        notes: what was guessed or converted on reading.
        comparison: the figures of every recommender.
        facts: what the steps attached: release, promoted, verdict and more, by asset.
        failed_checks: the checks that were not met but do not stop a run, with their figures.
        lists: the lists of three users.
        seconds: how long each step took.
    """

    week: str
    tables: pd.DataFrame
    quarantine: pd.DataFrame
    later: int
    notes: tuple[str, ...]
    comparison: pd.DataFrame
    facts: Mapping[str, Mapping[str, Any]]
    failed_checks: tuple[str, ...]
    lists: pd.DataFrame
    seconds: Mapping[str, float]


def run(
    settings: Settings,
    as_of: pd.Timestamp | None,
    sample: float,
    overrides: Mapping[str, Any],
    now: pd.Timestamp,
    console: Console,
) -> RunSummary:
    """Run the weekly job and gather its summary.

    Args:
        settings: of the installation.
        as_of: the moment to look from; None takes the newest event up to `now`.
        sample: share of the users.
        overrides: learning settings that differ in this run.
        now: the time on the clock.
        console: where progress is shown.

    Raises:
        RecsysError: whatever stopped the run.
    """
    RunOptions(sample=sample, learning=dict(overrides)).applied_to(settings)
    if as_of is None:
        as_of = moment_of(build_source(settings), now)
    with (
        _temporary_files_below(settings.root / FOLDER),
        instance_for(settings.root) as instance,
        _Steps(console) as steps,
    ):
        result = run_weekly(settings, as_of, sample, overrides, instance, steps.tell)
    return _summary(settings, result, steps)


@contextmanager
def _temporary_files_below(folder: Path) -> Iterator[None]:
    """Large models are written before they are moved: not to a system folder of another size."""
    folder.mkdir(parents=True, exist_ok=True)
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        tempfile.tempdir = inside
        try:
            yield
        finally:
            tempfile.tempdir = before


class _Steps:
    """Shows what is under way: a line for each step, with the last thing that it said."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<28}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[said]}[/]"),
            console=console,
        )
        self._tasks: dict[str, Any] = {}
        self.notes: list[str] = []
        self.failed_checks: list[str] = []

    def __enter__(self) -> "_Steps":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, event: StepEvent) -> None:
        """Show one event of the run."""
        if event.step not in self._tasks:
            name = _STEPS.get(event.step, event.step)
            self._tasks[event.step] = self._progress.add_task(name, total=1, said="")
        task = self._tasks[event.step]
        if event.kind == "log":
            self._progress.update(task, said=escape(_one_line(event.text)))
            if event.step in ("mapped_tables", "clean_tables"):
                self.notes.append(event.text)
        elif event.kind == "check":
            text = f"{event.text} ({event.figures})" if event.figures else event.text
            self.failed_checks.append(text)
            self._progress.console.print(f"  [yellow]check not met[/] {escape(text)}")
        elif event.kind == "finished":
            self._progress.update(task, completed=1, said="")
        elif event.kind == "failed":
            self._progress.update(task, said="[red]failed[/]")


def _one_line(text: str) -> str:
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= 70 else first[:69] + "…"


def _summary(settings: Settings, result: WeekResult, steps: _Steps) -> RunSummary:
    week = result.week
    quarantine = asset_of_week(settings, "quarantine", week)
    by_rule = (
        quarantine.assign(rule=quarantine[n.RULES].str.split(", "))
        .explode("rule")
        .groupby([n.TABLE, "rule"])
        .size()
        .rename("rows")
        .reset_index()
    )
    late = by_rule["rule"].str.endswith(".after_as_of")
    return RunSummary(
        week=week,
        tables=_tables(result.metadata),
        quarantine=by_rule[~late].reset_index(drop=True),
        later=int(by_rule.loc[late, "rows"].sum()),
        notes=tuple(dict.fromkeys(steps.notes)),
        comparison=asset_of_week(settings, "evaluation_metrics", week),
        facts=result.metadata,
        failed_checks=tuple(steps.failed_checks),
        lists=_three_users(asset_of_week(settings, "top_n", week)),
        seconds=result.seconds,
    )


def _tables(facts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table": [contract.name for contract in SOURCE_TABLES],
            "read": [facts[f"mapped_{c.name}"]["dagster/row_count"] for c in SOURCE_TABLES],
            "clean": [facts[c.name]["dagster/row_count"] for c in SOURCE_TABLES],
            "quarantined": [facts[c.name]["quarantined"] for c in SOURCE_TABLES],
        }
    )


def _three_users(lists: pd.DataFrame) -> pd.DataFrame:
    """The lists of the first, middle and last user: always the same ones."""
    users = lists[n.USER_ID].unique()
    places = np.unique(np.linspace(0, len(users) - 1, _SAMPLE_USERS).astype(int))
    return lists[lists[n.USER_ID].isin(users[places])] if len(users) else lists
