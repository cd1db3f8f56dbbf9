"""Releases on a disk: written aside, then renamed into place."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from recsys_pipeline.errors import SetupError
from recsys_pipeline.storage.manifests import MANIFEST
from recsys_pipeline.storage.shelf import Content, sha256

_POINTER = "current.json"
_LOCK = ".lock"
_NEW = ".tmp-"
_OLD = ".old-"


class DiskShelf:
    """A shelf in a local folder.

    ``<release>/`` is a release, ``current.json`` the pointer. Hidden names are in the making:
    ``.tmp-<release>`` is not there yet, ``.old-<release>`` steps aside for its successor and is
    still read from where that has not arrived. Every writer holds ``.lock``, which the
    operating system releases when its owner dies, so whatever is hidden while the lock is held
    belongs to nobody.

    Args:
        root: the folder; made when first written to.
        patience: seconds to wait for another writer.
    """

    def __init__(self, root: Path, patience: float = 300) -> None:
        self._root = root
        self._patience = patience

    @property
    def place(self) -> str:
        return str(self._root)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Shelf`. Raises SetupError if another process keeps writing."""
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._root / _LOCK, timeout=self._patience):
                self._tidy()
                yield
        except Timeout as error:
            raise SetupError(
                f"Another process has been writing releases in {self._root} for more than "
                f"{self._patience:g} seconds.",
                "Wait until it is done, or end it.",
            ) from error

    def _tidy(self) -> None:
        for old in self._root.glob(f"{_OLD}*"):
            home = self._root / old.name.removeprefix(_OLD)
            if home.exists():
                shutil.rmtree(old)
            else:
                old.rename(home)
        for unfinished in self._root.glob(f"{_NEW}*"):
            if unfinished.is_dir():
                shutil.rmtree(unfinished)
            else:
                unfinished.unlink()

    def releases(self) -> list[str]:
        """See `Shelf`."""
        if not self._root.is_dir():
            return []
        folders = [path.name for path in self._root.iterdir() if path.is_dir()]
        aside = {name.removeprefix(_OLD) for name in folders if name.startswith(_OLD)}
        return sorted(aside | {name for name in folders if not name.startswith(".")})

    def _home(self, release: str) -> Path:
        home, aside = self._root / release, self._root / f"{_OLD}{release}"
        return aside if aside.exists() and not home.exists() else home

    def read(self, release: str, name: str) -> bytes:
        """See `Shelf`."""
        return (self._home(release) / name).read_bytes()

    def digest(self, release: str, name: str) -> str:
        """See `Shelf`."""
        return sha256(self._home(release) / name)

    def put(self, release: str, files: Mapping[str, Content], manifest: bytes) -> None:
        """See `Shelf`. On an OSError (a full disk) what was written so far is removed."""
        new, old = self._root / f"{_NEW}{release}", self._root / f"{_OLD}{release}"
        home = self._root / release
        try:
            new.mkdir()
            for name, content in files.items():
                _write(new / name, content)
            _write(new / MANIFEST, manifest)
            for folder in (new, *(path for path in new.rglob("*") if path.is_dir())):
                _flush(folder)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if home.exists():
            home.rename(old)
        new.rename(home)
        _flush(self._root)
        if old.exists():
            shutil.rmtree(old)

    def pointer(self) -> bytes | None:
        """See `Shelf`."""
        try:
            return (self._root / _POINTER).read_bytes()
        except FileNotFoundError:
            return None

    def point(self, content: bytes) -> None:
        """See `Shelf`."""
        new = self._root / f"{_NEW}{_POINTER}"
        _write(new, content)
        new.replace(self._root / _POINTER)
        _flush(self._root)

    def tidy(self, release: str) -> None:
        """See `Shelf`; `exclusive` has done it already."""

    def remove(self, release: str) -> None:
        """See `Shelf`."""
        aside = self._root / f"{_NEW}{release}"
        # A release is there whole or not at all, for those who read meanwhile too.
        self._home(release).rename(aside)
        shutil.rmtree(aside)

    def local(self, release: str, files: Mapping[str, str]) -> Path:
        """See `Shelf`: the release itself."""
        return self._home(release)


def _write(path: Path, content: Content) -> None:
    """Write a file so that it survives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        if isinstance(content, bytes):
            target.write(content)
        else:
            with content.open("rb") as origin:
                shutil.copyfileobj(origin, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _flush(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
