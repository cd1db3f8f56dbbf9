"""Events, answers, API keys, erasures and state."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text() -> Any:
    return sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _number() -> Any:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "events",
        sa.Column("number", _number(), sa.Identity(), nullable=False),
        sa.Column("event_id", _text(), nullable=False),
        sa.Column("user_id", _text(), nullable=False),
        sa.Column("movie_id", _text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Double()),
        sa.Column("watch_fraction", sa.Double()),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer()),
        sa.PrimaryKeyConstraint("number", name="events_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_event_id", "events", ["event_id"], unique=True)
    op.create_index("events_by_user_id_at", "events", ["user_id", "at"])
    op.create_index("events_by_at_event_id", "events", ["at", "event_id"])
    op.create_table(
        "shown",
        sa.Column("request_id", _text(), nullable=False),
        sa.Column("user_id", _text(), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("movies", sa.Text(), nullable=False),
        sa.Column("propensities", sa.Text(), nullable=False),
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="shown_key"),
    )
    op.create_index("shown_by_user_id_shown_at", "shown", ["user_id", "shown_at"])
    op.create_index("shown_by_shown_at_request_id", "shown", ["shown_at", "request_id"])
    op.create_table(
        "api_keys",
        sa.Column("key_id", _text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="api_keys_key"),
    )
    op.create_table(
        "erasures",
        sa.Column("number", _number(), sa.Identity(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("receipt", sa.Text()),
        sa.PrimaryKeyConstraint("number", name="erasures_key"),
        sqlite_autoincrement=True,
    )
    open_only = sa.text("finished_at IS NULL")
    op.create_index(
        "erasures_open_by_digest",
        "erasures",
        ["digest"],
        unique=True,
        sqlite_where=open_only,
        postgresql_where=open_only,
    )
    op.create_table(
        "state",
        sa.Column("key", _text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="state_key"),
    )


def downgrade() -> None:
    """Remove all tables and what they hold."""
    for table in ("state", "erasures", "api_keys", "shown", "events"):
        op.drop_table(table)
