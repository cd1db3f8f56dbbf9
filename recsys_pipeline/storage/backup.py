"""A copy of the database in one file, made while servers write."""

import os
from pathlib import Path
from uuid import uuid4

from recsys_pipeline.errors import SetupError, StorageError
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import as_it_is


def back_up(settings: Settings, to: Path) -> int:
    """Copy the SQLite database that the settings name, as it is at one moment.

    Nobody waits for it, and it holds nothing that was deleted. It is whole or not there; only its
    owner may read it.

    Args:
        settings: of the installation.
        to: the file to write; there must be none.

    Returns:
        Its size in bytes.

    Raises:
        SetupError: there is such a file, or it cannot be written.
        StorageError: there is no database yet, it is not SQLite, or it cannot be read.
    """
    if to.exists():
        raise SetupError(f"{to} is there already.", "Name another file, such as one with the day.")
    database = as_it_is(settings)
    beside = to.with_name(f".{to.name}.{uuid4().hex}.tmp")
    try:
        if not database.is_sqlite:
            raise StorageError(
                f"The database {database.place} is not a SQLite file.",
                "Copy it with pg_dump; see docs/operations.md.",
            )
        if not Path(database.place).exists():
            raise StorageError(
                f"There is no database {database.place} yet.", "Nothing has come in so far."
            )
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        database.copy_to(beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.rename(to)
    except OSError as error:
        raise SetupError(
            f"{to} cannot be written: {error.strerror or error}.", "Name another file."
        ) from error
    finally:
        database.close()
        beside.unlink(missing_ok=True)
    return to.stat().st_size
