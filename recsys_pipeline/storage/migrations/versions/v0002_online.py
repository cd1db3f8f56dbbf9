"""Whether an answer was personal, and how answers went by hour."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text() -> Any:
    return sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column and the table; of answers given before, all count as personal."""
    op.add_column(
        "shown", sa.Column("personal", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.create_table(
        "answer_hours",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("route", _text(), nullable=False),
        sa.Column("answers", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.Column("latencies", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "route", name="answer_hours_key"),
    )


def downgrade() -> None:
    """Remove both, with what they hold."""
    op.drop_table("answer_hours")
    op.drop_column("shown", "personal")
