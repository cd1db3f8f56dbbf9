"""The tables between the steps of all stored weeks: rows of one user, and old weeks.

They lie in ``<base>/<asset>/<week>.parquet``, and fitted models in ``<base>/<asset>/<week>/``, in
a local folder or below any fsspec URL; an asset whose key has a prefix lies in a folder of it.
"""

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import StorageError
from recsys_pipeline.storage.blocked import without_blocked
from recsys_pipeline.storage.rows_of_user import (
    NAMING,
    names_users,
    people_in,
    plain_rows,
    rows_of,
    without_rows,
)

_PARQUET: Final = ".parquet"
_WEEK: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d-\d\d)?")
"""How the weeks are named: by their first day, or minute."""
_UNFINISHED: Final = ".tmp"
"""How the names of files end that are not whole yet; whoever holds the run's lock removes them."""


class StoredTables:
    """The `Place` of the tables of all weeks.

    Args:
        base: folder or URL above the assets' folders.
    """

    name = "tables"

    def __init__(self, base: UPath) -> None:
        self._base = base

    def export(self, user_id: str) -> dict[str, list[dict[str, Any]]]:
        """The rows of a user by table: each once, with the weeks that hold it."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for path in self._tables():
            table = self._read(path, user_id)
            if table is None:
                continue
            rows = found.setdefault(path.parent.name, {})
            for row in plain_rows(table):
                known = rows.setdefault(json.dumps(row, default=str), {"row": row, "weeks": []})
                if path.stem not in known["weeks"]:
                    known["weeks"].append(path.stem)
        return {name: list(rows.values()) for name, rows in found.items()}

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Remove the rows of a user from every table of every week; rows by table.

        Nobody else must be writing: what is half-written belongs to a process that was killed.
        """
        removed: dict[str, int] = {}
        for path in self._unfinished():
            _remove(path)
        for path in self._tables():
            rows = self._erase(path, user_id)
            if rows:
                removed[path.parent.name] = removed.get(path.parent.name, 0) + rows
        for path in self._settings():
            content = without_blocked(path.read_bytes(), user_id)
            if content is not None:
                _replace(path, content)
                removed["rules"] = removed.get("rules", 0) + 1
        return removed

    def left(self, user_id: str) -> Sequence[str]:
        """Nothing."""
        del user_id
        return ()

    def people(self) -> set[str]:
        """The ids of all users who are in a table of any week, as text."""
        found: set[str] = set()
        for path in self._tables():
            columns = [each for each in self._columns(path) if each in NAMING]
            if not names_users(columns):
                continue
            try:
                with path.open("rb") as file:
                    found |= people_in(pq.read_table(file, columns=columns))
            except (OSError, ValueError, pa.ArrowException) as error:
                raise _unreadable(path, error) from error
        return found

    def prune(self, weeks: int, always: Collection[str] = ()) -> int:
        """Remove the tables and models of all but the newest weeks; how many weeks.

        Args:
            weeks: how many are kept.
            always: weeks that are kept whatever their age.
        """
        entries = list(self._entries())
        names = sorted({_week(path) for path in entries})
        old = set(names[:-weeks]) - set(always)
        for path in entries:
            if _week(path) in old:
                _remove(path)
        return len(old)

    def _entries(self) -> Iterator[UPath]:
        """The table or folder of every asset and week."""
        return (path for path in _below(self._base) if _WEEK.fullmatch(_week(path)))

    def _unfinished(self) -> Iterator[UPath]:
        for path in _below(self._base):
            if path.name.startswith(".") and path.name.endswith(_UNFINISHED):
                yield path

    def _tables(self) -> Iterator[UPath]:
        for path in self._entries():
            if path.name.endswith(_PARQUET):
                yield path

    def _settings(self) -> Iterator[UPath]:
        for path in self._entries():
            if path.is_dir():
                yield from path.rglob("*.json")

    def _columns(self, path: UPath) -> list[str]:
        try:
            with path.open("rb") as file:
                return list(pq.read_schema(file).names)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error

    def _read(self, path: UPath, user_id: str) -> pa.Table | None:
        """The rows of a user, None where there are none."""
        columns = self._columns(path)
        if not names_users(columns):
            return None
        ids = [name for name in (n.USER_ID, n.raw(n.USER_ID)) if name in columns] or columns
        try:
            with path.open("rb") as file:
                theirs = rows_of(pq.read_table(file, columns=ids), user_id)
            if not theirs.any():
                return None
            with path.open("rb") as file:
                return pq.read_table(file).filter(pa.array(theirs))
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error

    def _erase(self, path: UPath, user_id: str) -> int:
        found = self._read(path, user_id)
        if found is None:
            return 0
        with path.open("rb") as file:
            table = pq.read_table(file)
        _replace(path, without_rows(table, rows_of(table, user_id)))
        return len(found)


def _below(folder: UPath) -> Iterator[UPath]:
    """What lies in the folders of the assets, however deep their keys are."""
    if not folder.exists():
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith(".") or _WEEK.fullmatch(_week(path)):
            yield path
        elif path.is_dir():
            yield from _below(path)


def _week(path: UPath) -> str:
    return path.name.removesuffix(_PARQUET)


def _replace(path: UPath, content: bytes) -> None:
    """Put `content` in the place of a file; a local one is the old or the new, never a part."""
    if path.protocol not in ("", "file", "local"):
        path.write_bytes(content)
        return
    local = Path(path.path)
    beside = local.with_name(f".{local.name}.{uuid4().hex}{_UNFINISHED}")
    try:
        beside.write_bytes(content)
        beside.replace(local)
    finally:
        beside.unlink(missing_ok=True)


def _remove(path: UPath) -> None:
    if path.protocol in ("", "file", "local"):
        local = Path(path.path)
        if local.is_dir():
            shutil.rmtree(local)
        else:
            local.unlink()
    else:
        path.fs.rm(path.path, recursive=True)


def _unreadable(path: UPath, error: Exception) -> StorageError:
    return StorageError(
        f"{path} cannot be read, so nobody knows whom it is about: {error}.",
        "Restore it from a copy or delete it; then run `recsys privacy resume`.",
    )
