"""Small facts that several processes share, in a database."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.tables import STATE


class SqlStateStore:
    """The `StateStore` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    def get(self, key: str) -> str | None:
        """See `StateStore`."""
        with self._database.reading() as connection:
            found = connection.execute(sa.select(STATE.c.value).where(STATE.c.key == key)).scalar()
        return None if found is None else str(found)

    def put(self, key: str, value: str) -> None:
        """See `StateStore`."""
        new = self._insert(STATE).values(key=key, value=value)
        with self._database.writing() as connection:
            connection.execute(
                new.on_conflict_do_update(index_elements=["key"], set_={"value": value})
            )

    def swap(self, key: str, expected: str | None, value: str) -> bool:
        """See `StateStore`."""
        if expected is None:
            new = self._insert(STATE).values(key=key, value=value)
            change = new.on_conflict_do_nothing(index_elements=["key"])
            change = change.execution_options(preserve_rowcount=True)
        else:
            there = (STATE.c.key == key) & (STATE.c.value == expected)
            change = sa.update(STATE).where(there).values(value=value)
        with self._database.writing() as connection:
            return bool(connection.execute(change).rowcount)
