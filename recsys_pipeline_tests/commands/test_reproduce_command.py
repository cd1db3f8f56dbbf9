"""`recsys reproduce`: the run is found by its id, and what came of it is told."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from recsys_pipeline.commands.reproduce import find_release, reproduce_run, show_reproduction
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import LISTS, Manifest
from recsys_pipeline.pipeline.reproducing import Compared, Reproduction
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage import FileReleaseStore, MemoryReleaseStore

MANIFEST = Manifest(
    release="2023-12-31-aaaa1111",
    as_of="2023-12-31T12:00:00+00:00",
    source="files",
    data_fingerprint="d" * 64,
    settings_fingerprint="s" * 64,
    recommender="ease",
    k=5,
    rows={},
    metrics={},
    verdict="yes",
    files={},
    tracking_run="f00d1234",
    orchestrator_run="beef5678",
)
OTHER = replace(
    MANIFEST, release="2023-12-31-bbbb2222", tracking_run="f00d9999", orchestrator_run="beef"
)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def told(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    kept = MemoryReleaseStore(tmp_path / "scratch")
    for manifest in (MANIFEST, OTHER):
        kept.publish(manifest, {LISTS: manifest.release.encode()})
    return kept


@pytest.mark.parametrize(
    ("wanted", "release"),
    [
        ("f00d1234", MANIFEST.release),
        ("f00d1", MANIFEST.release),
        ("beef5", MANIFEST.release),
        ("beef", OTHER.release),
        (" 2023-12-31-b ", OTHER.release),
    ],
)
def test_a_run_or_release_by_the_beginning_of_its_id(store, wanted, release):
    assert find_release(store, wanted).release == release


@pytest.mark.parametrize("wanted", ["f00d", "2023-12-31"])
def test_a_beginning_that_fits_several(store, wanted):
    with pytest.raises(ReleaseError, match=r"fits several releases: .*aaaa1111, .*bbbb2222"):
        find_release(store, wanted)


@pytest.mark.parametrize("wanted", ["", " ", "cafe", "00d1234"])
def test_a_run_without_a_release(store, wanted):
    with pytest.raises(ReleaseError, match="No release belongs") as error:
        find_release(store, wanted)

    assert "`recsys releases list`" in error.value.hint


def test_a_real_run_comes_out_the_same(served, console):
    settings = load_settings(served / "recsys.toml")
    store = FileReleaseStore(settings.data / "releases")
    manifest = store.current()

    found = reproduce_run(settings, store, manifest.tracking_run[:10], console)
    show_reproduction(found, console)

    assert found.same
    assert all(each.same for each in found.compared)
    assert {each.name for each in found.compared if each.kind == "table"} == {
        "users",
        "movies",
        "interactions",
    }
    assert f"Release {manifest.release} came out the same" in told(console)


def test_tables_that_are_gone(served, console, tmp_path: Path):
    settings = load_settings(served / "recsys.toml")
    store = FileReleaseStore(settings.data / "releases")
    storage = settings.storage.model_copy(update={"data": str(tmp_path / "moved")})
    moved = settings.model_copy(update={"storage": storage})

    with pytest.raises(ReleaseError, match=r"The tables of week .* cannot be read") as error:
        reproduce_run(moved, store, store.current().release, console)

    assert "Restore" in error.value.hint
    assert error.value.exit_code == 6


def test_what_differs_is_shown(console):
    compared = (
        Compared("table", "users", "40 rows abc", "40 rows abc", True),
        Compared("package", "numpy", "2.4.1", "2.4.2", False),
        Compared("package", "scipy", "", "1.17", None),
        Compared("file", LISTS, "a" * 64, "b" * 64, False),
        Compared("file", "model/[x].json", "", "c" * 64, False),
    )

    show_reproduction(Reproduction("2024-01-01-x", compared, True, 40, 3), console)

    text = told(console)
    assert "aaaaaaaaaaaa │ bbbbbbbbbbbb │ differs" in text
    assert "not there" in text
    assert "not known │ 1.17 │ not known" in text
    assert "model/[x].json" in text
    assert "3 of 40 users have another list; other versions: numpy 2.4.1 → 2.4.2." in text
