"""Releases in an object store (s3://, gs://, abfs://, memory://), which cannot rename."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from upath import UPath

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.storage.manifests import MANIFEST
from recsys_pipeline.storage.shelf import Content, sha256

_POINTER = "current.json"
_CHUNK = 1 << 20
_NEW = ".tmp-"
_COPY = re.compile(r"[0-9a-f]{16}")


class ObjectShelf:
    """A shelf below a URL.

    The files of a release lie in a folder named after the hash of its manifest, and the manifest
    beside that folder is written after them: one write switches from the old files to the new.
    There is no lock: only one job may publish at a time.

    Args:
        root: the URL.
        cache: local folder that releases are fetched into.
    """

    def __init__(self, root: UPath, cache: Path) -> None:
        self._root = root
        self._cache = cache

    @property
    def place(self) -> str:
        return str(self._root)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Shelf`; here it holds nobody off."""
        yield

    def releases(self) -> list[str]:
        """See `Shelf`."""
        self._root.fs.invalidate_cache()
        if not self._root.exists():
            return []
        return sorted(path.name for path in self._root.iterdir() if path.is_dir())

    def _file(self, release: str, name: str) -> UPath:
        home = self._root / release
        if name == MANIFEST:
            return home / MANIFEST
        return home / _folder((home / MANIFEST).read_bytes()) / name

    def read(self, release: str, name: str) -> bytes:
        """See `Shelf`."""
        return bytes(self._file(release, name).read_bytes())

    def digest(self, release: str, name: str) -> str:
        """See `Shelf`."""
        result = hashlib.sha256()
        with self._file(release, name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                result.update(chunk)
        return result.hexdigest()

    def put(self, release: str, files: Mapping[str, Content], manifest: bytes) -> None:
        """See `Shelf`."""
        home = self._root / release
        folder = home / _folder(manifest)
        for name, content in files.items():
            self._write(folder / name, content)
        self._write(home / MANIFEST, manifest)
        self._keep_only(home, folder.name)

    @staticmethod
    def _write(path: UPath, content: Content) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
            return
        with content.open("rb") as origin, path.open("wb") as target:
            shutil.copyfileobj(origin, target, _CHUNK)

    def _keep_only(self, home: UPath, folder: str) -> None:
        self._root.fs.invalidate_cache()
        for other in list(home.iterdir()):
            if other.name not in (folder, MANIFEST):
                self._root.fs.rm(other.path, recursive=True)

    def tidy(self, release: str) -> None:
        """See `Shelf`."""
        home = self._root / release
        version = _folder((home / MANIFEST).read_bytes())
        self._keep_only(home, version)
        self._forget_copies(release, f"{release}-{version}")

    def remove(self, release: str) -> None:
        """See `Shelf`; the manifest goes first, so that nobody finds half a release."""
        home = self._root / release
        with suppress(FileNotFoundError):
            (home / MANIFEST).unlink()
        self._root.fs.rm(home.path, recursive=True)
        self._root.fs.invalidate_cache()
        self._forget_copies(release, "")

    def _forget_copies(self, release: str, keep: str) -> None:
        """Remove the fetched copies of a release but one, and those that never became whole."""
        for copy in self._cache.glob(f"{_NEW}*"):
            shutil.rmtree(copy, ignore_errors=True)
        for copy in self._cache.glob(f"{release}-*"):
            if copy.name != keep and _COPY.fullmatch(copy.name.removeprefix(f"{release}-")):
                shutil.rmtree(copy)

    def pointer(self) -> bytes | None:
        """See `Shelf`."""
        try:
            return bytes((self._root / _POINTER).read_bytes())
        except FileNotFoundError:
            return None

    def point(self, content: bytes) -> None:
        """See `Shelf`."""
        self._write(self._root / _POINTER, content)

    def local(self, release: str, files: Mapping[str, str]) -> Path:
        """See `Shelf`: fetched once for each manifest.

        Raises:
            ReleaseError: a file arrived otherwise than the manifest says.
        """
        version = _folder(self.read(release, MANIFEST))
        home = self._cache / f"{release}-{version}"
        if home.exists():
            return home
        self._cache.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._cache))
        try:
            for name in (MANIFEST, *files):
                target = new / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._file(release, name).open("rb") as origin, target.open("wb") as file:
                    shutil.copyfileobj(origin, file, _CHUNK)
                if name != MANIFEST and sha256(target) != files[name]:
                    raise ReleaseError(
                        f"Release {release}: {name} in {self.place} is not what its manifest says.",
                        "Publish the release again, or promote another one.",
                    )
            # Another process may have fetched the same release meanwhile: then its copy stands.
            with suppress(FileExistsError):
                _rename_new(new, home)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return home


def _rename_new(folder: Path, home: Path) -> None:
    """Rename a folder to a name that is free. Raises FileExistsError if it is not."""
    try:
        folder.rename(home)
    except OSError as error:
        if home.exists():
            raise FileExistsError(str(home)) from error
        raise


def _folder(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:16]
