"""Erasures in a database."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.erasure import Erasure, ErasureJob
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.moments import to_moment, to_number
from recsys_pipeline.storage.tables import ERASURES

_IS_OPEN = ERASURES.c.finished_at.is_(None)


class SqlErasureStore:
    """The `ErasureStore` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._begin = insert(ERASURES).on_conflict_do_nothing()

    def begin(self, digest: str, user_id: str, at: datetime) -> ErasureJob:
        """See `ErasureStore`."""
        row = {
            "digest": digest,
            n.USER_ID: user_id,
            "steps": "[]",
            "created_at": to_number(at),
        }
        with self._database.writing() as connection:
            connection.execute(self._begin, row)
            found = connection.execute(
                sa.select(ERASURES).where(_IS_OPEN, ERASURES.c.digest == digest)
            ).one()
        return _job(found)

    def done(self, number: int, step: str) -> None:
        """See `ErasureStore`."""
        own = ERASURES.c.number == number
        with self._database.writing() as connection:
            chosen = sa.select(ERASURES.c.steps).where(_IS_OPEN, own).with_for_update()
            found = connection.execute(chosen).scalar()
            if found is None:
                raise _no_open_job(number)
            steps = json.loads(found)
            if step not in steps:
                changed = json.dumps([*steps, step])
                connection.execute(sa.update(ERASURES).where(own).values(steps=changed))

    def open_jobs(self) -> list[ErasureJob]:
        """See `ErasureStore`."""
        chosen = sa.select(ERASURES).where(_IS_OPEN).order_by(ERASURES.c.number)
        with self._database.reading() as connection:
            return [_job(row) for row in connection.execute(chosen)]

    def finish(self, number: int, receipt: str, at: datetime) -> None:
        """See `ErasureStore`; no file of a SQLite database holds the id afterwards."""
        change = sa.update(ERASURES).where(_IS_OPEN, ERASURES.c.number == number)
        values = {n.USER_ID: None, "finished_at": to_number(at), "receipt": receipt}
        with self._database.writing() as connection:
            if not connection.execute(change.values(values)).rowcount:
                raise _no_open_job(number)
        self._database.forget_deleted()

    def hashes(self) -> set[str]:
        """See `ErasureStore`."""
        with self._database.reading() as connection:
            return {str(row[0]) for row in connection.execute(sa.select(ERASURES.c.digest))}

    def receipts(self) -> list[Erasure]:
        """See `ErasureStore`."""
        chosen = sa.select(ERASURES).where(~_IS_OPEN).order_by(ERASURES.c.number)
        with self._database.reading() as connection:
            return [_erasure(row) for row in connection.execute(chosen)]


def _no_open_job(number: int) -> StorageError:
    """What a step of a job that is not open raises."""
    return StorageError(
        f"There is no open erasure with the number {number}.",
        "It is finished, or was never begun; open ones are listed by `open_jobs`.",
    )


def _job(row: Any) -> ErasureJob:
    steps = tuple(json.loads(row.steps))
    user_id = getattr(row, n.USER_ID)
    return ErasureJob(row.number, row.digest, user_id, steps, to_moment(row.created_at))


def _erasure(row: Any) -> Erasure:
    created, erased = to_moment(row.created_at), to_moment(row.finished_at)
    return Erasure(row.number, row.digest, created, erased, row.receipt)
