"""Who met what since: told by this process or read from the database, counted once."""

from datetime import UTC, datetime

from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.serving.since import Since
from recsys_pipeline.storage.memory_events import MemoryEventStore

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def event(number: int, kind: str = "view", user: str = "7") -> Event:
    return Event(f"e{number}", user, str(number), kind, NOW, NOW)


def test_what_this_process_took_in_counts_once() -> None:
    store, since, other = MemoryEventStore(), Since(), Since()
    store.add_events([event(1)])
    since.note([event(1)])
    first = since.version("7")
    assert (first != 0, since.catch_up(store), since.version("7")) == (True, 1, first)
    # Read before it was told.
    store.add_events([event(2)])
    assert since.catch_up(store) == 1
    second = since.version("7")
    since.note([event(2)])
    assert since.version("7") == second != first
    other.catch_up(store)
    assert other.version("7") == second
    assert since.catch_up(store) == 0


def test_processes_that_know_different_events_differ() -> None:
    one, two = Since(), Since()
    one.note([event(1)])
    two.note([event(2)])
    assert one.version("7") != two.version("7")
    assert one.version("8") == 0


def test_a_movie_that_was_only_shown_was_not_met() -> None:
    since = Since()
    since.note([event(1, "impression"), event(2, "not_for_me")])
    assert not since.met("7", [1])
    assert since.met("7", [1, 2])
    assert not since.met("8", [2])
    since.forget("7")
    assert since.version("7") == 0
