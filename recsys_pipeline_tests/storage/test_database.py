"""Opening a database: made, upgraded, refused; and what its errors say."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage import schema
from recsys_pipeline.storage.database import Database, database_of, open_database
from recsys_pipeline.storage.tables import HEAD, METADATA


@pytest.fixture
def database(database_url, tmp_path):
    made = open_database(database_url, UPath(tmp_path))
    yield made
    made.close()


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_migrations_make_the_tables_of_the_code(database):
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_revision_of_the_code_is_the_newest_migration():
    assert ScriptDirectory.from_config(schema._config()).get_heads() == [HEAD]


def test_every_migration_can_be_undone_and_done_again(database):
    before = tables(database)
    with database.writing() as connection:
        schema.downgrade(connection, "base")
    assert tables(database) == {"alembic_version"}
    with database.writing() as connection:
        assert schema.revision_of(connection) is None
        schema.upgrade(connection, database.place)
    assert tables(database) == before == {*METADATA.tables, "alembic_version"}


def test_a_failed_migration_changes_nothing(database, monkeypatch):
    with database.writing() as connection:
        schema.downgrade(connection, "base")

    def upgrade_and_fail(connection):
        schema.upgrade(connection, "here")
        raise OSError("power cut")

    with pytest.raises(StorageError), database.writing() as connection:
        upgrade_and_fail(connection)
    assert tables(database) == {"alembic_version"}


def test_a_database_of_a_later_version_is_refused(database, database_url, tmp_path):
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match=r"revision 9999.*a later version wrote it"):
        open_database(database_url, UPath(tmp_path))


def test_several_processes_may_open_a_new_database_at_once(database_url, tmp_path):
    made: list[Database] = []
    threads = [
        threading.Thread(target=lambda: made.append(open_database(database_url, UPath(tmp_path))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    for database in made:
        assert tables(database) == {*METADATA.tables, "alembic_version"}
        database.close()


def test_sqlite_is_durable_and_writes_beside_readers(tmp_path):
    database = open_database(None, UPath(tmp_path / "new"))
    assert database.place == str(tmp_path / "new" / "events.db")
    with database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
        }
        with database.writing() as other:
            other.exec_driver_sql("INSERT INTO state VALUES ('a', 'b')")
    database.close()


def test_the_settings_name_the_database(tmp_path, monkeypatch):
    (tmp_path / "recsys.toml").write_text("")
    database = database_of(load_settings(start=tmp_path))
    assert database.place == str(tmp_path / "data" / "events.db")
    database.close()
    monkeypatch.setenv("RECSYS_DATABASE__URL", f"sqlite:///{tmp_path}/other.db")
    database = database_of(load_settings(start=tmp_path))
    assert database.place == f"{tmp_path}/other.db"
    database.close()


def test_beside_a_remote_data_folder_the_file_lies_with_the_settings(tmp_path):
    (tmp_path / "recsys.toml").write_text('[storage]\ndata = "memory://bucket/data"')
    database = database_of(load_settings(start=tmp_path))
    assert database.place == str(tmp_path / "data" / "events.db")
    database.close()
    with pytest.raises(StorageError, match="remote"):
        open_database(None, UPath("memory://bucket/data"))


@pytest.mark.parametrize(
    "url, said",
    [
        ("no url s3cret", "is no URL"),
        ("postgresql://user:s3cret@host:port/name", "is no URL"),
        ("mysql://user:s3cret@host/name", "'mysql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("postgresql://user:s3cret@127.0.0.1:1/name", "postgresql://127.0.0.1:1/name cannot be"),
        ("postgresql://user@127.0.0.1:1/name?password=s3cret", "127.0.0.1:1/name cannot be"),
        ("postgresql+nosuch://user:s3cret@127.0.0.1:1/name", "driver"),
        ("sqlite:////proc/nothing/events.db", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path, url, said):
    with pytest.raises(StorageError, match=said) as raised:
        open_database(url, UPath(tmp_path))
    seen: BaseException | None = raised.value
    while seen is not None:
        assert "s3cret" not in str(seen)
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__
    assert raised.value.hint


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "events.db").write_text("something else " * 100)
    with pytest.raises(StorageError, match="not a database"):
        open_database(None, UPath(tmp_path))


def test_errors_show_neither_sql_nor_its_parameters(database):
    with pytest.raises(StorageError) as raised, database.reading() as connection:
        connection.execute(sa.text("SELECT * FROM nowhere WHERE a = :a"), {"a": "person-17"})
    assert "nowhere" in raised.value.message
    assert "person-17" not in str(raised.value)
    assert "SELECT" not in str(raised.value)


def test_other_modules_of_storage_do_not_load_the_framework():
    code = (
        "import recsys_pipeline.storage, recsys_pipeline.storage.group_writer, "
        "recsys_pipeline.storage.memory_events, sys; "
        "raise SystemExit('sqlalchemy' in sys.modules or 'alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_migrations_are_part_of_the_package():
    folder = Path(schema.__file__).parent / "migrations"
    assert {path.parent.name for path in folder.rglob("__init__.py")} == {"migrations", "versions"}
