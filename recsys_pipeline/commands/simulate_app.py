"""`recsys simulate`: half a year of the pipeline, over people who answer."""

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


@app.command(
    epilog=lines(
        "recsys simulate",
        "recsys simulate --users 2000 --weeks 12 --out trial",
        "recsys simulate --shuffled --no-worlds --out shuffled",
    )
)
def simulate(
    settings: SettingsOption = None,
    weeks: Annotated[int, typer.Option(min=2, max=104, help="Weeks that are lived.")] = 26,
    users: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Users at the start.")
    ] = 10_000,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")
    ] = 42,
    out: Annotated[
        Path, typer.Option(help="Folder for releases, MLflow's runs and the report.")
    ] = Path("half_year"),
    exploration: Annotated[
        int, typer.Option(min=0, max=10, help="Places of each personal list that explore.")
    ] = 2,
    shuffled: Annotated[
        bool,
        typer.Option("--shuffled", help="Hand each personal list to somebody else: no help then."),
    ] = False,
    worlds: Annotated[
        bool,
        typer.Option(
            "--worlds/--no-worlds",
            help="Also live three small worlds: with and without exploration, and shuffled.",
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Live half a year: the weekly job, an experiment against popular lists, and the report.

    People come, look at what they are shown, watch, tire, change their taste and leave; see
    docs/simulation.md for the rule. The goals, prices and assumptions are those of recsys.toml.
    """
    from recsys_pipeline.commands.clock import seconds
    from recsys_pipeline.commands.simulate import Wanted, live_half_year
    from recsys_pipeline.settings import load_settings

    console = console_for(as_json)
    wanted = Wanted(weeks, users, seed, exploration, shuffled, worlds, out)
    found = live_half_year(load_settings(settings), wanted, console, seconds)
    if as_json:
        print_json(found)
