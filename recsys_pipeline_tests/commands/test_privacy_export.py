"""`recsys privacy export --to`: the file is whole, and nobody else may read it."""

import json

from typer.testing import CliRunner

from recsys_pipeline.commands.privacy_app import app


def export(root, to):
    settings = root / "recsys.toml"
    settings.write_text("")
    return CliRunner().invoke(app, ["export", "42", "--to", str(to), "--settings", str(settings)])


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_cannot(tmp_path):
    to = tmp_path / "42.json"
    to.write_text("old")
    to.chmod(0o644)
    with to.open() as open_before:
        told = export(tmp_path, to)
        assert open_before.read() == "old"

    assert told.exit_code == 0, told.output
    assert to.stat().st_mode & 0o777 == 0o600
    assert json.loads(to.read_text())["user_id"] == "42"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".tmp") == []


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    told = export(tmp_path, tmp_path / "none" / "42.json")
    assert told.exit_code != 0
    assert "42.json" in str(told.exception)
