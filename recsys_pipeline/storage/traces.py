"""Traces: files beside the tables in which the id of a person stands, and what becomes of them.

By design no log, report or run names anybody; this looks whether it is so. Nothing here knows what
a file means, so only what can be lost is changed: in logs the id is overwritten, pages of the Data
Docs that hold it are removed, and databases are freed of what was deleted. Whatever else holds the
id is told, for people to look at.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from json import dumps
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from recsys_pipeline.errors import StorageError

SHORTEST: Final = 6
"""Characters of an id below which a text that is equal says nothing: 12 stands everywhere.

So short a one is looked for only where a text says that it is a user's: ``user_id=12``,
``"user_id": 12``, ``/users/12`` or ``user 12``; and in logs as ``"12"`` too.
"""

_NAMED: Final = (
    rb"""\busers/|\buser(?:_id)?[\\"']{0,2}[ \t]{0,2}(?:[:=][ \t]{0,2}|[ \t])[\\"']{0,2}"""
)
"""What stands before the id of a user in a text."""
_LONGEST_NAMED: Final = 24
"""Characters that are enough for it."""

_SQLITE: Final = b"SQLite format 3\0"
_LOGS: Final = frozenset({".log", ".out", ".err"})
_BINARY: Final = frozenset({".npz", ".parquet", ".png", ".skops", ".pyc"})
"""Compressed: no text is found in them. Those of them that hold people are places of their own."""
_PIECE: Final = 1 << 22
_BESIDE: Final = ("-wal", "-shm", "-journal")


class Traces:
    """The `Place` of every other file.

    Args:
        folders: below which to look; those that are missing are left out.
        docs: folder of the Data Docs, whose pages are written anew by the next run.
        apart: files and folders that other places care for.
        scratch: folder in which runs write what they are about to move; whatever a killed one
            left there is removed, as nobody can tell whom it holds.
    """

    name = "files"

    def __init__(
        self,
        folders: Sequence[Path],
        docs: Path,
        apart: Sequence[Path] = (),
        scratch: Path | None = None,
    ) -> None:
        self._folders = folders
        self._docs = docs
        self._apart = apart
        self._scratch = scratch

    def export(self, user_id: str) -> dict[str, Any] | None:
        """The files in which the id stands; None where there are none."""
        found = [str(path) for path in self.search(user_id)]
        return {"files_that_name_the_id": found} if found else None

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Overwrite the id in logs, remove pages of the Data Docs, free databases.

        No other run must be under way.
        """
        self._clear_scratch()
        counts = {"logs": 0, "pages": 0, "databases": 0}
        for path in self.search(user_id):
            word = _Word.of(user_id, in_log=_is_log(path))
            if path.is_relative_to(self._docs):
                path.unlink()
                counts["pages"] += 1
            elif _is_log(path):
                _overwrite(path, word)
                counts["logs"] += 1
            elif _is_sqlite(path):
                _free(path)
                counts["databases"] += 1
        return counts

    def left(self, user_id: str) -> Sequence[str]:
        """Files that still hold the id; or that nobody can tell."""
        told = []
        if len(user_id) < SHORTEST:
            told.append(
                "Logs, pages and runs were searched for places that say of the id that it is a "
                "user's: one so short stands everywhere. By design none of them names a user."
            )
        return told + [
            f"{str(path).replace(user_id, '***')} holds the text of the id: look at it, and remove "
            "what is about the person."
            for path in self.search(user_id)
        ]

    def search(self, user_id: str) -> list[Path]:
        """Files that hold the id as a word of its own, sorted; see `SHORTEST`."""
        word, in_log = _Word.of(user_id), _Word.of(user_id, in_log=True)
        files = self._files()
        found = {_main(path) for path in files if _holds(path, in_log if _is_log(path) else word)}
        return sorted(found)

    def _clear_scratch(self) -> None:
        own = Path(tempfile.gettempdir())
        for folder in self._scratch.glob("tmp????????") if self._scratch else ():
            if folder.is_dir() and not own.is_relative_to(folder):
                shutil.rmtree(folder)

    def _files(self) -> Iterator[Path]:
        for folder in self._folders:
            for parent, folders, files in os.walk(folder):
                here = Path(parent)
                folders[:] = [name for name in folders if here / name not in self._apart]
                for name in files:
                    path = here / name
                    if path.suffix not in _BINARY and _main(path) not in self._apart:
                        yield path


@dataclass(frozen=True)
class _Word:
    """An id as a word of its own, in the ways in which texts, JSON, HTML and addresses write it."""

    pattern: re.Pattern[bytes]
    longest: int

    @classmethod
    def of(cls, user_id: str, *, in_log: bool = False) -> "_Word":
        ways = {
            user_id,
            dumps(user_id)[1:-1],
            dumps(user_id, ensure_ascii=False)[1:-1],
            escape(user_id),
            quote(user_id, safe=""),
            quote(user_id),
        }
        texts = sorted((way.encode("utf-8", "surrogatepass") for way in ways), reverse=True)
        joined = b"|".join(re.escape(text) for text in texts)
        whole = rb"(?<![A-Za-z0-9_])(?P<id>" + joined + rb")(?![A-Za-z0-9_])"
        longest = max(map(len, texts))
        if len(user_id) >= SHORTEST:
            return cls(re.compile(whole), longest)
        before = _NAMED + (rb"|\"(?=[^\"]{1,%d}\")" % longest if in_log else b"")
        return cls(re.compile(b"(?:" + before + b")" + whole), longest + _LONGEST_NAMED)

    def places(self, file: BinaryIO) -> Iterator[tuple[int, int]]:
        """Where it stands in a file: from which byte to which. Reads a piece at a time.

        The file is not mapped into memory: one that others cut short meanwhile would end the
        process.
        """
        kept, before = b"", 0
        while True:
            piece = file.read(_PIECE)
            content = kept + piece
            for found in self.pattern.finditer(content):
                # At an inner edge nobody knows what stands beside it: the next piece shows it
                # whole, or the one before has.
                cut_off = (before and not found.start()) or (piece and found.end() == len(content))
                known = found.end() < len(kept)
                if not cut_off and not known:
                    yield before + found.start("id"), before + found.end("id")
            if not piece:
                return
            kept = content[-(self.longest + 2) :]
            before += len(content) - len(kept)


def _is_log(path: Path) -> bool:
    return path.suffix in _LOGS


def _holds(path: Path, word: _Word) -> bool:
    try:
        with path.open("rb") as file:
            return next(word.places(file), None) is not None
    except FileNotFoundError:
        # Other processes write and remove logs meanwhile.
        return False
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Let the user who runs recsys read it, or remove it.",
        ) from error


def _overwrite(path: Path, word: _Word) -> None:
    """Put as many asterisks in the place of the id: whoever is writing the log goes on."""
    try:
        with path.open("r+b") as file:
            for start, end in list(word.places(file)):
                file.seek(start)
                file.write(b"*" * (end - start))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Let the user who runs recsys write it, or remove it.",
        ) from error


def _main(path: Path) -> Path:
    """The database that a file beside it belongs to; else the file itself."""
    for end in _BESIDE:
        main = path.with_name(path.name.removesuffix(end))
        if path.name.endswith(end) and main.exists():
            return main
    return path


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _free(path: Path) -> None:
    """Write a SQLite file anew without its deleted rows, and empty its log."""
    # Whoever runs a week imports this module, and hardly ever comes here.
    import sqlalchemy as sa
    from sqlalchemy import exc
    from sqlalchemy.pool import NullPool

    url = sa.engine.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": 10})
    try:
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM")
            alone.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    except exc.SQLAlchemyError as error:
        raise StorageError(
            f"{path} cannot be freed of deleted rows: {type(error).__name__}.",
            "Try again when no other program uses it.",
        ) from None
    finally:
        engine.dispose()
