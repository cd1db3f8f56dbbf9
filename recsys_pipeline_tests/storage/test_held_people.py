"""Everybody about whom anything is held is found, and an older backup brings nobody back."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pandas as pd
import pytest
from typer.testing import CliRunner

from recsys_pipeline.commands.privacy_app import app
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.stored import USERS_FILE
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.online import Event, Shown
from recsys_pipeline.pipeline.protocols import LISTS, PEOPLE, Manifest
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import MemoryReleaseStore
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.held_people import held_people

AT = datetime(2024, 5, 6, tzinfo=UTC)


def event(event_id: str, user: str) -> Event:
    return Event(event_id, user, "m", "view", AT, AT)


def write(root, asset: str, **columns: list) -> None:
    path = root / "data" / "assets" / asset / "2024-05-06.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path)


def test_people_of_tables_events_and_answers(tmp_path):
    settings = Settings(root=tmp_path)
    write(tmp_path, "users", **{n.USER_ID: [12, 7], n.AGE: [30, 40]})
    write(tmp_path, "interactions", **{n.USER_ID: [" a ", None], n.raw(n.USER_ID): [None, "x1"]})
    write(tmp_path, "movies", **{n.MOVIE_ID: [99]})
    rows = [{n.USER_ID: 5.0}, {n.raw(n.USER_ID): "y2"}, {n.MOVIE_ID: 3}]
    texts = [json.dumps(row, separators=(",", ":")) for row in rows]
    write(tmp_path, "quarantine", **{n.TABLE: ["t"] * 3, n.RULES: ["r"] * 3, n.ROW: texts})
    with closing(database_of(settings)) as database:
        store = SqlEventStore(database)
        store.add_events([event("e1", "12"), event("e2", "e")])
        store.add_shown([Shown("r1", "s", AT, "release", "stored", '["m"]')])
        found = held_people(settings, MemoryReleaseStore(tmp_path / "scratch"), database)

    assert found == {"12", "7", "a", "x1", "5", "y2", "e", "s"}


def test_people_of_releases(tmp_path):
    settings, store = Settings(root=tmp_path), MemoryReleaseStore(tmp_path / "scratch")
    lists = pd.DataFrame({n.USER_ID: [1, 2, 1]}).to_parquet()
    profiles = pd.DataFrame({n.USER_ID: [3, 1], n.AGE: [30, 40]}).to_parquet()
    given = Manifest("2024-01-07-0000000a", "2024-01-07T00:00:00+00:00", "files", "d", "s", "ease",
                     2, {}, {}, "yes", {})  # fmt: skip
    store.publish(given, {LISTS: lists, f"{PEOPLE}/{USERS_FILE}": profiles})
    with closing(database_of(settings)) as database:
        assert held_people(settings, store, database) == {"1", "2", "3"}


def called(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_older_backup_brings_nobody_back(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for root in (old, new):
        root.mkdir()
        (root / "recsys.toml").write_text("")
        with closing(database_of(Settings(root=root))) as database:
            SqlEventStore(database).add_events([event("e1", "ada"), event("e2", "bob")])
    key = "RECSYS_PRIVACY__KEY"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(key, "a key that both of them have")
        for user in ("ada", "somebody who was never here"):
            called("erase", user, "--yes", "--settings", new / "recsys.toml")
        receipts = tmp_path / "receipts.json"
        receipts.write_text(called("receipts", "--json", "--settings", new / "recsys.toml"))

        # A backup from before the erasure, and the receipts of now.
        there = ("--settings", old / "recsys.toml", "--json")
        done = json.loads(called("repeat", receipts, *there))
        assert done["learned"] == 2
        assert [each["person"] for each in done["erased"]] == [
            json.loads(receipts.read_text())[0]["person"]
        ]
        with closing(database_of(Settings(root=old))) as database:
            store = SqlEventStore(database)
            assert [store.events_of(user) == [] for user in ("ada", "bob")] == [True, False]
            # The files of an older backup with the database of now.
            store.add_events([event("e3", "ada")])
        assert len(json.loads(called("repeat", *there))["erased"]) == 1
        again = json.loads(called("repeat", receipts, *there))
        assert again == {"erased": [], "waiting": 0, "learned": 0}
        people = {each["person"] for each in json.loads(called("receipts", *there))}
        assert people == {each["person"] for each in json.loads(receipts.read_text())}


def test_what_is_no_file_of_receipts_is_refused(tmp_path):
    toml, file = tmp_path / "recsys.toml", tmp_path / "file"
    toml.write_text("")
    for text in ("no json", "{}", "[1]", '[{"person": "x"}]'):
        file.write_text(text)
        with pytest.raises(SettingsError, match=r"receipt"):
            called("repeat", file, "--settings", toml)
