"""The schema of a database: made, upgraded, and refused where it is newer than the code."""

from importlib.resources import files
from typing import Any

import sqlalchemy as sa

from recsys_pipeline.errors import StorageError
from recsys_pipeline.storage.tables import HEAD

_FOLDER = "migrations"
_VERSION_TABLE = "alembic_version"


def revision_of(connection: Any) -> str | None:
    """The revision of a database, or None where it has no tables of this kind yet."""
    if not sa.inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def refuse_newer(revision: str | None, place: str) -> None:
    """Raise StorageError if a later version of this package has written the database.

    Args:
        revision: found in it, or None.
        place: the database for people.
    """
    if revision is not None and revision not in _known():
        raise StorageError(
            f"The database {place} has revision {revision}, which this version of "
            f"recsys-pipeline does not know (its own is {HEAD}): a later version wrote it.",
            "Install that later version here too, or restore the backup made before the upgrade.",
        )


def upgrade(connection: Any, place: str, to: str = HEAD) -> None:
    """Bring the tables to a revision, within the transaction of `connection`.

    Nobody else must do so at the same time.

    Args:
        connection: of SQLAlchemy, in a transaction.
        place: the database for people.
        to: the revision.

    Raises:
        StorageError: a later version of this package has written the database.
    """
    now = revision_of(connection)
    if now == to:
        return
    refuse_newer(now, place)
    _run("upgrade", connection, to)


def downgrade(connection: Any, to: str) -> None:
    """Take the tables back to an earlier revision (``base``: none), with what they would lose."""
    _run("downgrade", connection, to)


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(__package__) / _FOLDER).replace("%", "%%"))
    # Folders are not split at the spaces in their names.
    config.set_main_option("path_separator", "os")
    return config


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    walked = ScriptDirectory.from_config(_config()).walk_revisions()
    return {str(script.revision) for script in walked}


def _run(command: str, connection: Any, to: str) -> None:
    from alembic import command as commands

    config = _config()
    config.attributes["connection"] = connection
    getattr(commands, command)(config, to)
