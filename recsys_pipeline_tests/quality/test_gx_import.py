"""How Great Expectations is imported: late, and without PySpark."""

import importlib
import os
import subprocess
import sys
import types

import pytest

from recsys_pipeline.quality import gx


def test_importing_the_room_does_not_import_great_expectations() -> None:
    code = "import recsys_pipeline.quality, sys; sys.exit('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0


def test_pyspark_is_hidden_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = {name: types.ModuleType(name) for name in ("pyspark", "pyspark.sql")}
    for name, module in loaded.items():
        monkeypatch.setitem(sys.modules, name, module)
    with gx._without_pyspark():
        for name in loaded:
            with pytest.raises(ImportError):
                importlib.import_module(name)
    assert {name: sys.modules[name] for name in loaded} == loaded


def test_loading_leaves_modules_and_environment_as_they_were(great_expectations: None) -> None:
    assert gx.load() is sys.modules["great_expectations"]
    assert "pyspark" not in sys.modules
    assert "GX_ANALYTICS_ENABLED" not in os.environ
