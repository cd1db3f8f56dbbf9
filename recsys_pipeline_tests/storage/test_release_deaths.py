"""A publisher that dies at any step leaves the release in service, and no mess for long."""

import os
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock
from upath import UPath

from recsys_pipeline.errors import ReleaseError, SetupError
from recsys_pipeline.pipeline.protocols import LISTS, Manifest
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.disk import DiskShelf
from recsys_pipeline.storage.objects import ObjectShelf
from recsys_pipeline.storage.releases import ShelfReleaseStore

OLD, NEW = "2024-01-07-aaaaaaaa", "2024-01-14-bbbbbbbb"
STEPS = (
    (Path, "mkdir"),
    (Path, "rename"),
    (Path, "replace"),
    (os, "fsync"),
    (shutil, "rmtree"),
)
REMOTE_STEPS = ((ObjectShelf, "_write"), (type(UPath("memory://x").fs), "rm"))


class Death(BaseException):
    """Stands for SIGKILL: nothing catches it."""


class Fuse:
    """Lets some steps pass, and dies before or after the next."""

    def __init__(self, monkeypatch, steps, passes: int, *, after: bool) -> None:
        self.left = passes
        self.burnt = False
        self._after = after
        for owner, name in steps:
            real = owner.__dict__[name]
            monkeypatch.setattr(owner, name, self._wrap(real))

    def _wrap(self, real):
        static = isinstance(real, staticmethod)
        function = real.__func__ if static else real

        def step(*args, **kwargs):
            if self.left == 0 and not self.burnt:
                self.burnt = True
                if self._after:
                    function(*args, **kwargs)
                raise Death
            if self.burnt:
                raise Death
            self.left -= 1
            return function(*args, **kwargs)

        return staticmethod(step) if static else step


def make(release: str) -> Manifest:
    return Manifest(
        release=release,
        as_of=f"{release[:10]}T00:00:00+00:00",
        source="",
        data_fingerprint="",
        settings_fingerprint="",
        recommender="ease",
        k=1,
        rows={},
        metrics={},
        verdict="yes",
        files={},
    )


def ship(store, release: str, lists: bytes = b"lists", *, promote: bool = True) -> None:
    store.publish(make(release), {LISTS: lists, "model/a.npz": b"weights"})
    if promote:
        store.promote(release)


def served(store) -> tuple[str, bytes]:
    """What a reader sees now, which must always be whole."""
    release = store.current().release
    assert store.verify(release) == []
    return release, store._shelf.read(release, LISTS)


def deaths(monkeypatch, steps, store_of, release: str):
    """Die at every step in turn; after each death yield the store as a reader finds it."""
    for after in (False, True):
        for passes in range(200):
            store = store_of(f"{after}-{passes}")
            ship(store, OLD, b"old lists")
            with monkeypatch.context() as patch:
                fuse = Fuse(patch, steps, passes, after=after)
                with suppress(Death):
                    ship(store, release, b"new lists")
            if not fuse.burnt:
                assert passes > 3
                break
            yield store
        else:
            pytest.fail("the publisher never came to an end")


@pytest.mark.parametrize("release", [NEW, OLD], ids=["another", "the-same-id"])
def test_a_death_at_any_step_on_a_disk(monkeypatch, tmp_path, release):
    before, after = (OLD, b"old lists"), (release, b"new lists")
    seen = set()
    for store in deaths(
        monkeypatch, STEPS, lambda name: FileReleaseStore(tmp_path / name), release
    ):
        found = served(store)
        seen.add(found)
        assert found in (before, after)
        ship(store, release, b"new lists")
        assert served(store) == after
        root = Path(store._shelf.place)
        assert sorted(path.name for path in root.iterdir()) == sorted(
            {".lock", "current.json", OLD, release}
        )
    assert seen == {before, after}


@pytest.mark.parametrize("release", [NEW, OLD], ids=["another", "the-same-id"])
def test_a_death_at_any_step_in_an_object_store(monkeypatch, tmp_path, release):
    before, after = (OLD, b"old lists"), (release, b"new lists")
    base = f"memory://deaths-{release}-{tmp_path.name}"
    seen = set()
    for store in deaths(
        monkeypatch,
        REMOTE_STEPS,
        lambda name: FileReleaseStore(f"{base}/{name}", cache=tmp_path / name),
        release,
    ):
        found = served(store)
        seen.add(found)
        assert found in (before, after)
        ship(store, release, b"other lists")
        assert served(store) == (release, b"other lists")
        home = UPath(store._shelf.place) / release
        assert len(list(home.iterdir())) == 2
    assert seen == {before, after}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("passes", [0, 2, 4])
def test_a_real_kill_leaves_the_release_in_service(tmp_path, passes):
    store = FileReleaseStore(tmp_path)
    ship(store, OLD, b"old lists")
    child = os.fork()
    if child == 0:
        _die_in_publish(store, passes)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (tmp_path / f".tmp-{NEW}").is_dir()
    assert served(store) == (OLD, b"old lists")
    ship(store, NEW, b"new lists")
    assert served(store) == (NEW, b"new lists")
    assert not list(tmp_path.glob(".tmp-*"))


def _die_in_publish(store: FileReleaseStore, passes: int) -> None:
    """In a process of its own: publish, and be killed when `passes` files are on the disk."""
    real, left = os.fsync, iter(range(passes))

    def fsync(handle: int) -> None:
        real(handle)
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = fsync
    try:
        ship(store, NEW, b"new lists")
    finally:
        os._exit(0)


def test_a_full_disk_is_an_error_that_leaves_nothing_behind(monkeypatch, tmp_path):
    store = FileReleaseStore(tmp_path)
    ship(store, OLD)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ReleaseError, match="No space left on device") as refused:
            ship(store, NEW)
    assert "unchanged" in refused.value.hint
    assert not list(tmp_path.glob(".tmp-*"))
    assert served(store) == (OLD, b"lists")


def test_another_writer_is_waited_for_and_its_files_left_alone(tmp_path):
    store = ShelfReleaseStore(DiskShelf(tmp_path, patience=0))
    unfinished = tmp_path / f".tmp-{NEW}"
    unfinished.mkdir()
    with FileLock(tmp_path / ".lock"), pytest.raises(SetupError, match="Another process") as busy:
        ship(store, OLD)
    assert busy.value.hint
    assert unfinished.is_dir()
    ship(store, OLD)
    assert not unfinished.exists()


def test_two_writers_at_once_both_succeed(tmp_path):
    stores = [FileReleaseStore(tmp_path) for _ in range(2)]
    threads = [
        threading.Thread(target=ship, args=(store, release))
        for store, release in zip(stores, (OLD, NEW), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [found.release for found in stores[0].manifests()] == [OLD, NEW]
    assert served(stores[0])[0] in (OLD, NEW)


def test_a_fetched_release_is_fetched_once_and_checked(tmp_path):
    root = UPath(f"memory://fetched-{tmp_path.name}/releases")
    store = FileReleaseStore(root, cache=tmp_path / "cache")
    ship(store, OLD)
    folder = store.folder(OLD)
    (folder / "mark").touch()
    assert (store.folder(OLD) / "mark").exists()
    ship(store, NEW)
    (file,) = root.glob(f"{NEW}/*/model/a.npz")
    file.write_bytes(b"damaged")
    with pytest.raises(ReleaseError, match=r"model/a\.npz"):
        store.folder(NEW)
    assert [path.name[:10] for path in folder.parent.iterdir()] == [OLD[:10]]
