"""The one place that imports Great Expectations, and how its contexts are set up."""

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

SITE: Final = "tables"
"""Name of the Data Docs site."""

RESULTS: Final = "results"
"""Folder beside the pages with the suites and results that they are made from, as JSON."""

_NAME: Final = "great_expectations"
_LOCK: Final = threading.Lock()


def load() -> ModuleType:
    """Great Expectations; the first call imports it, which takes seconds.

    PySpark is kept out of that import: Great Expectations would take it in wherever it is
    installed, and `pyspark.sql.connect` ends the process where ``__main__`` has no file (test
    workers, preloaded servers, runs started by a daemon).
    """
    with _LOCK:
        if _NAME not in sys.modules:
            with _without_pyspark(), _no_analytics(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(_NAME)
        return sys.modules[_NAME]


@contextmanager
def _without_pyspark() -> Iterator[None]:
    """Make ``import pyspark`` fail; modules of it that are loaded come back afterwards."""
    root = "pyspark"
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_in(name, root)}
    sys.modules[root] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[root]
        sys.modules.update(loaded)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@contextmanager
def _no_analytics() -> Iterator[None]:
    """Turn analytics off for versions that decide about it on import."""
    name = "GX_ANALYTICS_ENABLED"
    before = os.environ.get(name)
    os.environ[name] = "False"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def context(docs_folder: Path | None = None) -> "EphemeralDataContext":
    """A context that lives in memory, without analytics, progress bars and temporary folders.

    Args:
        docs_folder: where the Data Docs site is written, and (in `RESULTS`) the suites and
            results that it is made from; None for a context without either.
    """
    gx = load()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    defaults = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    stores = dict(defaults.stores)
    sites = {}
    if docs_folder is not None:
        folder = docs_folder.resolve()
        for name in (defaults.expectations_store_name, defaults.validation_results_store_name):
            stores[name] = {**stores[name], "store_backend": _backend(folder / RESULTS / name)}
        sites[SITE] = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _backend(folder),
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    made: EphemeralDataContext = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=defaults,
            stores=stores,
            data_docs_sites=sites,
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )
    return made


def _backend(folder: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
