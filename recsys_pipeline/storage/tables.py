"""The tables of the database: events, answers, hours of answers, API keys, erasures, state.

Times are whole microseconds since 1970 in UTC: exact, the same in every database and quick to
compare. Texts that are sorted by compare by their bytes, in PostgreSQL too, so that an order is
that of Python. A change here needs a migration in `migrations/versions`; a test compares them.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from recsys_pipeline.contracts import names as n

HEAD: Final = "0002"
"""Newest revision in `migrations/versions`: what this code reads and writes."""


def _text() -> Any:
    return sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _number() -> Any:
    # Only an INTEGER is counted up by SQLite.
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


METADATA: Final = sa.MetaData(
    naming_convention={"ix": "%(table_name)s_by_%(column_0_N_name)s", "pk": "%(table_name)s_key"}
)

EVENTS: Final = sa.Table(
    "events",
    METADATA,
    sa.Column("number", _number(), sa.Identity(), primary_key=True),
    sa.Column("event_id", _text(), nullable=False),
    sa.Column(n.USER_ID, _text(), nullable=False),
    sa.Column(n.MOVIE_ID, _text(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("received_at", sa.BigInteger(), nullable=False),
    sa.Column(n.RATING, sa.Double()),
    sa.Column(n.WATCH_FRACTION, sa.Double()),
    sa.Column("request_id", sa.Text(), nullable=False),
    sa.Column(n.RELEASE, sa.Text(), nullable=False),
    sa.Column(n.RANK, sa.Integer()),
    sa.Index("events_by_event_id", "event_id", unique=True),
    sa.Index(None, n.USER_ID, "at"),
    sa.Index(None, "at", "event_id"),
    sqlite_autoincrement=True,
)
"""`number` counts up in the order in which events become visible; it is never used twice."""

SHOWN: Final = sa.Table(
    "shown",
    METADATA,
    sa.Column("request_id", _text(), primary_key=True),
    sa.Column(n.USER_ID, _text(), nullable=False),
    sa.Column("shown_at", sa.BigInteger(), nullable=False),
    sa.Column(n.RELEASE, sa.Text(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("movies", sa.Text(), nullable=False),
    sa.Column("propensities", sa.Text(), nullable=False),
    sa.Column("experiment", sa.Text(), nullable=False),
    sa.Column("arm", sa.Text(), nullable=False),
    sa.Column(n.PERSONAL, sa.Boolean(), nullable=False, server_default=sa.true()),
    sa.Index(None, n.USER_ID, "shown_at"),
    sa.Index(None, "shown_at", "request_id"),
)

ANSWER_HOURS: Final = sa.Table(
    "answer_hours",
    METADATA,
    sa.Column("hour", sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column("route", _text(), primary_key=True),
    sa.Column("answers", sa.BigInteger(), nullable=False),
    sa.Column("errors", sa.BigInteger(), nullable=False),
    sa.Column("latencies", sa.Text(), nullable=False),
)
"""`latencies` is JSON: how many answers kept within each bound (microseconds; 0 for beyond all)."""

KEYS: Final = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("key_id", _text(), primary_key=True),
    sa.Column("digest", sa.Text(), nullable=False),
    sa.Column("scopes", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("expires_at", sa.BigInteger()),
    sa.Column("revoked", sa.Boolean(), nullable=False),
)

ERASURES: Final = sa.Table(
    "erasures",
    METADATA,
    sa.Column("number", _number(), sa.Identity(), primary_key=True),
    sa.Column("digest", sa.Text(), nullable=False),
    sa.Column(n.USER_ID, sa.Text()),
    sa.Column("steps", sa.Text(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("finished_at", sa.BigInteger()),
    sa.Column("receipt", sa.Text()),
    sa.Index(
        "erasures_open_by_digest",
        "digest",
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
"""The id of a person is there only until their erasure is finished."""

STATE: Final = sa.Table(
    "state",
    METADATA,
    sa.Column("key", _text(), primary_key=True),
    sa.Column("value", sa.Text(), nullable=False),
)
