"""API keys in a database."""

from typing import Any

import sqlalchemy as sa

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import ApiKey
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.moments import to_moment, to_number
from recsys_pipeline.storage.refused import RefusedRowsError
from recsys_pipeline.storage.tables import KEYS


class SqlKeyStore:
    """The `KeyStore` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        """See `KeyStore`.

        Raises:
            StorageError: there is a key with that id.
        """
        row = {
            "key_id": key.key_id,
            "digest": key.digest,
            "scopes": " ".join(key.scopes),
            "name": key.name,
            "created_at": to_number(key.created_at),
            "expires_at": None if key.expires_at is None else to_number(key.expires_at),
            "revoked": key.revoked,
        }
        try:
            with self._database.writing() as connection:
                connection.execute(sa.insert(KEYS), row)
        except RefusedRowsError as error:
            raise StorageError(
                f"The key {key.key_id!r} cannot be kept: there is one with that id.",
                "Make a key with another id.",
            ) from error

    def keys(self) -> list[ApiKey]:
        """See `KeyStore`."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(KEYS).order_by(KEYS.c.created_at, KEYS.c.key_id))
            return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> bool:
        """See `KeyStore`."""
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(KEYS).where(KEYS.c.key_id == key_id).values(revoked=True)
            )
            return bool(changed.rowcount)


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row.key_id,
        row.digest,
        tuple(row.scopes.split()),
        row.name,
        to_moment(row.created_at),
        None if row.expires_at is None else to_moment(row.expires_at),
        bool(row.revoked),
    )
