"""A store of each kind, with two releases in it that never were in service."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.protocols import LISTS, Manifest
from recsys_pipeline.storage import FileReleaseStore, MemoryReleaseStore
from recsys_pipeline.storage.releases import ShelfReleaseStore

IDS = tuple(f"2024-01-{day:02d}-{day:08x}" for day in (7, 14, 21, 28))


@dataclass(frozen=True)
class Filled:
    """A store with releases of the first four Sundays of 2024; the last two share a recipe."""

    store: ShelfReleaseStore
    ids: tuple[str, ...] = IDS

    def write_pointer(self, fields: object) -> None:
        """Put other JSON in the place of the pointer."""
        self.store._shelf.point(json.dumps(fields).encode())


def manifest(release: str, recipe: str) -> Manifest:
    given = Manifest(release, f"{release[:10]}T00:00:00+00:00", "files", "d", "s", "ease", 2, {},
                     {}, "yes", {})  # fmt: skip
    return replace(given, recipe_fingerprint=recipe)


def _disk(folder: Path) -> ShelfReleaseStore:
    return FileReleaseStore(folder / "releases")


def _objects(folder: Path) -> ShelfReleaseStore:
    return FileReleaseStore(UPath(f"memory://bucket-{uuid.uuid4().hex}/r"), cache=folder / "cache")


def _memory(folder: Path) -> ShelfReleaseStore:
    return MemoryReleaseStore(folder / "scratch")


@pytest.fixture(params=[_disk, _objects, _memory], ids=["disk", "objects", "memory"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Filled:
    make: Callable[[Path], ShelfReleaseStore] = request.param
    store = make(tmp_path)
    for release, recipe in zip(IDS, ("one", "two", "three", "three"), strict=True):
        lists = pd.DataFrame({n.USER_ID: [1], n.RELEASE: [release]}).to_parquet()
        store.publish(manifest(release, recipe), {LISTS: lists})
    return Filled(store)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'events.db'}"
    return str(request.getfixturevalue("postgres_url"))
