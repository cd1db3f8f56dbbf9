"""What every test starts from: an environment without this product's settings."""

import os

import pytest

from recsys_pipeline.commands.threads import THREADS

# As the command line does, before any numerical library is loaded.
for _variable, _value in THREADS.items():
    os.environ.setdefault(_variable, _value)

_PREFIXES = ("RECSYS_", "DAGSTER_", "MLFLOW_")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """Clear the settings of the machine, and stand in an empty folder.

    A test that writes to its working folder leaves nothing in the project, and none reads the
    project's recsys.toml by accident.
    """
    for name in os.environ:
        if name.startswith(_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
