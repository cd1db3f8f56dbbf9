"""Dagster's own storage lies in one folder, wherever the process stands."""

import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from recsys_pipeline.defs import instance_for
from recsys_pipeline.defs.instance import TEMPLATE
from recsys_pipeline.errors import SetupError

ROOT = Path(__file__).parents[2]


def test_the_repository_uses_what_is_written_for_others():
    assert (ROOT / "dagster.yaml").read_text() == TEMPLATE.read_text()


def test_everything_lies_in_one_folder_below_the_root(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    root = tmp_path / "root"
    root.mkdir()

    with instance_for(root) as instance:

        @dg.op
        def nothing() -> None: ...

        @dg.job
        def small() -> None:
            nothing()

        result = small.execute_in_process(instance=instance)
    with instance_for(root) as again:
        assert again.get_run_by_id(result.run_id).is_success

    assert sorted(path.name for path in root.iterdir()) == [".dagster", "dagster.yaml"]
    assert not list(elsewhere.iterdir())


def test_a_file_of_the_user_is_respected(tmp_path):
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    with instance_for(tmp_path) as instance:
        assert instance.get_settings("telemetry") == {"enabled": False}
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry:\n  enabled: false\n"


@pytest.mark.parametrize("text", ["storage: [", "storage:\n  sqlight: 1\n"])
def test_a_file_that_is_not_valid_is_a_setup_error(tmp_path, text):
    (tmp_path / "dagster.yaml").write_text(text)

    with pytest.raises(SetupError, match=r"dagster\.yaml"):
        instance_for(tmp_path)


def test_the_code_location_is_named_once():
    location = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]
    dg_tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]

    assert location["python_module"]["module_name"] == "recsys_pipeline.definitions"
    assert dg_tool["code_location_target_module"] == "recsys_pipeline.definitions"
    assert location["python_module"]["location_name"] == dg_tool["code_location_name"]


def test_loading_the_code_location_imports_no_heavy_framework():
    code = (
        "import sys, dagster as dg, recsys_pipeline.definitions as d\n"
        "dg.Definitions.validate_loadable(d.defs)\n"
        "assert d.defs.executor is dg.in_process_executor\n"
        "print(*sorted({'mlflow', 'great_expectations'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
