"""The command line: `recsys`."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from recsys_pipeline.commands import (
    database_app,
    evidence_app,
    experiment_app,
    keys_app,
    privacy_app,
    releases_app,
    report_app,
    simulate_app,
)
from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)
from recsys_pipeline.commands.threads import THREADS
from recsys_pipeline.errors import RecsysError

app = typer.Typer(
    name="recsys",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A weekly recommender pipeline: checked data, compared models, a list for every user.",
    epilog=lines(
        "Start with your own files:  recsys init FOLDER, then recsys run.",
        "Start with an example:  recsys example-data example, recsys init example, recsys run.",
        "Exit codes: 0 done; 1 a bug; 2 settings or options; 3 a source cannot be read; "
        "4 the data must not be trained on; 5 a model; 6 no release; 7 the set-up (folder, port, "
        "another run); 8 a release did not come out the same again; 9 the database; "
        "130 stopped with Ctrl-C. "
        "But for 0, the release in service stays.",
        "Settings are in recsys.toml; docs/settings.md lists them all.",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(evidence_app.app)
app.add_typer(report_app.app)
app.add_typer(simulate_app.app)
app.add_typer(releases_app.app, name="releases")
app.add_typer(experiment_app.app, name="experiment")
app.add_typer(keys_app.app, name="keys")
app.add_typer(privacy_app.app, name="privacy")
app.add_typer(database_app.app, name="database")

_INTERRUPTED = 130
"""Exit code of a command that was stopped with Ctrl-C."""


def main() -> None:
    """Entry point: errors of the user are told in words and give their exit code."""
    for variable, value in THREADS.items():
        os.environ.setdefault(variable, value)
    try:
        app()
    except RecsysError as error:
        stderr = Console(stderr=True, soft_wrap=True, highlight=False)
        stderr.print(f"[red]Error:[/] {_plain(error.message)}")
        if error.hint:
            stderr.print(f"  → {_plain(error.hint)}")
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            typer.echo("Stopped. The last whole release is in service.", err=True)
        raise
    except Exception as error:  # noqa: BLE001 - a bug is told in one line, and kept whole in a log
        _tell_bug(error)
        sys.exit(1)


def _tell_bug(error: Exception) -> None:
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.crash import first_line, write_crash
    from recsys_pipeline.settings import find_settings_file

    found = find_settings_file(Path.cwd())
    log = write_crash(error, found.parent if found else Path.cwd(), now())
    typer.echo(
        f"Unexpected error, this is a bug: {first_line(error)}. "
        + (f"The full traceback is in {log}." if log else "Its traceback cannot be written here."),
        err=True,
    )


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@app.command(
    epilog=lines(
        "recsys init data/",
        "recsys init users.csv films.parquet ratings.csv.gz",
        "recsys init ml-latest-small/ --folder weekly/",
    )
)
def init(
    paths: Annotated[list[Path], typer.Argument(help="Your files, or folders of them.")],
    folder: Annotated[Path, typer.Option(help="Where to write recsys.toml.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a recsys.toml.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at your files, write recsys.toml, and say what was guessed and why.

    Only a file of interactions is needed (who watched what); users and movies make lists better.
    CSV and other delimited text, Parquet, packed or not; MovieLens folders as downloaded.
    """
    from recsys_pipeline.commands import show
    from recsys_pipeline.commands.init import initialise

    done = initialise([path.absolute() for path in paths], folder.resolve(), force)
    if as_json:
        guessed = [
            {"setting": each.setting, "value": each.value, "reason": each.reason}
            for each in done.found.guessed
        ]
        print_json({"path": done.path, "guessed": guessed, "questions": done.found.questions})
        return
    show.initialised(done, console_for(False))


@app.command(
    epilog=lines(
        "recsys run",
        "recsys run --sample 0.05        a first look at big data",
        "recsys run --as-of 2024-06-30   as if it were that day",
        "recsys run --json > run.json    for scripts",
    )
)
def run(
    settings: SettingsOption = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="Look from this moment, such as 2024-06-30; else the newest event."),
    ] = None,
    sample: Annotated[
        float, typer.Option(help="Share of the users, for a first look at big data.")
    ] = 1.0,
    split: Annotated[
        str | None, typer.Option(help="What is held out: auto, temporal, last or random.")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", "-k", help="Length of a list.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the weekly job once, now: check, train, compare, release.

    A run that fails changes nothing: the release in service stays. Rows at fault are set aside,
    each with the rule that it breaks; too many of them stop the run.
    """
    console = console_for(as_json)
    from recsys_pipeline.settings import load_settings

    loaded = load_settings(settings)
    console.print("[dim]Starting (the first seconds go to loading the frameworks)[/]")
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.run import run as run_once
    from recsys_pipeline.defs.options import parse_as_of

    overrides: dict[str, Any] = {}
    if split is not None:
        overrides["evaluation"] = {"split": split}
    if k is not None:
        overrides["k"] = k
    moment = None if as_of is None else parse_as_of(as_of)
    done = run_once(loaded, moment, sample, overrides, now(), console)
    if as_json:
        print_json(
            {
                "week": done.week,
                "release": done.facts["top_n"],
                "trained_model": done.facts["trained_model"],
                "verdict": done.facts["verdict"],
                "tables": done.tables.to_dict("records"),
                "quarantine": done.quarantine.to_dict("records"),
                "later": done.later,
                "notes": done.notes,
                "failed_checks": done.failed_checks,
                "comparison": json.loads(done.comparison.to_json(orient="records")),
                "seconds": done.seconds,
            }
        )
        return
    from recsys_pipeline.commands import show

    show.summary(done, console)
    console.print("Where to look next:")
    recsys = _as_typed()
    for command, what in (
        ("ui", "the page, Dagster, MLflow and the Data Docs in your browser"),
        ("serve", "the API and the page alone"),
        ("recommend USER", "one user's list"),
        ("report", "what happened in the week, did it help, what to do"),
        ("doctor", "what is odd about the data or the set-up"),
    ):
        console.print(f"  {f'{recsys} {command}':<25} {what}", highlight=False, soft_wrap=True)
    for name, where in _places(loaded):
        console.print(f"  {name:<25} {where}", highlight=False, soft_wrap=True)


def _as_typed() -> str:
    """The command as it can be typed here: with its folder where that is not on the PATH."""
    if shutil.which("recsys"):
        return "recsys"
    own = Path(sys.argv[0]).resolve()
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


def _places(settings: Any) -> list[tuple[str, str]]:
    from recsys_pipeline.storage.folders import docs_folder

    return [
        ("lists", f"{settings.data / 'releases'}"),
        ("weekly reports", f"{settings.data / 'reports'}"),
        ("rows in quarantine", f"{settings.data / 'assets' / 'quarantine'}"),
        ("Data Docs", f"{docs_folder(settings) / 'index.html'}"),
    ]


@app.command(
    epilog=lines("recsys recommend 42", "recsys recommend 42 -k 3 --json", "recsys recommend -- -7")
)
def recommend(
    user: Annotated[str | None, typer.Argument(help="The user's id.")] = None,
    settings: SettingsOption = None,
    k: Annotated[int | None, typer.Option("--k", "-k", help="How many movies.")] = None,
    likes: Annotated[
        list[str] | None, typer.Option("--likes", help="Somebody new likes this (id or title).")
    ] = None,
    genre: Annotated[
        list[str] | None, typer.Option("--genre", help="Somebody new likes this genre.")
    ] = None,
    profile: Annotated[
        list[str] | None, typer.Option("--profile", help="What is known, such as age=30.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one user's list from the release in service.

    Somebody whom the release does not know gets the list for a person of whom nothing is known.
    Without an id, --likes, --genre and --profile (each any number of times) make a list for
    somebody new.
    """
    from recsys_pipeline.commands.lists import answers_of, list_for, list_of
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage import FileReleaseStore

    loaded = load_settings(settings)
    answers = answers_of(user, likes or [], genre or [], profile or [])
    store = FileReleaseStore(loaded.data / "releases")

    def in_tables(wanted: str) -> bool:
        from recsys_pipeline.commands.assets import has_user

        return has_user(loaded, wanted)

    found = list_of(store, user, k, in_tables) if user else list_for(store, answers, k)
    if as_json:
        rows = json.loads(found.rows.to_json(orient="records"))
        from recsys_pipeline.contracts.names import USER_ID

        print_json({USER_ID: user, "known": found.known, "recommendations": rows})
        return
    from recsys_pipeline.commands import show

    show.user_list(user, found, console_for(False))


@app.command(epilog=lines("recsys ui", "recsys ui --port 3100 --mlflow-port 5100"))
def ui(
    settings: SettingsOption = None,
    port: Annotated[int | None, typer.Option(help="Port of the Dagster UI.")] = None,
    page_port: Annotated[int | None, typer.Option(help="Port of the page and the API.")] = None,
    mlflow_port: Annotated[int | None, typer.Option(help="Port of the MLflow UI.")] = None,
    docs_port: Annotated[int | None, typer.Option(help="Port of the Data Docs.")] = None,
) -> None:
    """Serve the page, Dagster (with its daemon), MLflow and the Data Docs until Ctrl-C.

    Without a port it takes those of the settings (8000, 3000, 5000, 3001), or a free one.
    """
    from recsys_pipeline.commands.serve import Ports, serve
    from recsys_pipeline.settings import FILE_VARIABLE, load_settings

    loaded = load_settings(settings)
    if settings is not None:
        os.environ[FILE_VARIABLE] = str(settings.resolve())
    serve(loaded, Ports(page_port, port, mlflow_port, docs_port), console_for(False))


@app.command(
    "serve",
    epilog=lines(
        "recsys serve",
        "recsys serve --port 8100 --workers 4",
        "recsys keys create --name shop --scope read, then recsys serve --host 0.0.0.0",
    ),
)
def serve_command(
    settings: SettingsOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else 8000.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes; else 1.")] = None,
) -> None:
    """Answer for the release in service: the API under /v1, the page at /, until Ctrl-C.

    A new release takes over by itself. On an address that other machines reach, keys are needed.
    """
    from recsys_pipeline.commands.serve_api import serve_api
    from recsys_pipeline.settings import FILE_VARIABLE, load_settings

    loaded = load_settings(settings)
    if settings is not None:
        os.environ[FILE_VARIABLE] = str(settings.resolve())
    config = loaded.serving
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    serve_api(loaded, host or config.host, port or config.port, workers or config.workers, console)


@app.command(epilog=lines("recsys doctor", "recsys doctor --user 42", "recsys doctor --json"))
def doctor(
    settings: SettingsOption = None,
    user: Annotated[
        str | None, typer.Option(help="Explain why this user's list is or is not personal.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a broken set-up, an odd data set, or a list that is not personal.

    Exit code 7 if something is broken, 0 if all is well or merely odd.
    """
    from dataclasses import asdict

    from recsys_pipeline.commands import show
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.doctor import examine, explain_user
    from recsys_pipeline.settings import load_settings, settings_file

    loaded = load_settings(settings)
    if user is None:
        looked = examine(loaded, settings_file(settings), now())
    else:
        from recsys_pipeline.commands.assets import released_asset

        looked = explain_user(loaded, user, lambda name: released_asset(loaded, name))
    if as_json:
        found = list(looked)
        print_json([asdict(finding) for finding in found])
    else:
        found = show.findings(looked, console_for(False))
    if any(finding.state == "broken" for finding in found):
        raise typer.Exit(7)


@app.command(
    "example-data",
    epilog=lines("recsys example-data example", "recsys example-data small --users 200"),
)
def example_data(
    folder: Annotated[Path, typer.Argument(help="Where to write the three files.")],
    users: Annotated[int, typer.Option(help="Users.")] = 1_000,
    movies: Annotated[int, typer.Option(help="Movies.")] = 300,
    interactions: Annotated[int, typer.Option(help="Interactions.")] = 15_000,
) -> None:
    """Write a small simulated data set as CSV, with French columns, to try `recsys init` on."""
    from pydantic import ValidationError

    from recsys_pipeline.errors import SettingsError
    from recsys_pipeline.simulation import World, WorldConfig, write_french_files

    try:
        config = WorldConfig(users=users, movies=movies, interactions=interactions)
    except ValidationError as error:
        raise SettingsError(f"example-data: {error.errors()[0]['msg']}.") from error
    for path in write_french_files(World(config), folder):
        typer.echo(path)
    typer.echo(f"Next: recsys init {folder}")


if __name__ == "__main__":
    main()
