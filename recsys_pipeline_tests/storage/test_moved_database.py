"""A database file that is moved away while it is open takes in nothing more."""

from datetime import UTC, datetime

import pytest
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.storage.database import FILE_NAME, open_database
from recsys_pipeline.storage.events import SqlEventStore

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def event(number: int) -> Event:
    return Event(f"e{number}", "7", "3", "click", NOW, NOW)


def test_nothing_is_acknowledged_that_nobody_would_find(tmp_path) -> None:
    store = SqlEventStore(open_database(None, UPath(tmp_path)))
    assert store.add_events([event(1)]) == 1
    file, elsewhere = tmp_path / FILE_NAME, tmp_path / "elsewhere.db"
    file.rename(elsewhere)
    with pytest.raises(StorageError, match="moved away"):
        store.add_events([event(2)])
    file.write_bytes(b"")
    with pytest.raises(StorageError, match="moved away"):
        store.add_events([event(2)])
    elsewhere.rename(file)
    assert store.add_events([event(2)]) == 1
    store.close()
