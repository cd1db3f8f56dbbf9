"""A copy of the database, made while it is written to."""

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from recsys_pipeline.errors import SetupError, StorageError
from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.pipeline.serving_config import DatabaseConfig
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.backup import back_up
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore

AT = datetime(2024, 5, 6, tzinfo=UTC)


def event(number: int) -> Event:
    return Event(f"e{number}", "u", "m", "view", AT, AT)


def numbers_in(path) -> list[int]:
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = copy.execute("SELECT event_id FROM events ORDER BY number").fetchall()
    return [int(each[0].removeprefix("e")) for each in found]


def test_a_copy_holds_what_was_acknowledged_and_writers_go_on(tmp_path):
    settings = Settings(root=tmp_path)
    ended = threading.Event()
    written: list[int] = []

    def write(store: SqlEventStore) -> None:
        while not ended.is_set():
            store.add_events([event(len(written))])
            written.append(len(written))

    with closing(database_of(settings)) as database:
        store = SqlEventStore(database)
        store.add_events([event(-1)])
        writer = threading.Thread(target=write, args=(store,))
        writer.start()
        try:
            while len(written) < 20:
                assert writer.is_alive()
            before = len(written)
            size = back_up(settings, tmp_path / "copy.db")
            after = len(written)
        finally:
            ended.set()
            writer.join()

    copied = numbers_in(tmp_path / "copy.db")
    assert copied == list(range(-1, len(copied) - 1))
    assert before <= len(copied) - 1 <= after + 1
    assert size == (tmp_path / "copy.db").stat().st_size
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_copy_holds_nothing_that_was_erased(tmp_path):
    settings = Settings(root=tmp_path)
    with closing(database_of(settings)) as database:
        store = SqlEventStore(database)
        store.add_events([Event("e1", "marker-7f3a9c", "m", "view", AT, AT), event(2)])
        store.erase("marker-7f3a9c")
        back_up(settings, tmp_path / "copy.db")

    assert b"marker-7f3a9c" not in (tmp_path / "copy.db").read_bytes()
    assert numbers_in(tmp_path / "copy.db") == [2]


def test_no_copy_over_another_file_or_of_nothing(tmp_path):
    settings = Settings(root=tmp_path)
    with pytest.raises(StorageError, match="no database"):
        back_up(settings, tmp_path / "copy.db")
    database_of(settings).close()
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(SetupError, match="there already"):
        back_up(settings, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"
    with pytest.raises(SetupError, match="cannot be written"):
        back_up(settings, tmp_path / "missing" / "copy.db")
    postgres = DatabaseConfig(url=SecretStr("postgresql://user:secret@127.0.0.1:1/name"))
    with pytest.raises(StorageError, match="not a SQLite file") as refused:
        back_up(settings.model_copy(update={"database": postgres}), tmp_path / "other.db")
    assert "pg_dump" in refused.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]
