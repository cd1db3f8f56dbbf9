"""The source that the settings name; the only place that knows all kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.sources import FilesSource, MovieLensSource, SimulatedSource, Source
from recsys_pipeline.storage.events_source import EventsSource


def build_source(settings: Settings) -> Source:
    """The source that `source.kind` names; a database is opened when it is first asked.

    Raises:
        SourceError: `source.sql.url` is none of a database, or its driver is not installed.
    """
    if settings.source.kind != "events":
        return _source(settings, settings.source.kind)
    merge = settings.source.events.merge
    merged = None if merge == "none" else _source(settings, merge)

    @contextmanager
    def opened() -> Iterator[EventStore]:
        from recsys_pipeline.storage.database import database_of
        from recsys_pipeline.storage.events import SqlEventStore

        store = SqlEventStore(database_of(settings))
        try:
            yield store
        finally:
            store.close()

    return EventsSource(opened, merged, settings.learning.likes)


def _source(settings: Settings, kind: str) -> Source:
    source = settings.source
    if kind == "files" and source.files is not None:
        return FilesSource(source.files, settings.root)
    if kind == "movielens" and source.movielens is not None:
        return MovieLensSource(source.movielens, settings.root)
    if kind == "sql" and source.sql is not None:
        from recsys_pipeline.storage.sql_source import SqlSource

        return SqlSource(source.sql)
    return SimulatedSource(source.simulated)
