"""The database of events, answers, keys and receipts: SQLite in the data folder, or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy import event, exc
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import schema
from recsys_pipeline.storage.refused import RefusedRowsError
from recsys_pipeline.storage.tables import HEAD

FILE_NAME: Final = "events.db"

_LOCK_SECONDS: Final = 60.0
_BUSY_MILLISECONDS: Final = 10_000
_CONNECT_SECONDS: Final = 5
_SILENCE_MILLISECONDS: Final = 10_000
_ADVISORY_LOCK: Final = 7_405_132_961
"""Held in PostgreSQL while the schema is changed; any number that nobody else takes."""
_BEGIN: Final = "recsys_begin"
"""Option of a connection: the statement that begins its transactions in SQLite."""


class Database:
    """A database with the schema of this code, and its connections.

    Safe to use from several threads; another process opens its own.

    Args:
        engine: of SQLAlchemy.
        place: the database for people, without user and password.
    """

    def __init__(self, engine: Any, place: str) -> None:
        self.engine = engine
        self.place = place
        self._file: int | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return bool(self.engine.dialect.name == "sqlite")

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection in a transaction that only reads.

        Raises:
            StorageError: the database cannot be reached or read.
        """
        with _explained(self.place, "read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A connection in a transaction, durable once the block is left without an error.

        Raises:
            StorageError: the database cannot be reached or written; nothing was.
            RefusedRowsError: it does not take these rows; nothing was written.
        """
        self._check_file()
        with _explained(self.place, "written"), self.engine.connect() as connection:
            connection = connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            with connection.begin():
                yield connection

    def _check_file(self) -> None:
        """Refuse to write to a SQLite file that was moved away: nobody would find the rows."""
        if not self.is_sqlite:
            return
        try:
            number = Path(self.place).stat().st_ino
        except OSError:
            number = None
        if self._file is None:
            self._file = number
        elif number != self._file:
            raise StorageError(
                f"The database {self.place} was moved away or replaced.",
                "Put it back, or start the server again.",
            )

    def forget_deleted(self) -> None:
        """Make sure that no file of the database holds what was deleted.

        SQLite overwrites deleted rows at once, but its log keeps old pages until it is emptied,
        and pages that were split may keep copies until the file is written anew (a second for
        some hundred thousand rows, in which others wait). PostgreSQL clears away dead rows by
        itself (autovacuum).

        Raises:
            StorageError: a long read keeps the log in use.
        """
        if not self.is_sqlite:
            return
        with _explained(self.place, "written"), self.engine.connect() as connection:
            connection = connection.execution_options(**{_BEGIN: ""})
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()[0]
        if busy:
            raise StorageError(
                f"The log of the database {self.place} is being read and still holds deleted rows.",
                "Do this again when no long export is running.",
            )

    def copy_to(self, path: Path) -> None:
        """Copy a SQLite database, as it is at one moment, into an empty file; writers go on.

        Raises:
            StorageError: it cannot be read, or the file cannot be written.
        """
        with _explained(self.place, "copied"), self.engine.connect() as connection:
            connection = connection.execution_options(**{_BEGIN: ""})
            connection.exec_driver_sql("VACUUM INTO ?", (str(path),))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str | None, data: UPath, root: Path | None = None) -> Database:
    """The database, with its tables made or brought up to date.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; without a driver,
            PostgreSQL is spoken to through psycopg 3. None is a SQLite file in `data`.
        data: the data folder.
        root: folder of recsys.toml, where the relative path of a SQLite file starts. A remote
            data folder holds no database, which then lies in the folder `data` beside
            recsys.toml.

    Raises:
        StorageError: the URL is none of a database of these kinds, the database cannot be
            reached, or a later version of this package wrote it.
    """
    made = _url(url, root) if url else _file_url(data, root)
    engine, place = _engine(made), _place(made)
    database = Database(engine, place)
    try:
        with _explained(place, "opened"):
            _bring_up_to_date(database, made)
    except BaseException:
        database.close()
        raise
    return database


def database_of(settings: Settings) -> Database:
    """The database that the settings name; see `open_database`."""
    url = settings.database.url
    return open_database(url.get_secret_value() if url else None, settings.data, settings.root)


def revision_found(settings: Settings) -> tuple[str, str | None]:
    """The database that the settings name, for people, and its revision; nothing is changed.

    The revision is None where there is no database, or none of its tables.

    Raises:
        StorageError: the database cannot be reached.
    """
    database = as_it_is(settings)
    try:
        if database.is_sqlite and not Path(database.place).exists():
            return database.place, None
        with database.reading() as connection:
            return database.place, schema.revision_of(connection)
    finally:
        database.close()


def as_it_is(settings: Settings) -> Database:
    """The database that the settings name; its tables are neither made nor brought up to date."""
    text = settings.database.url
    url = (
        _url(text.get_secret_value(), settings.root)
        if text
        else _file_url(settings.data, settings.root)
    )
    return Database(_engine(url), _place(url))


def _url(text: str, root: Path | None) -> Any:
    try:
        url = sa.engine.make_url(text)
    except (exc.ArgumentError, ValueError):
        # The text may hold a password: neither it nor the cause is shown.
        raise StorageError(
            "database.url is no URL of a database.",
            "It looks like postgresql+psycopg://user:password@host:5432/name.",
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(
            f"database.url names {url.get_backend_name()!r}; events are kept in SQLite or "
            "PostgreSQL.",
            "It looks like postgresql+psycopg://user:password@host:5432/name.",
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise StorageError(
            "database.url names a SQLite database in memory, which is gone with the process.",
            "Leave it out for a file in the data folder, or write sqlite:////folder/events.db.",
        )
    if url.get_backend_name() == "sqlite" and root is not None:
        url = url.set(database=str(root / url.database))
    return url


def _file_url(data: UPath, root: Path | None) -> Any:
    local = not data.protocol or data.protocol == "file"
    if not local and root is None:
        raise StorageError(
            f"The data folder {data} is remote and cannot hold a database.",
            "Name a database in database.url.",
        )
    folder = Path(data.path) if local else Path(root or "") / "data"
    return sa.engine.URL.create("sqlite", database=str(folder.absolute() / FILE_NAME))


def _place(url: Any) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"{url.get_backend_name()}://{host}/{url.database or ''}"


def _engine(url: Any) -> Any:
    # Parameters are people's ids and ratings: they stay out of every error and log.
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": 10}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if url.get_driver_name() == "psycopg":
        # A server that has vanished without a word is noticed, not waited for.
        options["connect_args"] = {
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _SILENCE_MILLISECONDS,
        }
    try:
        return sa.create_engine(url, pool_pre_ping=True, **options)
    except (ModuleNotFoundError, exc.NoSuchModuleError):
        raise StorageError(
            f"The driver {url.drivername!r} that database.url names is not installed.",
            "Install psycopg with `pip install recsys-pipeline[postgres]`, and write "
            "postgresql+psycopg://….",
        ) from None


def _prepare_sqlite(connection: Any, record: object) -> None:
    del record
    # Transactions begin below: a write takes its lock at once, instead of failing half way.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        # What is acknowledged must survive a power cut, not only the death of the process.
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        # Answers fall on random pages of two indexes: pages that stay in memory (32 MiB at most)
        # and are put back from the log less often halve the cost of a row.
        "cache_size = -32768",
        "wal_autocheckpoint = 10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _bring_up_to_date(database: Database, url: Any) -> None:
    if not database.is_sqlite:
        with database.writing() as connection:
            if schema.revision_of(connection) == HEAD:
                return
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            schema.upgrade(connection, database.place)
        return
    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that switch a new file to its write-ahead log at once disturb one another.
    with FileLock(f"{path}.lock", timeout=_LOCK_SECONDS), database.writing() as connection:
        schema.upgrade(connection, database.place)


@contextmanager
def _explained(place: str, what: str) -> Iterator[None]:
    """Errors of the driver as `StorageError`, without the SQL, its parameters or a password."""
    try:
        yield
    except (exc.DataError, exc.IntegrityError, UnicodeError, OverflowError) as error:
        raise RefusedRowsError(
            f"The database {place} does not take a row: {_kind(error)}.",
            "Look for a text with a NUL or half of a surrogate pair in it, or a number too large.",
        ) from None
    except exc.DBAPIError as error:
        raise StorageError(
            f"The database {place} cannot be {what}: {_first_line(error)}.", _hint(place)
        ) from None
    except (exc.SQLAlchemyError, OSError, Timeout) as error:
        raise StorageError(
            f"The database {place} cannot be {what}: {_kind(error)}.", _hint(place)
        ) from None


def _kind(error: BaseException) -> str:
    return type(getattr(error, "orig", None) or error).__name__


def _first_line(error: Any) -> str:
    # Later lines repeat the values of the row.
    text = str(error.orig).strip() or _kind(error)
    return text.splitlines()[0].rstrip(".")


def _hint(place: str) -> str:
    if "://" in place:
        return "See that the server runs and takes this user, then try again."
    return "See that the file can be written, its disk has room and no other program locks it."
