"""`recsys database` shows the state of the database and brings it up to date."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys_pipeline.commands.database_app import app
from recsys_pipeline.errors import StorageError
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.tables import HEAD


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "recsys.toml"
    path.write_text("")
    return path


def called(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_check_changes_nothing(toml):
    assert "no tables yet" in called("check", "--settings", toml)
    assert not (toml.parent / "data").exists()
    found = json.loads(called("check", "--settings", toml, "--json"))
    place = str(toml.parent / "data" / "events.db")
    assert found == {"place": place, "revision": None, "newest": HEAD}


def test_upgrade_makes_the_tables_once(toml):
    assert f"has revision {HEAD} now" in called("upgrade", "--settings", toml)
    assert f"was up to date (revision {HEAD})" in called("upgrade", "--settings", toml)
    assert "up to date" in called("check", "--settings", toml)
    assert json.loads(called("upgrade", "--settings", toml, "--json"))["before"] == HEAD


def test_a_database_of_a_later_version_is_refused(toml):
    database = database_of(load_settings(toml))
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for command in ("check", "upgrade"):
        with pytest.raises(StorageError, match="a later version wrote it"):
            called(command, "--settings", toml)


def test_backup_says_what_it_wrote(toml):
    called("upgrade", "--settings", toml)
    first, second = toml.parent / "first.db", toml.parent / "second.db"
    assert "only you may read it" in called("backup", first, "--settings", toml)
    told = json.loads(called("backup", second, "--settings", toml, "--json"))
    assert told == {"file": str(second), "bytes": second.stat().st_size}
    assert first.stat().st_size == told["bytes"] > 0
