"""Tables from a database: a table or a query for each, mapped as files are."""

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import exc

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS, Contract
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.assemble import RawInput, assemble
from recsys_pipeline.sources.base import Tables
from recsys_pipeline.sources.columns import map_columns
from recsys_pipeline.sources.config import SqlConfig, SqlTableConfig
from recsys_pipeline.sources.raw import NoRowsError, RawTable, joined, plain
from recsys_pipeline.sources.times import parse_time

ROWS_AT_ONCE: Final = 20_000
"""Rows that are held as Python objects at one time."""

_CONTRACTS: Final = (USERS, MOVIES, INTERACTIONS)
_SHOWN_TABLES: Final = 8


class SqlSource:
    """A Source over any database that SQLAlchemy speaks to. It only reads.

    Args:
        config: which tables or queries, and how their columns and values are to be read.

    Raises:
        SourceError: the URL is none of a database, or its driver is not installed.
    """

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._engine, self._place = _engine(config.url.get_secret_value())

    @property
    def description(self) -> str:
        """One line for people, such as ``sql: postgresql://host/shop: users, ratings``."""
        return f"sql: {self._place}: {', '.join(_title(table) for table in self._tables.values())}"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`; None without times.

        The database finds it where it keeps times as times; else that column is read.
        """
        table = self._config.interactions
        column = self._mapping(INTERACTIONS, table).get(n.TIMESTAMP)
        if column is None:
            return None
        time = sa.column(column)
        newest = self._first(table, sa.select(sa.func.max(time)).select_from(_from(table)))[0]
        if newest is None:
            return None
        if not isinstance(newest, datetime):
            return self._newest_read(table, column, not_after)
        if not_after is None or _as_utc(newest) <= not_after:
            return _as_utc(newest)
        limit = not_after.to_pydatetime(warn=False)
        limit = limit.replace(tzinfo=None) if newest.tzinfo is None else limit
        chosen = sa.select(sa.func.max(time)).select_from(_from(table)).where(time <= limit)
        before = self._first(table, chosen)[0]
        return None if before is None else _as_utc(before)

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """All rows of all tables; those after `as_of` have no say in how the others are read.

        `source_row` counts the rows from 1, in the order in which the database gives them.

        Raises:
            SourceError: the database cannot be reached, or a table is missing, empty, not to be
                read or not to be mapped.
        """
        return assemble(
            {name: RawInput(self._raw(table), table) for name, table in self._tables.items()},
            as_of,
        )

    def fingerprint(self) -> str:
        """Sixteen digits that change when rows come or go, or the newest id or time changes."""
        found = []
        for contract in _CONTRACTS:
            if contract.name in self._tables:
                table = self._tables[contract.name]
                mapping = self._mapping(contract, table)
                keys = [mapping[name] for name in contract.key if name in mapping]
                # Not every database finds the largest id of every type, but that of its text.
                largest = [sa.func.max(sa.cast(sa.column(key), sa.String)) for key in keys]
                chosen = sa.select(sa.func.count(), *largest).select_from(_from(table))
                found.append([contract.name, *map(str, self._first(table, chosen))])
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    @property
    def _tables(self) -> dict[str, SqlTableConfig]:
        config = self._config
        tables = (config.users, config.movies, config.interactions)
        named = zip(_CONTRACTS, tables, strict=True)
        return {contract.name: table for contract, table in named if table is not None}

    def _mapping(self, contract: Contract, table: SqlTableConfig) -> dict[str, str]:
        none = sa.select(sa.text("*")).select_from(_from(table)).where(sa.text("1 = 0"))
        with self._result(table, none) as result:
            columns = _names(result, table)
        return map_columns(contract, columns, table.columns, _title(table), table.section)

    def _first(self, table: SqlTableConfig, chosen: Any) -> tuple[Any, ...]:
        with self._result(table, chosen) as result:
            return tuple(result.one())

    def _newest_read(
        self, table: SqlTableConfig, column: str, not_after: pd.Timestamp | None
    ) -> pd.Timestamp | None:
        times = parse_time(self._raw(table, [column]).columns[column], table).values.dropna()
        if not_after is not None:
            times = times[times <= not_after]
        return None if times.empty else times.max()

    def _raw(self, table: SqlTableConfig, columns: Sequence[str] | None = None) -> RawTable:
        title = _title(table)
        what = [sa.text("*")] if columns is None else [sa.column(name) for name in columns]
        parts: list[dict[str, Any]] = []
        lengths: list[int] = []
        with self._result(table, sa.select(*what).select_from(_from(table))) as result:
            names = _names(result, table)
            for rows in result.partitions():
                lengths.append(len(rows))
                values = zip(*rows, strict=True)
                parts.append(
                    {
                        name: pa.chunked_array([_array(column)])
                        for name, column in zip(names, values, strict=True)
                    }
                )
        if not parts:
            raise NoRowsError(f"{title} has no rows.", "Fill the table, or leave it out.")
        arrays = {name: _whole([part[name] for part in parts], lengths) for name in names}
        rows_read = sum(lengths)
        return RawTable(
            {name: plain(array, name, title) for name, array in arrays.items()},
            (title,),
            (rows_read,),
            np.arange(1, rows_read + 1, dtype=np.int64),
            {},
            (),
            unit="row",
        )

    @contextmanager
    def _result(self, table: SqlTableConfig, chosen: Any) -> Iterator[Any]:
        """The rows of a query, fetched some thousands at a time; nothing is ever committed."""
        try:
            with self._engine.connect() as connection:
                options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
                with connection.execution_options(**options).execute(chosen) as result:
                    yield result
        except exc.DBAPIError as error:
            self._explain(table, error)
        except exc.SQLAlchemyError as error:
            raise SourceError(
                f"{_title(table)} in {self._place} cannot be read: {type(error).__name__}.",
                f"Check [{table.section}], and that the database can be reached.",
            ) from None

    def _explain(self, table: SqlTableConfig, error: Any) -> NoReturn:
        """What is wrong with a table, in words that show neither rows nor passwords."""
        said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0].rstrip(".")
        schema, _, name = (table.table or "").rpartition(".")
        try:
            with self._engine.connect() as connection:
                known = _known(connection, schema or None)
        except exc.SQLAlchemyError:
            raise SourceError(
                f"The database {self._place} cannot be reached: {said}.",
                "Check source.sql.url (RECSYS_SOURCE__SQL__URL): host, port, name, user, password.",
            ) from None
        if table.table is not None and name.lower() not in {each.lower() for each in known}:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            listed = ", ".join(known[:_SHOWN_TABLES]) or "no table that this user may see"
            raise SourceError(
                f"The database {self._place} has no table {table.table}.",
                f"Did you mean {' or '.join(close)}?" if close else f"It has {listed}.",
            ) from None
        raise SourceError(
            f"{_title(table)} in {self._place} cannot be read: {said}.",
            "Check the query, and that the user of source.sql.url may SELECT from its tables.",
        ) from None


def _engine(text: str) -> tuple[Any, str]:
    """The engine of a URL, and the database for people: without user, password and options."""
    try:
        url = sa.engine.make_url(text)
    except (exc.ArgumentError, ValueError):
        # The text may hold a password: neither it nor the cause is shown.
        raise SourceError(
            "source.sql.url is no URL of a database.",
            "It looks like postgresql+psycopg://user:password@host:5432/name.",
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    host = f"{url.host}{f':{url.port}' if url.port else ''}" if url.host else ""
    place = f"{url.get_backend_name()}://{host}/{url.database or ''}"
    try:
        engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
    except (ModuleNotFoundError, exc.NoSuchModuleError):
        raise SourceError(
            f"The driver {url.drivername!r} that source.sql.url names is not installed.",
            "Install its package (for PostgreSQL: `pip install recsys-pipeline[postgres]`), or "
            "name another driver, such as mysql+pymysql://….",
        ) from None
    except exc.ArgumentError:
        raise SourceError(
            f"source.sql.url is no URL that {url.get_backend_name()} understands.",
            "A SQLite file is written sqlite:////folder/shop.db, with four slashes.",
        ) from None
    if url.drivername == "sqlite" and url.database and not Path(url.database).is_file():
        # SQLite would make an empty one.
        raise SourceError(
            f"source.sql.url names {url.database}, which does not exist.",
            "A SQLite file is written sqlite:////folder/shop.db, with four slashes.",
        )
    return engine, place


def _known(connection: Any, schema: str | None) -> list[str]:
    """Names of the tables and views that there are; none where the schema does not exist."""
    inspector = sa.inspect(connection)
    try:
        return [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    except exc.DBAPIError:
        return []


def _from(table: SqlTableConfig) -> Any:
    """What follows FROM; a colon or percent sign in a query stands for itself."""
    if table.query is not None:
        query = table.query.strip().rstrip(";").replace(":", "\\:")
        return sa.text(f"({query}) rows_of_query")
    schema, _, name = (table.table or "").rpartition(".")
    return sa.table(name, schema=schema or None)


def _title(table: SqlTableConfig) -> str:
    return table.table or "the query"


def _names(result: Any, table: SqlTableConfig) -> list[str]:
    names = [str(name) for name in result.keys()]  # noqa: SIM118  # of columns; not a dict
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SourceError(
            f"{_title(table)} gives more than one column called {', '.join(repeated)}.",
            "Name the columns one by one in the query, each with a name of its own.",
        )
    return names


def _array(values: Sequence[Any]) -> Any:
    """A column of Python objects in the Arrow type that fits all; else as texts."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError):
        array = None
    if array is None or isinstance(array, pa.ExtensionArray):
        texts = [None if value is None else str(value) for value in values]
        return pa.array(texts, pa.large_string())
    return array


def _whole(parts: Sequence[Any], lengths: Sequence[int]) -> Any:
    """One column; a part in which every value is missing has no say in its type."""
    known = [None if pa.types.is_null(part.type) else part for part in parts]
    if all(part is None for part in known):
        return pa.chunked_array([pa.nulls(sum(lengths), pa.large_string())])
    return joined(known, lengths)


def _as_utc(moment: datetime) -> pd.Timestamp:
    """A moment of the database; one without a zone counts as UTC."""
    known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return pd.Timestamp(known).tz_convert("UTC").as_unit("us")
