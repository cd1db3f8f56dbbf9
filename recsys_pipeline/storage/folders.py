"""Folders: where what an installation keeps lies on this machine."""

from pathlib import Path

from recsys_pipeline.settings import Settings


def local_data(settings: Settings) -> Path:
    """The data folder, or the folder `data` beside recsys.toml where that is remote."""
    return settings.root / "data" if is_remote(settings) else Path(settings.data.path)


def is_remote(settings: Settings) -> bool:
    """Whether the data folder is a URL."""
    return "://" in settings.storage.data


def docs_folder(settings: Settings) -> Path:
    """Where Data Docs are written."""
    return local_data(settings) / "data_docs"


def orchestrator_folder(settings: Settings) -> Path:
    """Where Dagster and the command line keep runs and logs."""
    return settings.root / ".dagster"


def lock_file(settings: Settings) -> Path:
    """The file that a run holds."""
    if is_remote(settings):
        return orchestrator_folder(settings) / "run.lock"
    return local_data(settings) / "run.lock"


def key_file(settings: Settings) -> Path:
    """The file of the privacy key: in the data folder, or beside recsys.toml."""
    folder = settings.root if is_remote(settings) else local_data(settings)
    return folder / "privacy.key"
