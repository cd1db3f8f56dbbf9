"""`recsys privacy`: everything held about a person, and its removal."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from recsys_pipeline.commands.clock import now
from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    json_text,
    lines,
    print_json,
)
from recsys_pipeline.errors import SettingsError, SetupError

if TYPE_CHECKING:
    from recsys_pipeline.pipeline.privacy import Privacy
    from recsys_pipeline.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="People's data: tell everything held about a person, or remove it with a receipt.",
)

UserArgument = Annotated[str, typer.Argument(help="The user's id.")]


@app.command(epilog=lines("recsys privacy export 42", "recsys privacy export 42 --to 42.json"))
def export(
    user: UserArgument,
    to: Annotated[Path | None, typer.Option(help="File to write, else it is printed.")] = None,
    settings: SettingsOption = None,
) -> None:
    """Print everything held about a person as one JSON document.

    Tables of every stored week, releases with their lists and reasons, events, answers shown,
    rows set aside, and receipts of erasure.
    """
    with _privacy(settings) as privacy:
        found = privacy.export(user, now().to_pydatetime())
    if to is None:
        print_json(found)
        return
    _write_private(to, json_text(found) + "\n")
    typer.echo(f"Written to {to}; only you may read it.")


@app.command(epilog=lines("recsys privacy erase 42", "recsys privacy erase 42 --yes --json"))
def erase(
    user: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a person from everything that is held, for good, and print the receipt.

    Only a keyed hash of the id stays, so that no later import brings the person back. While a run
    is under way, the rest follows when it ends.
    """
    if not yes:
        typer.confirm("Remove this person from everything that is held, for good?", abort=True)
    with _privacy(settings) as privacy:
        erased = privacy.erase(user, now().to_pydatetime())
    if as_json:
        print_json(erased.receipt if erased.done else {"number": erased.number, "why": erased.why})
        return
    console = console_for(False)
    if not erased.done:
        console.print(f"Begun (number {erased.number}), not finished: {erased.why}", markup=False)
        console.print("It goes on by itself when the run ends, or with `recsys privacy resume`.")
        return
    _show(erased.receipt, console)


@app.command(epilog=lines("recsys privacy resume"))
def resume(settings: SettingsOption = None) -> None:
    """Finish the erasures that were begun and not finished, as after a crash.

    Every weekly run and every start of the server does so too.
    """
    with _privacy(settings) as privacy:
        done = privacy.resume(now().to_pydatetime())
    console = console_for(False)
    if not done:
        console.print("Every erasure is finished.")
    for erased in done:
        _show(erased.receipt, console)


@app.command(epilog=lines("recsys privacy receipts", "recsys privacy receipts --json"))
def receipts(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show what was removed and when, of every erasure; none names anybody."""
    with _privacy(settings) as privacy:
        found = privacy.receipts()
    if as_json:
        print_json(found)
        return
    console = console_for(False)
    if not found:
        console.print("Nobody was erased yet.")
    for receipt in found:
        _show(receipt, console)


@app.command(epilog=lines("recsys privacy repeat", "recsys privacy repeat /backup/receipts.json"))
def repeat(
    receipts: Annotated[
        Path | None,
        typer.Argument(help="Output of `recsys privacy receipts --json`, newer than the backup."),
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """After an older backup was restored: erase again whoever it brought back.

    Everything held is looked through for the people of the receipts in the database, and of the
    file where one is named. Those of the file whom nothing is about are remembered as erased too.
    """
    from recsys_pipeline.pipeline.privacy_repeat import repeat as repeat_with
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage import FileReleaseStore
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.held_people import held_people

    given = [] if receipts is None else _receipts_in(receipts)
    loaded = load_settings(settings)
    with _privacy(settings) as privacy, closing(database_of(loaded)) as database:
        held = held_people(loaded, FileReleaseStore(loaded.data / "releases"), database)
        done = repeat_with(privacy, given, held, now().to_pydatetime())
    if as_json:
        print_json(
            {
                "erased": [each.receipt for each in done.erased if each.done],
                "waiting": sum(not each.done for each in done.erased),
                "learned": done.learned,
            }
        )
        return
    console = console_for(False)
    console.print(f"{len(done.erased):,} people erased again; {done.learned:,} receipts were new.")
    for each in done.erased:
        if not each.done:
            console.print(f"Begun (number {each.number}), not finished: {each.why}", markup=False)


def _write_private(to: Path, text: str) -> None:
    """Write a file that only its owner may read, whole, in the place of one that is there."""
    beside = to.with_name(f".{to.name}.{uuid4().hex}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(to)
    except OSError as error:
        raise SetupError(
            f"{to} cannot be written: {error.strerror or error}.", "Name another file."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _receipts_in(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}.",
            "Name the output of `recsys privacy receipts --json`.",
        ) from error
    if not isinstance(found, list):
        raise SettingsError(
            f"{path} holds no list of receipts.",
            "Name the output of `recsys privacy receipts --json`.",
        )
    return found


@app.command("new-key", epilog=lines("recsys privacy new-key --yes"))
def new_key(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsOption = None,
) -> None:
    """Go on with another privacy key where the one before is lost for good.

    Who was erased before is known no longer: remove them from the source, else they come back.
    """
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.privacy_door import renew_key
    from recsys_pipeline.storage.state import SqlStateStore

    if not yes:
        typer.confirm("Go on without knowing who was erased before?", abort=True)
    loaded = load_settings(settings)
    with closing(database_of(loaded)) as database:
        renew_key(loaded, SqlStateStore(database))
    typer.echo("Done. Erase again whoever is still in the source.")


@contextmanager
def _privacy(settings: Path | None) -> "Iterator[Privacy]":
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage import FileReleaseStore
    from recsys_pipeline.storage.privacy_door import opened_privacy

    loaded: Settings = load_settings(settings)
    store = FileReleaseStore(loaded.data / "releases")
    with opened_privacy(loaded, store, make=True) as privacy:
        assert privacy is not None
        yield privacy


def _show(receipt: Any, console: Console) -> None:
    console.print(f"Receipt {receipt['number']}, {receipt['erased_at']}:", markup=False)
    for step in receipt["steps"]:
        counts = ", ".join(f"{name} {count:,}" for name, count in step["removed"].items() if count)
        console.print(f"  {step['step']}: {counts or 'nothing'}", markup=False)
    console.print("Left to you:")
    for text in receipt["left_to_people"]:
        console.print(f"  - {text}", markup=False, soft_wrap=True)
