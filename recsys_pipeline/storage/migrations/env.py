"""What Alembic runs to carry out revisions, on the connection that `storage/schema.py` gives it."""

from alembic import context

from recsys_pipeline.storage.tables import METADATA


def carry_out() -> None:
    """Carry out what was asked for, within the transaction of the connection."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        # Both databases take back a change of tables with the rest of a transaction.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# The name under which Alembic runs this file; imported as part of the package it does nothing.
if __name__ == "env_py":
    carry_out()
