"""`recsys benchmark`: recommenders × data sets × splits, as tables, Markdown, plots and JSON."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.errors import DataError, SetupError
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.benchmark_plots import BenchmarkPanel, benchmark_figure
from recsys_pipeline.pipeline.benchmark_machine import machine
from recsys_pipeline.pipeline.benchmark_results import Benchmark, Comparison, Protocol
from recsys_pipeline.pipeline.benchmark_text import (
    TextTable,
    accuracy_table,
    cost_table,
    legend,
    markdown,
    size_line,
    split_lines,
)
from recsys_pipeline.pipeline.benchmarking import (
    PROTOCOLS,
    RECOMMENDERS,
    SPLITS,
    DataSet,
    benchmark,
    known_names,
)
from recsys_pipeline.pipeline.load import moment_of
from recsys_pipeline.settings import Settings, SourceSettings
from recsys_pipeline.sources import guess
from recsys_pipeline.storage.privacy_door import without_erased
from recsys_pipeline.storage.sources import build_source

SIMULATED: Final = "simulated"
"""Argument that stands for the simulated world, and for no folder of that name."""

_DIGITS: Final = 3


@dataclass(frozen=True)
class Wanted:
    """What the user asked for.

    Attributes:
        data: folders, files, or `SIMULATED`; none takes the data of the settings.
        splits, recommenders: names, with commas between them; None takes the split and the
            recommenders of the settings.
        k: length of a list; None takes that of the settings.
        protocol: ``full`` or ``published``.
        markdown, plot: files to write; None writes none. With several data sets each has a plot,
            with its name behind that of the file.
    """

    data: Sequence[str] = ()
    splits: str | None = None
    recommenders: str | None = None
    k: int | None = None
    protocol: str = "full"
    markdown: Path | None = None
    plot: Path | None = None


@dataclass(frozen=True)
class Measured:
    """The benchmark, how it was made, and the files written."""

    result: Benchmark
    about: Mapping[str, str]
    files: tuple[Path, ...]

    @property
    def plain(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "about": dict(self.about),
            **self.result.plain,
            "files": [str(path) for path in self.files],
        }


def measure(
    settings: Settings,
    wanted: Wanted,
    now: pd.Timestamp,
    command: str,
    progress: Callable[[str], None],
) -> Measured:
    """Check what is wanted, measure it, and write the files.

    Args:
        settings: of the installation.
        wanted: what the user asked for.
        now: the time on the clock.
        command: as it was typed, for the record.
        progress: is told each step, one line.

    Raises:
        SettingsError: a split, recommender or protocol is not known, or k is out of range.
        SourceError: a path is missing, or holds no interactions.
        SetupError: a file cannot be written.
        DataError: nothing could be measured.
    """
    asked = wanted.splits or settings.learning.evaluation.split
    splits = known_names("split", _listed(asked), SPLITS)
    recommenders = None
    if wanted.recommenders is not None:
        recommenders = known_names("recommender", _listed(wanted.recommenders), RECOMMENDERS)
    (protocol,) = known_names("protocol", [wanted.protocol], PROTOCOLS)
    if wanted.k is not None:
        settings = settings.with_learning({"k": wanted.k})
    for target in (wanted.markdown, wanted.plot):
        if target is not None:
            _check_writable(target)
    if wanted.plot is not None:
        _check_format(wanted.plot)
    data_sets = find_data_sets(settings, wanted.data, now)
    result = benchmark(
        data_sets,
        splits,
        settings.learning,
        progress,
        recommenders=recommenders,
        protocol=cast(Protocol, protocol),
    )
    if not result.comparisons:
        raise DataError(
            "Nothing could be measured:\n"
            + "\n".join(f"{each.data_set} {each.split}: {each.why}" for each in result.left_out),
            "Name other --splits, or other data.",
        )
    about = {"command": command, "date": f"{now:%Y-%m-%d %H:%M} UTC", **machine()}
    return Measured(result, about, tuple(_written(result, about, wanted)))


def measure_on(
    console: Console, settings: Settings, wanted: Wanted, now: pd.Timestamp, command: str
) -> Measured:
    """As `measure`, with the step under way on `console`: one line, or one after another in a file.

    Raises:
        RecsysError: as `measure`.
    """
    with console.status("Looking at the data") as status:

        def tell(text: str) -> None:
            line = escape(text.partition("\n")[0])
            if console.is_terminal:
                status.update(f"[dim]{line}[/]")
            else:
                console.print(f"[dim]{line}[/]", highlight=False, soft_wrap=True)

        return measure(settings, wanted, now, command, tell)


def find_data_sets(settings: Settings, data: Sequence[str], now: pd.Timestamp) -> list[DataSet]:
    """The data sets that are named, guessed as `recsys init` does; nothing is written.

    Raises:
        SourceError: a path is missing, or holds no interactions.
        DataError: every interaction lies after `now`.
    """
    found: dict[str, Settings] = {}
    if not data:
        found[_own_name(settings)] = settings
    for text in data:
        if text == SIMULATED:
            kind = settings.source.model_copy(update={"kind": "simulated"})
            found[_free(SIMULATED, found)] = settings.model_copy(update={"source": kind})
            continue
        root, path = Path.cwd(), Path(text).absolute()
        guessed = SourceSettings.model_validate(guess([path], root).settings["source"])
        where = {"source": guessed, "root": root}
        found[_free(path.resolve().name or text, found)] = settings.model_copy(update=where)
    data_sets = []
    for name, each in found.items():
        source = without_erased(each, build_source(each))
        data_sets.append(DataSet(name, source, moment_of(source, now)))
    return data_sets


def show(measured: Measured, console: Console) -> None:
    """All tables, best first, and what was left out."""
    result = measured.result
    for name, comparisons in result.by_data_set.items():
        console.print(f"\n[bold]{escape(name)}[/]: {size_line(comparisons[0])}", highlight=False)
        for each in comparisons:
            _show_split(each, console)
    for line in legend(result.protocol):
        console.print(f"[dim]{escape(line)}[/]", highlight=False)
    for missing in result.left_out:
        where = ", ".join(part for part in (missing.data_set, missing.split) if part)
        console.print(f"[yellow]left out[/] {escape(f'{where}: {missing.why}')}", highlight=False)
    for path in measured.files:
        console.print(f"Written: {escape(str(path))}", highlight=False, soft_wrap=True)


def _show_split(comparison: Comparison, console: Console) -> None:
    console.print(f"\n[bold]Split: {escape(comparison.title)}[/]")
    for line in split_lines(comparison):
        console.print(f"[dim]{escape(line)}[/]", highlight=False)
    for table in (accuracy_table(comparison, _DIGITS), cost_table(comparison, _DIGITS)):
        console.print(_rich(table))


def _rich(table: TextTable) -> Table:
    made = Table(box=None, padding=(0, 1), collapse_padding=True)
    for place, header in enumerate(table.headers):
        lines = escape(header.replace(" (", "\n(") if "(" in header else header.replace("@", "\n@"))
        made.add_column(lines, justify="right" if place else "left", no_wrap=True)
    for row in table.rows:
        made.add_row(
            *(f"[bold]{escape(cell.text)}[/]" if cell.bold else escape(cell.text) for cell in row)
        )
    return made


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _own_name(settings: Settings) -> str:
    """What the data of the settings are called."""
    source = settings.source
    if source.kind == "movielens" and source.movielens is not None:
        return Path(source.movielens.path).name
    return SIMULATED if source.kind == "simulated" else settings.root.name or "files"


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """`name`, with a number behind it where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _check_writable(path: Path) -> None:
    """Before minutes of work: whether the file could be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "it is a folder" if path.is_dir() else "no permission")


def _check_format(path: Path) -> None:
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise SetupError(
            f"{path}: no plot can be written as '{path.suffix}'.",
            f"End its name with one of .{', .'.join(sorted(known))}.",
        )


def _unwritable(path: Path, why: OSError | str) -> SetupError:
    said = why if isinstance(why, str) else why.strerror or str(why)
    return SetupError(f"{path} cannot be written: {said}.", "Name another file.")


def _written(result: Benchmark, about: Mapping[str, str], wanted: Wanted) -> list[Path]:
    files: dict[Path, Callable[[Path], Any]] = {}
    if wanted.markdown is not None:
        text = markdown(result, about)
        files[wanted.markdown] = lambda path: path.write_text(text, encoding="utf-8")
    if wanted.plot is not None:
        several = len(result.by_data_set) > 1
        for name, comparisons in result.by_data_set.items():
            path = _plot_path(wanted.plot, name) if several else wanted.plot
            figure = benchmark_figure(name, [_panel(each) for each in comparisons])
            files[path] = figure.savefig
    for path, write in files.items():
        try:
            write(path)
        except OSError as error:
            raise _unwritable(path, error) from error
    return list(files)


def _plot_path(path: Path, data_set: str) -> Path:
    safe = "".join(sign if sign.isalnum() or sign in "-._" else "-" for sign in data_set)
    return path.with_name(f"{path.stem}-{safe}{path.suffix}")


def _panel(comparison: Comparison) -> BenchmarkPanel:
    figures = comparison.figures
    return BenchmarkPanel(
        split=comparison.title,
        metric=comparison.deciding,
        figures=figures[figures[names.METRIC] == comparison.deciding],
        seconds={name: each.recommend_seconds for name, each in comparison.costs.items()},
        released=comparison.released,
    )
