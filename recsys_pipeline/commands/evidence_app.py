"""`recsys benchmark`, `recsys tune` and `recsys reproduce`: what is better, and is it so again."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)

app = typer.Typer()

_DIFFERS = 8
"""Exit code of `recsys reproduce` where something differs."""


@app.command(
    epilog=lines(
        "recsys benchmark",
        "recsys benchmark ml-latest-small/ simulated --splits last,random --markdown out.md",
        "recsys benchmark ml-latest-small/ --recommenders ease,blend --plot out.png",
    )
)
def benchmark(
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Folders, files, or 'simulated'; else the data of the settings."),
    ] = None,
    settings: SettingsOption = None,
    splits: Annotated[
        str | None,
        typer.Option(help="temporal, last, leave_last, random, strong; commas between them."),
    ] = None,
    recommenders: Annotated[
        str | None, typer.Option(help="Which ones, commas between them; else those trained.")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", "-k", help="Length of a list.")] = None,
    protocol: Annotated[
        str, typer.Option(help="'published' judges by movies met in training only, or 'full'.")
    ] = "full",
    markdown: Annotated[Path | None, typer.Option(help="Write the tables here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the plot here (png, svg, pdf).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare recommenders on data sets and splits: figures with intervals, time and memory.

    Nothing is released and nothing is tracked.
    """
    from recsys_pipeline.commands.benchmark import Wanted, measure_on, show
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.settings import load_settings

    console = console_for(as_json)
    wanted = Wanted(data or (), splits, recommenders, k, protocol, markdown, plot)
    command = shlex.join(["recsys", *sys.argv[1:]])
    found = measure_on(console, load_settings(settings), wanted, now(), command)
    if as_json:
        print_json(found.plain)
        return
    show(found, console)


@app.command(
    epilog=lines("recsys tune", "recsys tune --minutes 30", "recsys tune --trials 200 --fresh")
)
def tune(
    settings: SettingsOption = None,
    minutes: Annotated[float | None, typer.Option(help="Time to spend.")] = None,
    trials: Annotated[int | None, typer.Option(help="Settings to try at most.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Forget what earlier sessions tried.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write; else recsys.tuned.toml beside recsys.toml.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for better settings on the window before the test, and write them to a file.

    Needs the extra 'tuning' (Optuna). Nothing that is served changes: `recsys run --settings
    recsys.tuned.toml` makes it a candidate, and the gate decides.
    """
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.tune import show_session, tune_settings
    from recsys_pipeline.defs.doors import REAL
    from recsys_pipeline.settings import load_settings, settings_file

    loaded, console = load_settings(settings), console_for(as_json)
    session = tune_settings(
        loaded,
        loaded.tuning.with_budget(minutes, trials),
        REAL.tracker(loaded),
        now(),
        console,
        original=settings_file(settings),
        out=out,
        fresh=fresh,
    )
    tuned = session.tuned
    if as_json:
        print_json(
            {
                "changes": tuned.changes,
                "sentences": tuned.sentences,
                "written": session.written,
                "trials": tuned.trials,
                "seconds": tuned.seconds,
                "link": session.link,
            }
        )
    else:
        show_session(session, console)
    if tuned.stopped:
        raise typer.Exit(130)


@app.command(epilog=lines("recsys reproduce 3f0c2a", "recsys reproduce 2023-12-31-7f3a9c12"))
def reproduce(
    run: Annotated[str, typer.Argument(help="Id of a run in MLflow or Dagster, or a release.")],
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a release again and compare it file by file, or name what differs.

    Exit code 0 if everything is the same, 8 if something differs.
    """
    from recsys_pipeline.commands.reproduce import reproduce_run, show_reproduction
    from recsys_pipeline.defs.doors import REAL
    from recsys_pipeline.settings import load_settings

    loaded, console = load_settings(settings), console_for(as_json)
    found = reproduce_run(loaded, REAL.store(loaded), run, console)
    if as_json:
        print_json({**asdict(found), "same": found.same, "sentence": found.sentence})
    else:
        show_reproduction(found, console)
    if not found.same:
        raise typer.Exit(_DIFFERS)
