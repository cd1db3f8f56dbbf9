"""One suite for every report store: on a disk, in an object store, in memory."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from upath import UPath

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.reports import FIGURES, REPORT_HTML, ReportStore
from recsys_pipeline.storage.reports import FileReportStore, MemoryReportStore

FIRST, SECOND = "2024-01-08", "2024-01-15"
PAGE = {REPORT_HTML: b"<p>fine</p>", FIGURES: b"PAR1"}


def _disk(folder: Path) -> ReportStore:
    return FileReportStore(UPath(folder / "reports"))


def _objects(folder: Path) -> ReportStore:
    return FileReportStore(UPath(f"memory://bucket-{uuid.uuid4().hex}/reports"))


def _memory(folder: Path) -> ReportStore:
    return MemoryReportStore()


@pytest.fixture(params=[_disk, _objects, _memory], ids=["disk", "objects", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ReportStore:
    make: Callable[[Path], ReportStore] = request.param
    return make(tmp_path)


def test_an_empty_store_has_no_week(store):
    assert list(store.weeks()) == []
    assert store.read(FIRST, REPORT_HTML) is None
    assert store.version(FIRST) is None


def test_weeks_come_oldest_first_with_their_files(store):
    store.put(SECOND, {REPORT_HTML: b"second"})
    store.put(FIRST, PAGE)

    assert list(store.weeks()) == [FIRST, SECOND]
    assert store.read(FIRST, FIGURES) == b"PAR1"
    assert store.read(SECOND, REPORT_HTML) == b"second"
    assert store.read(SECOND, FIGURES) is None


def test_a_week_made_again_is_replaced_whole(store):
    store.put(FIRST, PAGE)
    before = store.version(FIRST)
    store.put(FIRST, PAGE)
    assert store.version(FIRST) == before

    store.put(FIRST, {REPORT_HTML: b"<p>better</p>"})
    assert list(store.weeks()) == [FIRST]
    assert store.read(FIRST, REPORT_HTML) == b"<p>better</p>"
    assert store.read(FIRST, FIGURES) is None
    assert store.version(FIRST) != before


@pytest.mark.parametrize("week", ["", "..", "2024-13-01", "2024-1-8", "20240108", "2024-01-08/x"])
def test_a_week_is_a_day(store, week):
    for ask in (
        lambda: store.put(week, PAGE),
        lambda: store.read(week, FIGURES),
        lambda: store.version(week),
    ):
        with pytest.raises(SettingsError, match="names no week"):
            ask()


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "manifest.json", ".hidden", "a\nb"])
def test_a_file_name_plays_no_tricks(store, name):
    for ask in (lambda: store.put(FIRST, {name: b""}), lambda: store.read(FIRST, name)):
        with pytest.raises(SettingsError, match="cannot be the name of a file"):
            ask()
    assert list(store.weeks()) == []


def test_what_a_killed_writer_left_is_no_week(tmp_path):
    store = FileReportStore(tmp_path)
    store.put(FIRST, PAGE)
    (tmp_path / f".tmp-{SECOND}").mkdir()
    (tmp_path / f".tmp-{SECOND}" / REPORT_HTML).write_bytes(b"half")

    assert store.weeks() == [FIRST]
    assert store.read(SECOND, REPORT_HTML) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(SetupError, match="2024-01-08"):
        FileReportStore(tmp_path / "reports").put(FIRST, PAGE)
