"""How many answers the API gave each hour, in a database; several workers add to the same hour."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsys_pipeline.pipeline.answer_hours import LATENCY_BOUNDS, AnswerHour
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.memory_answer_hours import both
from recsys_pipeline.storage.moments import to_moment, to_number
from recsys_pipeline.storage.tables import ANSWER_HOURS

_LOCK: Final = 5_210_764_895
"""Held in PostgreSQL by who adds counts; any number that nobody else takes."""
_BOUNDS: Final = tuple(round(bound * 1e6) for bound in LATENCY_BOUNDS)


class SqlAnswerHours:
    """The `AnswerHours` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    def add(self, hours: Sequence[AnswerHour]) -> None:
        """See `AnswerHours`.

        Raises:
            StorageError: the database cannot be written; nothing was added.
        """
        if not hours:
            return
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                # What is kept is read and written again: two at once would lose one's counts.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            for each in hours:
                kept = self._kept(connection, each)
                whole = each if kept is None else both(kept, each)
                self._put(connection, whole)

    def between(self, start: datetime, end: datetime) -> list[AnswerHour]:
        """See `AnswerHours`.

        Raises:
            StorageError: the database cannot be read.
        """
        table = ANSWER_HOURS.c
        chosen = (
            sa.select(ANSWER_HOURS)
            .where(table.hour >= to_number(start), table.hour < to_number(end))
            .order_by(table.hour, table.route)
        )
        with self._database.reading() as connection:
            return [_hour(row) for row in connection.execute(chosen)]

    def _kept(self, connection: Any, each: AnswerHour) -> AnswerHour | None:
        table = ANSWER_HOURS.c
        same = (table.hour == to_number(each.hour)) & (table.route == each.route)
        row = connection.execute(sa.select(ANSWER_HOURS).where(same)).first()
        return None if row is None else _hour(row)

    def _put(self, connection: Any, each: AnswerHour) -> None:
        values = {
            "answers": each.answers,
            "errors": each.errors,
            "latencies": json.dumps(
                {
                    str(bound): count
                    for bound, count in zip((*_BOUNDS, 0), each.latencies, strict=True)
                    if count
                }
            ),
        }
        new = self._insert(ANSWER_HOURS).values(hour=to_number(each.hour), route=each.route)
        connection.execute(
            new.values(**values).on_conflict_do_update(
                index_elements=["hour", "route"], set_=values
            )
        )


def _hour(row: Sequence[Any]) -> AnswerHour:
    hour, route, answers, errors, text = row
    kept: Mapping[str, int] = json.loads(text)
    counts = [0] * (len(_BOUNDS) + 1)
    for bound, count in kept.items():
        # A bound that is none today counts as the next one: no answer looks faster than it was.
        counts[bisect_left(_BOUNDS, int(bound)) if bound != "0" else -1] += count
    return AnswerHour(to_moment(hour), route, answers, errors, tuple(counts))
