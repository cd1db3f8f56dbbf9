"""The report store: the files of each monitored week, on a disk, in an object store, in memory."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Final

from upath import UPath

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.storage.disk import DiskShelf
from recsys_pipeline.storage.manifests import MANIFEST
from recsys_pipeline.storage.objects import ObjectShelf
from recsys_pipeline.storage.shelf import Shelf, sha256

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FILES: Final = "files"


class FileReportStore:
    """The `ReportStore` below a folder or a URL.

    A week lies in a folder of its name, with a manifest of the hashes of its files; on a disk it is
    written aside and renamed, in an object store the manifest is written last.

    Args:
        root: the folder of reports, or a URL such as ``s3://bucket/reports``.
    """

    def __init__(self, root: str | Path | UPath) -> None:
        place = UPath(root)
        local = place.protocol in ("", "file", "local")
        self._shelf: Shelf = (
            DiskShelf(Path(place.path).absolute())
            if local
            # Single files are read where they lie: nothing is ever fetched into a cache.
            else ObjectShelf(place, Path(".no-copies"))
        )

    def put(self, week: str, files: Mapping[str, bytes]) -> None:
        """See `ReportStore.put`.

        Raises:
            SettingsError: a bad week or name.
            SetupError: the place cannot be written, or another process keeps writing.
        """
        home = checked_week(week)
        contents = {checked_file(name): files[name] for name in sorted(files)}
        hashes = {name: sha256(content) for name, content in contents.items()}
        with _told(f"The report of {week}", self._shelf.place), self._shelf.exclusive():
            self._shelf.put(home, contents, _manifest(hashes))

    def weeks(self) -> list[str]:
        """See `ReportStore.weeks`. Raises SetupError."""
        with _told("The list of reports", self._shelf.place):
            return [week for week in self._shelf.releases() if self.version(week) is not None]

    def read(self, week: str, name: str) -> bytes | None:
        """See `ReportStore.read`. Raises SettingsError, SetupError."""
        home, file = checked_week(week), checked_file(name)
        with _told(f"{name} of {week}", self._shelf.place):
            # A file that is missing may just be stepping aside for its successor.
            for _ in range(2):
                with suppress(FileNotFoundError):
                    return self._shelf.read(home, file)
        return None

    def version(self, week: str) -> str | None:
        """See `ReportStore.version`. Raises SettingsError, SetupError."""
        home = checked_week(week)
        with _told(f"The report of {week}", self._shelf.place):
            for _ in range(2):
                with suppress(FileNotFoundError):
                    return _digest(self._shelf.read(home, MANIFEST))
        return None


class MemoryReportStore:
    """A `ReportStore` that forgets; passes the same tests as the real one."""

    def __init__(self) -> None:
        self._weeks: dict[str, dict[str, bytes]] = {}

    def put(self, week: str, files: Mapping[str, bytes]) -> None:
        """See `ReportStore.put`. Raises SettingsError for a bad week or name."""
        contents = {checked_file(name): content for name, content in files.items()}
        self._weeks[checked_week(week)] = contents

    def weeks(self) -> list[str]:
        """See `ReportStore.weeks`."""
        return sorted(self._weeks)

    def read(self, week: str, name: str) -> bytes | None:
        """See `ReportStore.read`."""
        return self._weeks.get(checked_week(week), {}).get(checked_file(name))

    def version(self, week: str) -> str | None:
        """See `ReportStore.version`."""
        files = self._weeks.get(checked_week(week))
        if files is None:
            return None
        return _digest(_manifest({name: sha256(files[name]) for name in sorted(files)}))


def _manifest(hashes: Mapping[str, str]) -> bytes:
    return json.dumps({_FILES: hashes}).encode()


def _digest(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:16]


def checked_week(week: str) -> str:
    """`week` itself. Raises SettingsError if it is no ISO day."""
    try:
        plain = date.fromisoformat(week).isoformat() == week
    except ValueError:
        plain = False
    if not plain:
        raise SettingsError(
            f"{week!r} names no week.", "A week is the day on which it ends, such as 2024-01-08."
        )
    return week


def checked_file(name: str) -> str:
    """`name` itself. Raises SettingsError if it cannot be the name of a file of a week."""
    if not _NAME.fullmatch(name) or name == MANIFEST:
        raise SettingsError(
            f"{name!r} cannot be the name of a file of a report.",
            f"A name has letters, digits and - _ . only, and is not {MANIFEST}.",
        )
    return name


@contextmanager
def _told(what: str, place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"{what} in {place} cannot be read or written: {error}.",
            "Check the free space and the rights there.",
        ) from error
