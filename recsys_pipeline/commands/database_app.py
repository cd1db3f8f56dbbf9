"""`recsys database`: the tables of events, answers, keys and receipts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)

app = typer.Typer(
    no_args_is_help=True,
    help="The database of events, answers, keys and receipts: see its state, bring it up to date.",
)


@app.command(epilog=lines("recsys database check", "recsys database check --json"))
def check(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show which database the settings name and whether its tables are up to date.

    Nothing is changed. It fails (exit code 9) where the database cannot be reached, or where a
    later version of this program has written it.
    """
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.database import revision_found
    from recsys_pipeline.storage.schema import refuse_newer
    from recsys_pipeline.storage.tables import HEAD

    place, revision = revision_found(load_settings(settings))
    refuse_newer(revision, place)
    if as_json:
        print_json({"place": place, "revision": revision, "newest": HEAD})
        return
    state = {
        HEAD: f"revision {revision}, up to date",
        None: "no tables yet; they are made at first use",
    }.get(revision, f"revision {revision}; {HEAD} is made of it at the next use")
    console_for(False).print(f"{escape(place)}: {state}.", highlight=False, soft_wrap=True)


@app.command(epilog=lines("recsys database upgrade"))
def upgrade(
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the tables, or bring them up to date. Make a backup first.

    Whatever uses the database does so too when it opens it; this does it at a moment of your own.
    """
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.database import database_of, revision_found
    from recsys_pipeline.storage.tables import HEAD

    loaded = load_settings(settings)
    place, before = revision_found(loaded)
    database_of(loaded).close()
    if as_json:
        print_json({"place": place, "before": before, "revision": HEAD})
        return
    done = f"was up to date (revision {HEAD})" if before == HEAD else f"has revision {HEAD} now"
    console_for(False).print(f"{escape(place)} {done}.", highlight=False, soft_wrap=True)


@app.command(epilog=lines("recsys database backup /backup/events-2026-11-22.db"))
def backup(
    to: Annotated[Path, typer.Argument(help="File to write; there must be none.")],
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the SQLite database into one file while servers use it. PostgreSQL has pg_dump.

    To restore: stop the servers, put the copy in the place of the database (without the files
    -wal and -shm of the old one), and see `recsys privacy repeat`.
    """
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.backup import back_up

    size = back_up(load_settings(settings), to)
    if as_json:
        print_json({"file": str(to), "bytes": size})
        return
    console_for(False).print(
        f"{escape(str(to))}: {size:,} bytes; only you may read it.",
        highlight=False,
        soft_wrap=True,
    )
