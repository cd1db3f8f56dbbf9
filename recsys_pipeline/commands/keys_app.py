"""`recsys keys`: who may ask the API."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.commands.clock import now
from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)
from recsys_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from recsys_pipeline.pipeline.online import ApiKey, KeyStore, Scope

_LONGEST_NAME = 100

app = typer.Typer(
    no_args_is_help=True,
    help="API keys: each names who asks, says what it may do, and can be taken back.",
)


@app.command(
    epilog=lines(
        "recsys keys create --name shop --scope read --scope write",
        "recsys keys create --name trial --expires 90d --json",
    )
)
def create(
    name: Annotated[str, typer.Option("--name", help="What the key is for, in your words.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="read, write or admin, any number of times; else read."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it is valid, such as 12h, 90d, 52w; else for ever.")
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show its secret, this once: only a hash of it is kept.

    read is for lists and movies, write for events, admin for everything: histories and other
    data of people too.
    """
    from recsys_pipeline.serving.keyring import duration, new_key

    label, scopes = _name(name), _scopes(scope or ["read"])
    moment = now().to_pydatetime()
    until = None if expires is None else moment + duration(expires)
    with _store(settings) as store:
        there = store.keys()
        taken = [each.key_id for each in there]
        key, secret = new_key(label, scopes, moment, until, taken, secrets.token_bytes)
        store.add(key)
    if as_json:
        print_json({**_told(key, moment), "secret": secret})
        return
    console = console_for(False)
    may = ", ".join(key.scopes)
    valid = "until it is revoked" if until is None else f"until {_day(until)}"
    console.print(f"Key {key.key_id} for {escape(label)}: {may}, valid {valid}.", highlight=False)
    typer.echo(secret)
    console.print("Keep it now: it is not shown again. Send it as Authorization: Bearer KEY.")


@app.command("list", epilog=lines("recsys keys list", "recsys keys list --json"))
def list_keys(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show every key, oldest first, without its secret."""
    moment = now().to_pydatetime()
    with _store(settings) as store:
        keys = store.keys()
    if as_json:
        print_json([_told(key, moment) for key in keys])
        return
    console = console_for(False)
    if not keys:
        console.print("There is no key yet. Make one with `recsys keys create --name NAME`.")
        return
    table = Table(title="API keys", title_justify="left", title_style="bold")
    for column in ("key", "for", "may", "made", "valid until", "state"):
        table.add_column(column, no_wrap=column == "key")
    for key in keys:
        told = _told(key, moment)
        until = "" if key.expires_at is None else _day(key.expires_at)
        may = ", ".join(key.scopes)
        table.add_row(key.key_id, escape(key.name), may, _day(key.created_at), until, told["state"])
    console.print(table)


@app.command(epilog=lines("recsys keys revoke k7f3a9c1"))
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key, as `recsys keys list` shows it.")],
    settings: SettingsOption = None,
) -> None:
    """Refuse a key from now on; running servers do within 5 seconds."""
    with _store(settings) as store:
        found = store.revoke(key)
    if not found:
        raise SettingsError(f"There is no key '{key[:40]}'.", "`recsys keys list` shows their ids.")
    console_for(False).print(f"Key {escape(key)} is revoked.", highlight=False)


@contextmanager
def _store(settings: Any) -> "Iterator[KeyStore]":
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.keys import SqlKeyStore

    database = database_of(load_settings(settings))
    try:
        yield SqlKeyStore(database)
    finally:
        database.close()


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise SettingsError(
            f"--name: a name has 1 to {_LONGEST_NAME} characters that can be printed.",
            "Say what the key is for, such as shop.",
        )
    return name


def _scopes(given: list[str]) -> "list[Scope]":
    from recsys_pipeline.pipeline.online import SCOPES

    known: list[Scope] = [scope for scope in SCOPES if scope in given]
    unknown = [scope for scope in given if scope not in SCOPES]
    if unknown:
        raise SettingsError(
            f"--scope: there is no scope '{unknown[0][:40]}'.", f"Scopes are {', '.join(SCOPES)}."
        )
    return known


def _told(key: "ApiKey", moment: datetime) -> dict[str, Any]:
    """What is told of a key; never its digest."""
    state = "valid"
    if key.expires_at is not None and key.expires_at <= moment:
        state = "expired"
    if key.revoked:
        state = "revoked"
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": key.created_at.isoformat(),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "state": state,
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
