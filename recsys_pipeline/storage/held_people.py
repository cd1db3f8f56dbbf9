"""Whom an installation holds anything about: the ids of all, as text."""

from io import BytesIO

import pyarrow.parquet as pq
import sqlalchemy as sa

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.stored import USERS_FILE
from recsys_pipeline.pipeline.privacy_keys import canonical
from recsys_pipeline.pipeline.protocols import LISTS, PEOPLE, ReleaseStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.rows_of_user import people_in
from recsys_pipeline.storage.stored_tables import StoredTables
from recsys_pipeline.storage.tables import EVENTS, SHOWN


def held_people(settings: Settings, releases: ReleaseStore, database: Database) -> set[str]:
    """Everybody in a table of any week, in a release, in an event or an answer.

    Raises:
        StorageError: a table or the database cannot be read.
        ReleaseError: a release cannot be read.
    """
    found = StoredTables(settings.data / "assets").people()
    for release in releases.releases():
        folder = releases.folder(release)
        for path in (folder / LISTS, folder / PEOPLE / USERS_FILE):
            if path.exists():
                content = BytesIO(path.read_bytes())
                found |= people_in(pq.read_table(content, columns=[n.USER_ID]))
    with database.reading() as connection:
        for table in (EVENTS, SHOWN):
            chosen = sa.select(table.c[n.USER_ID]).distinct()
            found.update(canonical(row[0]) for row in connection.execute(chosen))
    return found
