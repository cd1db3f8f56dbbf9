"""A release store in memory, for tests."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from recsys_pipeline.storage.manifests import MANIFEST
from recsys_pipeline.storage.releases import ShelfReleaseStore
from recsys_pipeline.storage.shelf import Content, sha256


class MemoryShelf:
    """A shelf in dictionaries.

    Args:
        scratch: local folder that `local` writes to.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._files: dict[str, dict[str, bytes]] = {}
        self._pointer: bytes | None = None

    @property
    def place(self) -> str:
        return "memory"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Shelf`; nobody else can write here."""
        yield

    def releases(self) -> list[str]:
        """See `Shelf`."""
        return sorted(self._files)

    def read(self, release: str, name: str) -> bytes:
        """See `Shelf`."""
        try:
            return self._files[release][name]
        except KeyError:
            raise FileNotFoundError(f"{release}/{name}") from None

    def digest(self, release: str, name: str) -> str:
        """See `Shelf`."""
        return sha256(self.read(release, name))

    def put(self, release: str, files: Mapping[str, Content], manifest: bytes) -> None:
        """See `Shelf`."""
        contents = {
            name: content if isinstance(content, bytes) else content.read_bytes()
            for name, content in files.items()
        }
        self._files[release] = {**contents, MANIFEST: manifest}

    def pointer(self) -> bytes | None:
        """See `Shelf`."""
        return self._pointer

    def point(self, content: bytes) -> None:
        """See `Shelf`."""
        self._pointer = content

    def tidy(self, release: str) -> None:
        """See `Shelf`."""
        shutil.rmtree(self._scratch / release, ignore_errors=True)

    def remove(self, release: str) -> None:
        """See `Shelf`."""
        self.tidy(release)
        del self._files[release]

    def local(self, release: str, files: Mapping[str, str]) -> Path:
        """See `Shelf`."""
        home = self._scratch / release
        for name in (MANIFEST, *files):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(self.read(release, name))
        return home


class MemoryReleaseStore(ShelfReleaseStore):
    """A `ReleaseStore` that forgets; passes the same tests as the real one.

    Args:
        scratch: local folder that `folder` writes to.
    """

    def __init__(self, scratch: Path) -> None:
        super().__init__(MemoryShelf(scratch))
