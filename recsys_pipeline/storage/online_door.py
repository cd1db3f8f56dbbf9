"""What happened online, for whoever is no server: the weekly run and the command line."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from recsys_pipeline.pipeline.answer_hours import AnswerHours
from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.pipeline.state import StateStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.privacy_door import database_exists


@dataclass(frozen=True)
class Online:
    """The stores of what happened online.

    Attributes:
        events: events and answers.
        state: small facts, such as experiments started by hand.
        hours: how many answers there were each hour, and how long they took.
    """

    events: EventStore
    state: StateStore
    hours: AnswerHours


@contextmanager
def opened_online(settings: Settings, *, make: bool = False) -> Iterator[Online | None]:
    """The stores of an installation; None where nothing has happened and nothing was started.

    That is known without opening a database where none was ever made, unless one is to be made.

    Raises:
        StorageError: the database cannot be opened.
    """
    from recsys_pipeline.storage.answer_hours import SqlAnswerHours
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.events import SqlEventStore
    from recsys_pipeline.storage.state import SqlStateStore

    if not make and not database_exists(settings):
        yield None
        return
    with closing(database_of(settings)) as database:
        yield Online(SqlEventStore(database), SqlStateStore(database), SqlAnswerHours(database))
