"""Who met what since: told by this process or read from the database, counted once."""

from datetime import UTC, datetime

from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.serving.since import Since
from recsys_pipeline.storage.memory_events import MemoryEventStore

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def event(number: int, kind: str = "view", user: str = "7") -> Event:
    return Event(f"e{number}", user, str(number), kind, NOW, NOW)


def test_what_this_process_took_in_counts_once() -> None:
    store, since = MemoryEventStore(), Since()
    store.add_events([event(1)])
    since.note([event(1)])
    assert (since.count("7"), since.catch_up(store), since.count("7")) == (1, 1, 1)
    store.add_events([event(2)])
    assert since.catch_up(store) == 1
    assert since.count("7") == 2
    assert since.catch_up(store) == 0


def test_every_process_comes_to_the_same_count() -> None:
    store, one, two = MemoryEventStore(), Since(), Since()
    for number in range(10):
        store.add_events([event(number)])
        (one if number % 2 else two).note([event(number)])
    for each in (one, two):
        each.catch_up(store)
        assert each.count("7") == 10


def test_a_movie_that_was_only_shown_was_not_met() -> None:
    since = Since()
    since.note([event(1, "impression"), event(2, "not_for_me")])
    assert not since.met("7", [1])
    assert since.met("7", [1, 2])
    assert not since.met("8", [2])
    since.forget("7")
    assert since.count("7") == 0
