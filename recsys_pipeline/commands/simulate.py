"""What `recsys simulate` does: opens a folder of its own, lives the weeks, writes the report."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from recsys_pipeline.commands.simulate_worlds import Worlds, small_worlds
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.half_year.config import CONTROL, TREATMENT, HalfYearConfig
from recsys_pipeline.half_year.facts import facts_of, week_facts_of
from recsys_pipeline.half_year.record import EVERYBODY
from recsys_pipeline.half_year.simulate import Settings as Counting
from recsys_pipeline.half_year.simulate import Simulated, simulate
from recsys_pipeline.half_year.source import LifeSource
from recsys_pipeline.half_year.weeks import Lived
from recsys_pipeline.monitoring import names
from recsys_pipeline.pipeline.online_week import Review
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.pipeline.reports import REPORT_HTML, REPORT_MARKDOWN
from recsys_pipeline.pipeline.weekly import WeeklyDoors
from recsys_pipeline.quality import GreatExpectationsChecker
from recsys_pipeline.reporting.half_year import half_year_report
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.markdown import markdown
from recsys_pipeline.reporting.pictures import picture_files
from recsys_pipeline.reporting.weekly import weekly_report
from recsys_pipeline.settings import FILE_NAME, Settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.reports import FileReportStore
from recsys_pipeline.tracking import MlflowTracker

REPORT: Final = "half_year"
"""Name of the report's files, without ending."""

_OWN: Final = """\
# Written by `recsys simulate`: what lies here can be looked at with `recsys ui`. A run here would
# go on in a world of the same size whose people do not answer.
[source.simulated]
users = {users}
interactions = {interactions}
seed = {seed}

[storage]
data = "data"

[tracking]
folder = "mlruns"
"""


@dataclass(frozen=True)
class Wanted:
    """What is asked for; see `recsys simulate --help`."""

    weeks: int
    users: int
    seed: int
    exploration: int
    shuffled: bool
    worlds: bool
    out: Path

    def config(self) -> HalfYearConfig:
        """The settings of the simulation.

        Raises:
            SettingsError: a value is not possible.
        """
        try:
            return HalfYearConfig(
                weeks=self.weeks,
                users=self.users,
                seed=self.seed,
                exploration=self.exploration,
                shuffled=self.shuffled,
                before=min(4, self.weeks // 2),
            )
        except ValidationError as error:
            fault = error.errors()[0]
            key = str(fault["loc"][0])
            raise SettingsError(
                f"--{key}: {fault['msg']} (found {fault.get('input')!r}).",
                "See `recsys simulate --help`.",
            ) from error

    @property
    def command(self) -> str:
        """The line that does it again."""
        parts = ["recsys simulate", f"--weeks {self.weeks}", f"--users {self.users}"]
        parts += [f"--seed {self.seed}", f"--exploration {self.exploration}"]
        parts += ["--shuffled"] if self.shuffled else []
        return " ".join(parts)


def live_half_year(
    settings: Settings, wanted: Wanted, console: Console, clock: Callable[[], float]
) -> Mapping[str, Any]:
    """Live the weeks and write the report; its main figures.

    Args:
        settings: goals, prices, assumptions and how weeks are counted.
        wanted: what is simulated, and where it is written.
        console: where progress and the result are shown.
        clock: seconds that count up.

    Raises:
        SettingsError: a value is not possible, or the folder holds something else.
        RecsysError: whatever stopped a week.
    """
    config, began = wanted.config(), clock()
    out = _own_folder(wanted.out, config)
    reports = FileReportStore(out / "data" / "reports")
    tracker = MlflowTracker(out / "mlruns")
    counting = Counting(settings.monitoring, settings.goals, settings.business)

    def doors(source: LifeSource, folder: Path) -> WeeklyDoors:
        checker = GreatExpectationsChecker(None)
        store = FileReleaseStore(folder)
        return WeeklyDoors(source, checker, tracker, store, settings.checks.limits)

    limits = settings.checks.limits
    with _beside(wanted.worlds, config, counting, limits) as worlds:
        with _Weeks(console, config.weeks) as weeks:
            found = simulate(
                config, doors, out / "data" / "releases", reports, counting, weeks.step, weeks.done
            )
        beside = None
        if worlds is not None:
            with console.status("Three small worlds: with exploration, without, and shuffled"):
                beside = worlds.get()
    currency = settings.business.prices.currency
    facts = facts_of(
        found,
        config,
        wanted.command,
        None if beside is None else beside.loops,
        None if beside is None else beside.shuffled,
        currency,
    )
    last = weekly_report(week_facts_of(found, currency))
    reports.put(
        found.week,
        {
            **found.last.files(),
            **found.worth.files(),
            REPORT_HTML: html(last).encode(),
            REPORT_MARKDOWN: markdown(last).encode(),
        },
    )
    document = half_year_report(facts)
    (out / f"{REPORT}.html").write_text(html(document), encoding="utf-8")
    (out / f"{REPORT}.md").write_text(markdown(document, "pictures/"), encoding="utf-8")
    pictures = out / "pictures"
    pictures.mkdir(exist_ok=True)
    for name, content in picture_files(document).items():
        (pictures / name).write_bytes(content)
    told = _told(found, config, clock() - began)
    _show(console, found, config, out, clock() - began)
    return told


@contextmanager
def _beside(
    wanted: bool, config: HalfYearConfig, counting: Counting, limits: CheckLimits
) -> "Iterator[AsyncResult[Worlds] | None]":
    """The small worlds, lived in a process of their own meanwhile; None where not wanted.

    Whoever stops the half year stops them, too.
    """
    if not wanted:
        yield None
        return
    with get_context("spawn").Pool(1) as pool:
        yield pool.apply_async(small_worlds, (config, counting, limits))


def _own_folder(out: Path, config: HalfYearConfig) -> Path:
    """`out`, made if missing; a folder of an earlier half year is used again where it is empty."""
    out = out.resolve()
    if out.exists() and any(out.iterdir()):
        raise SettingsError(
            f"{out} exists and is not empty.",
            "Name another folder with --out, or remove that one.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        world = config.life.world
        text = _OWN.format(users=world.users, interactions=world.interactions, seed=world.seed)
        (out / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{out} cannot be written: {error.strerror}.", "Name another folder with --out."
        ) from error
    return out


class _Weeks:
    """Shows which week is under way, and a line for each that was lived."""

    def __init__(self, console: Console, total: int, what: str = "weeks") -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[said]}[/]"),
            console=console,
        )
        self._task = self._progress.add_task(what, total=total, said="")

    def __enter__(self) -> "_Weeks":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.update(self._task, said="")
        self._progress.stop()

    def step(self, text: str) -> None:
        """Show what is under way."""
        self._progress.update(self._task, said=text.splitlines()[0][:60] if text else "")

    def done(self, number: int, lived: Lived, found: Review) -> None:
        """Count a week and show its figures."""
        self._progress.advance(self._task)
        made = lived.week.made
        parts = [
            f"week {number:2d}",
            f"{made.trained.facts.chosen:<12}",
            *(f"{arm} {value:.3f}" for arm, value in _click_through(found).items()),
        ]
        self._progress.console.print(f"  {'  '.join(parts)}", highlight=False)
        raised = Counter(alarm.check for alarm in found.alarms)
        for check, times in raised.items():
            again = f" × {times}" if times > 1 else ""
            self._progress.console.print(f"           [yellow]alarm {check}{again}[/]")


def _click_through(found: Review) -> dict[str, float]:
    rows = found.figures[found.figures[names.METRIC] == names.CLICK_THROUGH]
    arms = rows[rows[names.BY] == names.ARM]
    told = {
        str(group).rsplit("/", 1)[-1]: float(value)
        for group, value in zip(arms[names.GROUP], arms[names.VALUE], strict=True)
    }
    every = rows[rows[names.BY] == names.ALL][names.VALUE]
    return {EVERYBODY: float(every.iloc[0]), **told} if len(every) else told


def _told(found: Simulated, config: HalfYearConfig, seconds: float) -> dict[str, Any]:
    result = found.experiment
    return {
        "weeks": config.weeks,
        "users": config.users,
        "seed": config.seed,
        "seconds": round(seconds, 1),
        "verdict": None if result is None else result.verdict,
        "sentence": None if result is None else result.sentence,
        "effects": {}
        if result is None
        else {
            effect.metric: {
                CONTROL: effect.control_mean,
                TREATMENT: effect.arm_mean,
                "difference": effect.difference,
                "low": effect.low,
                "high": effect.high,
            }
            for effect in result.effects
        },
        "goals": {goal.name: goal.status for goal in found.worth.goals},
        "impact": found.worth.impact.sentence,
        "alarms": [
            {"week": number, "check": alarm.check, "subject": alarm.subject}
            for number, alarm in found.record.alarms
        ],
    }


def _plain(value: float) -> str:
    return f"{value:.3f}" if isfinite(value) else "–"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if isfinite(value) else "–"


def _show(
    console: Console, found: Simulated, config: HalfYearConfig, out: Path, seconds: float
) -> None:
    result = found.experiment
    table = Table(title=f"{config.weeks} weeks, {config.users:,} users", title_justify="left")
    for column in ("metric", CONTROL, TREATMENT, "difference", "at all looks"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for effect in () if result is None else result.effects:
        table.add_row(
            names.LABELS.get(effect.metric, effect.metric),
            _plain(effect.control_mean),
            _plain(effect.arm_mean),
            _signed(effect.difference),
            f"{_signed(effect.low)} to {_signed(effect.high)}" if isfinite(effect.low) else "–",
        )
    console.print(table)
    console.print(
        "[dim]The difference is corrected by what the same people did before the experiment, so it "
        "is not that of the two columns; its interval holds at all looks together.[/]"
    )
    if result is not None:
        console.print(result.sentence)
    console.print(found.worth.impact.sentence)
    console.print(
        f"{len(found.record.alarms)} alarms in {config.weeks} weeks; {seconds:.0f} seconds."
    )
    console.print(f"The report: {out / f'{REPORT}.html'}", soft_wrap=True)
    console.print(f"Look around: recsys ui --settings {out / FILE_NAME}", soft_wrap=True)
