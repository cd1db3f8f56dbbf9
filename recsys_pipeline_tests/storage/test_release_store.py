"""One suite for every release store: on a disk, in an object store, in memory."""

import math
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import LISTS, Manifest
from recsys_pipeline.storage import FileReleaseStore, MemoryReleaseStore
from recsys_pipeline.storage.releases import ShelfReleaseStore
from recsys_pipeline.storage.shelf import sha256

JANUARY, FEBRUARY = "2024-01-07-aaaaaaaa", "2024-02-04-bbbbbbbb"


class Bench:
    """A store and a way to damage what lies in it behind its back."""

    def __init__(
        self,
        store: ShelfReleaseStore,
        write: Callable[[str, bytes | None], None],
        where: Callable[[str], str],
    ) -> None:
        self.store = store
        self.write = write
        self.where = where


def _disk(tmp_path: Path) -> Bench:
    root = tmp_path / "data" / "releases"

    def write(name: str, content: bytes | None) -> None:
        if content is None:
            (root / name).unlink()
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)

    return Bench(FileReleaseStore(root), write, lambda name: name)


def _objects(tmp_path: Path) -> Bench:
    root = UPath(f"memory://bucket-{uuid.uuid4().hex}/releases")

    def write(name: str, content: bytes | None) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            (root / name).unlink()
        else:
            (root / name).write_bytes(content)

    def where(name: str) -> str:
        release, _, file = name.partition("/")
        if file == "manifest.json":
            return name
        (folder,) = (path.name for path in (root / release).iterdir() if path.is_dir())
        return f"{release}/{folder}/{file}"

    return Bench(FileReleaseStore(root, cache=tmp_path / "cache"), write, where)


def _memory(tmp_path: Path) -> Bench:
    store = MemoryReleaseStore(tmp_path / "scratch")
    shelf = store._shelf

    def write(name: str, content: bytes | None) -> None:
        release, _, file = name.partition("/")
        if not file:
            shelf._pointer = content
        elif content is None:
            del shelf._files[release][file]
        else:
            shelf._files.setdefault(release, {})[file] = content

    return Bench(store, write, lambda name: name)


@pytest.fixture(params=[_disk, _objects, _memory], ids=["disk", "objects", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return request.param(tmp_path)


def lists(release: str, movie: int = 7) -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.USER_ID: [1, 1, 2],
            n.RANK: pd.array([1, 2, 1], dtype="Int64"),
            n.MOVIE_ID: [movie, 8, 9],
            n.SCORE: [0.9, 0.8, 0.7],
            n.SOURCE: ["ease", "als", "ease"],
            n.REASON: ["Like Heat", "Popular", "Crème brûlée"],
            n.RELEASE: release,
        }
    )


def manifest(release: str) -> Manifest:
    return Manifest(
        release=release,
        as_of=f"{release[:10]}T00:00:00+00:00",
        source="three files",
        data_fingerprint="d1",
        settings_fingerprint="s1",
        recommender="blend",
        k=2,
        rows={n.USER_ID: 2},
        metrics={"ndcg_at_10": 0.25},
        verdict="yes",
        files={},
    )


def contents(release: str, movie: int = 7) -> dict[str, bytes | Path]:
    return {LISTS: lists(release, movie).to_parquet(), "report.md": b"# fine\n"}


def publish(bench: Bench, release: str, movie: int = 7) -> Manifest:
    return bench.store.publish(manifest(release), contents(release, movie))


def test_an_empty_store_has_nothing(bench):
    assert bench.store.current() is None
    assert list(bench.store.manifests()) == []
    assert bench.store.releases() == []


def test_a_release_comes_back_as_it_went_in(bench):
    stored = publish(bench, JANUARY)
    given = contents(JANUARY)
    assert stored == replace(
        manifest(JANUARY), files={name: sha256(given[name]) for name in sorted(given)}
    )
    pd.testing.assert_frame_equal(bench.store.read_lists(JANUARY), lists(JANUARY))
    assert (bench.store.folder(JANUARY) / "report.md").read_bytes() == b"# fine\n"
    assert bench.store.verify(JANUARY) == []


def test_publishing_does_not_promote(bench):
    publish(bench, JANUARY)
    assert bench.store.current() is None
    bench.store.promote(JANUARY)
    publish(bench, FEBRUARY)
    assert bench.store.current().release == JANUARY


def test_the_pointer_moves_forward_and_back(bench):
    for release in (JANUARY, FEBRUARY):
        publish(bench, release)
        bench.store.promote(release)
        assert bench.store.current().release == release
    bench.store.promote(JANUARY)
    assert bench.store.current().release == JANUARY


def test_folders_and_files_are_copied(bench, tmp_path):
    model = tmp_path / "model"
    (model / "ease").mkdir(parents=True)
    (model / "ease" / "weights.npz").write_bytes(b"\x00\x01" * 700_000)
    (model / "model.json").write_text("{}")
    note = tmp_path / "note.txt"
    note.write_text("hello")
    files = contents(JANUARY) | {"model": model, "notes/one.txt": note}
    stored = bench.store.publish(manifest(JANUARY), files)
    assert set(stored.files) == {
        LISTS,
        "report.md",
        "model/ease/weights.npz",
        "model/model.json",
        "notes/one.txt",
    }
    folder = bench.store.folder(JANUARY)
    weights = (model / "ease" / "weights.npz").read_bytes()
    assert (folder / "model" / "ease" / "weights.npz").read_bytes() == weights
    assert (folder / "notes" / "one.txt").read_text() == "hello"


def test_releases_come_oldest_first(bench):
    for release in (FEBRUARY, JANUARY):
        publish(bench, release)
    assert [found.release for found in bench.store.manifests()] == [JANUARY, FEBRUARY]


def test_what_releases_tell_is_read_without_their_files(bench):
    for release in (FEBRUARY, JANUARY):
        publish(bench, release)
    bench.write(bench.where(f"{JANUARY}/{LISTS}"), b"damaged")
    assert [found.release for found in bench.store.told()] == [JANUARY, FEBRUARY]
    bench.write(f"{JANUARY}/manifest.json", b"{")
    assert [found.release for found in bench.store.told()] == [FEBRUARY]


def test_the_same_lists_again_keep_the_stored_release(bench):
    first = publish(bench, JANUARY)
    again = replace(manifest(JANUARY), tracking_run="another")
    files = contents(JANUARY) | {"report.md": b"another report"}
    assert bench.store.publish(again, files) == first
    assert bench.store.current() is None
    assert (bench.store.folder(JANUARY) / "report.md").read_bytes() == b"# fine\n"


def test_other_lists_replace_the_stored_release(bench):
    publish(bench, JANUARY)
    bench.store.promote(JANUARY)
    bench.store.folder(JANUARY)
    publish(bench, JANUARY, movie=42)
    assert bench.store.verify(JANUARY) == []
    assert bench.store.current().release == JANUARY
    assert bench.store.read_lists(JANUARY)[n.MOVIE_ID].tolist() == [42, 8, 9]
    folder = bench.store.folder(JANUARY)
    assert pd.read_parquet(folder / LISTS)[n.MOVIE_ID].tolist() == [42, 8, 9]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("report.md", b"# fake\n", "report.md is not what the manifest says"),
        ("report.md", None, "report.md is missing"),
        (LISTS, b"PAR1", f"{LISTS} is not what the manifest says"),
        (LISTS, None, f"{LISTS} is missing"),
        ("manifest.json", b'{"release"', "manifest.json cannot be read"),
        ("manifest.json", b"\xff\xfe", "manifest.json cannot be read"),
        ("manifest.json", b"[]", "manifest.json cannot be read (it is no JSON object)"),
        ("manifest.json", b"{}", "manifest.json cannot be read"),
        ("manifest.json", None, "manifest.json is missing"),
    ],
)
def test_a_broken_release_is_seen_refused_and_replaced(bench, file, content, problem):
    publish(bench, JANUARY)
    publish(bench, FEBRUARY)
    bench.store.promote(FEBRUARY)
    bench.write(bench.where(f"{JANUARY}/{file}"), content)
    found = bench.store.verify(JANUARY)
    assert found
    assert problem in " ".join(found)
    with pytest.raises(ReleaseError, match=file.replace(".", r"\.")) as refused:
        bench.store.promote(JANUARY)
    assert refused.value.hint
    assert bench.store.current().release == FEBRUARY
    assert [whole.release for whole in bench.store.manifests()] == [FEBRUARY]
    assert bench.store.releases() == [JANUARY, FEBRUARY]
    publish(bench, JANUARY)
    assert bench.store.verify(JANUARY) == []
    bench.store.promote(JANUARY)
    assert bench.store.current().release == JANUARY


def test_damaged_lists_are_never_read(bench):
    publish(bench, JANUARY)
    bench.write(bench.where(f"{JANUARY}/{LISTS}"), lists(JANUARY, movie=1).to_parquet())
    with pytest.raises(ReleaseError, match=LISTS):
        bench.store.read_lists(JANUARY)


def test_a_manifest_of_another_release_is_refused(bench):
    publish(bench, JANUARY)
    publish(bench, FEBRUARY)
    stolen = (bench.store.folder(FEBRUARY) / "manifest.json").read_bytes()
    bench.write(f"{JANUARY}/manifest.json", stolen)
    assert f"it belongs to release {FEBRUARY}" in bench.store.verify(JANUARY)[0]


def test_a_manifest_cannot_reach_outside(bench):
    publish(bench, JANUARY)
    text = (bench.store.folder(JANUARY) / "manifest.json").read_text()
    bench.write(f"{JANUARY}/manifest.json", text.replace("report.md", "../report.md").encode())
    assert any("../report.md" in problem for problem in bench.store.verify(JANUARY))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b"{}", b'{"release": 3}', b'{"release": "../x"}']
)
def test_a_corrupt_pointer_is_named_and_written_anew(bench, content):
    publish(bench, JANUARY)
    bench.write("current.json", content)
    with pytest.raises(ReleaseError, match=r"current\.json") as refused:
        bench.store.current()
    assert "recsys run" in refused.value.hint
    bench.store.promote(JANUARY)
    assert bench.store.current().release == JANUARY


def test_a_pointer_to_nothing_is_an_error(bench):
    bench.write("current.json", b'{"release": "2020-01-01-cccccccc"}')
    with pytest.raises(ReleaseError, match="2020-01-01-cccccccc"):
        bench.store.current()


@pytest.mark.parametrize("ask", ["read_lists", "folder", "promote"])
def test_an_unknown_release_is_an_error(bench, ask):
    with pytest.raises(ReleaseError, match=JANUARY):
        getattr(bench.store, ask)(JANUARY)


@pytest.mark.parametrize("release", ["", ".", "..", "../x", "a/b", "a\\b", ".tmp-x", "a\nb", "é"])
@pytest.mark.parametrize("ask", ["read_lists", "folder", "promote", "verify", "publish"])
def test_an_id_plays_no_tricks(bench, ask, release):
    call = getattr(bench.store, ask)
    if ask == "publish":
        call = partial(call, files={LISTS: b""})
    given = replace(manifest(JANUARY), release=release) if ask == "publish" else release
    with pytest.raises(ReleaseError, match="is no release id"):
        call(given)


@pytest.mark.parametrize(
    "name", ["", ".", "../x", "/etc/x", "a/../b", "a//b", "a\\b", "manifest.json", "a\x00b", "C:x"]
)
def test_a_file_name_plays_no_tricks(bench, name):
    with pytest.raises(ReleaseError, match="cannot be the name of a file"):
        bench.store.publish(manifest(JANUARY), contents(JANUARY) | {name: b""})
    assert bench.store.releases() == []


def test_a_release_needs_lists(bench):
    with pytest.raises(ReleaseError, match=LISTS):
        bench.store.publish(manifest(JANUARY), {"report.md": b""})


def test_a_file_that_is_not_there_is_an_error(bench, tmp_path):
    with pytest.raises(ReleaseError, match=r"gone\.bin"):
        bench.store.publish(manifest(JANUARY), contents(JANUARY) | {"x": tmp_path / "gone.bin"})
    assert bench.store.releases() == []


def test_figures_that_are_not_finite_survive_as_nan(bench):
    odd = replace(manifest(JANUARY), metrics={"a": math.nan, "b": math.inf, "c": 0.5})
    bench.store.publish(odd, contents(JANUARY))
    (found,) = bench.store.manifests()
    assert math.isnan(found.metrics["a"])
    assert math.isnan(found.metrics["b"])
    assert found.metrics["c"] == 0.5


def test_what_was_handed_in_is_not_changed(bench):
    given, files = manifest(JANUARY), contents(JANUARY)
    copy = dict(files)
    bench.store.publish(given, files)
    assert given.files == {}
    assert files == copy
