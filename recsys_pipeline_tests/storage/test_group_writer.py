"""Many callers, one writing thread: acknowledged is durable, and nothing is lost in silence."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import pytest
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import Event, Shown, Taken
from recsys_pipeline.storage.database import open_database
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.group_writer import GroupWriter, Pace
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.refused import RefusedRowsError

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
QUICK = Pace(event_seconds=0, shown_seconds=0.01, retry_seconds=0.01)


def event(name: object, user: str = "u") -> Event:
    return Event(f"e{name}", user, "m", "view", NOON, NOON)


def shown(name: object, user: str = "u") -> Shown:
    return Shown(f"r{name}", user, NOON, "2024-03", "stored", "[]")


class Flaky(MemoryEventStore):
    """Is away, or held up, when told; and takes no user called ``bad``."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.transactions: list[int] = []

    def add_groups(self, groups: Sequence[Sequence[Event]]) -> list[Taken]:
        self._answer([each for group in groups for each in group])
        return super().add_groups(groups)

    def add_shown(self, answers: Sequence[Shown]) -> None:
        self._answer(answers)
        super().add_shown(answers)

    def _answer(self, rows: Sequence[Event | Shown]) -> None:
        self.entered.set()
        assert self.gate.wait(10)
        self.transactions.append(len(rows))
        if self.away:
            raise StorageError("away")
        if any(row.user_id == "bad" for row in rows):
            raise RefusedRowsError("bad row")


@pytest.fixture
def store() -> Flaky:
    return Flaky()


@pytest.fixture
def writer(store: Flaky) -> Iterator[GroupWriter]:
    made = GroupWriter(store, QUICK)
    yield made
    store.gate.set()
    made.close()


def test_a_future_says_how_many_were_new_once_they_are_stored(store, writer):
    assert len(writer.submit_events([event(1), event(2)]).result(10).new) == 2
    assert store.events_of("u") == [event(1), event(2)]
    assert len(writer.submit_events([event(2), event(3)]).result(10).new) == 1
    assert len(writer.submit_events([]).result(10).new) == 0


def test_what_waits_is_written_together_and_each_caller_gets_their_own_count(store, writer):
    store.gate.clear()
    first = writer.submit_events([event(0)])
    others = [writer.submit_events([event(i), event(i // 2)]) for i in range(1, 6)]
    store.gate.set()
    assert len(first.result(10).new) == 1
    assert [len(each.result(10).new) for each in others] == [1, 1, 1, 1, 1]
    assert len(store.transactions) <= 3


def test_answers_are_written_soon_and_on_flush(store, writer):
    for number in range(10):
        writer.submit_shown(shown(number))
    assert writer.flush(10)
    assert len(store.shown_to("u")) == 10
    assert writer.waiting == (0, 0)
    writer.submit_shown(shown(99))
    with writer._changed:
        assert writer._changed.wait_for(lambda: store.shown("r99") is not None, 10)


def test_events_are_not_acknowledged_while_the_database_is_away(store, writer):
    store.away = True
    future = writer.submit_events([event(1)])
    with pytest.raises(StorageError):
        future.result(10)
    store.away = False
    assert len(writer.submit_events([event(1)]).result(10).new) == 1


def test_answers_wait_while_the_database_is_away(store, writer):
    store.away = True
    writer.submit_shown(shown(1))
    assert not writer.flush(0.1)
    assert writer.failures > 0
    assert writer.waiting == (0, 1)
    store.away = False
    assert writer.flush(10)
    assert store.shown("r1") == shown(1)
    assert writer.lost == 0


def test_answers_beyond_the_queue_are_counted(store):
    writer = GroupWriter(store, replace(QUICK, shown=5))
    store.away = True
    for number in range(8):
        writer.submit_shown(shown(number))
    writer.flush(0.1)
    store.away = False
    writer.close()
    assert len(store.shown_to("u")) + writer.lost == 8
    assert writer.lost >= 1


def test_events_beyond_the_queue_are_refused(store):
    writer = GroupWriter(store, replace(QUICK, events=3))
    with pytest.raises(StorageError, match="full"):
        writer.submit_events([event(i) for i in range(4)]).result(10)
    writer.close()


def test_one_bad_row_harms_nobody_else(store, writer):
    store.gate.clear()
    writer.submit_shown(shown(0))
    futures = [writer.submit_events([event(user, user)]) for user in ("a", "bad", "c")]
    for user in ("a", "bad", "c"):
        writer.submit_shown(shown(user, user))
    store.gate.set()
    assert len(futures[0].result(10).new) == len(futures[2].result(10).new) == 1
    with pytest.raises(RefusedRowsError):
        futures[1].result(10)
    assert writer.flush(10)
    assert writer.lost == 1
    assert len(store.shown_to("a")) == len(store.shown_to("c")) == 1


def test_a_programming_error_reaches_its_caller_and_the_thread_lives_on(store, writer):
    def fail(groups: object) -> list[Taken]:
        raise ZeroDivisionError

    real, store.add_groups = store.add_groups, fail
    with pytest.raises(ZeroDivisionError):
        writer.submit_events([event(1)]).result(10)
    store.add_groups = real
    assert len(writer.submit_events([event(1)]).result(10).new) == 1


def test_a_caller_who_gave_up_stops_nobody(store, writer):
    store.gate.clear()
    writer.submit_events([event(0)])
    assert store.entered.wait(10)
    given_up, other = writer.submit_events([event(1)]), writer.submit_events([event(2)])
    assert given_up.cancel()
    store.gate.set()
    assert len(other.result(10).new) == 1
    store.gate.clear()
    writer.submit_events([event(3)]).cancel()
    store.gate.set()
    assert len(writer.submit_events([event(4)]).result(10).new) == 1


def test_closing_writes_what_waits_and_refuses_what_comes_later(store):
    writer = GroupWriter(store, replace(QUICK, shown_seconds=60))
    for number in range(1000):
        writer.submit_shown(shown(number))
    future = writer.submit_events([event(1)])
    writer.close()
    assert len(future.result(0).new) == 1
    assert len(store.shown_to("u", limit=2000)) == 1000
    with pytest.raises(StorageError, match="closed"):
        writer.submit_events([event(2)]).result(0)
    writer.submit_shown(shown("late"))
    assert writer.lost == 1


def test_closing_while_the_database_is_away_counts_what_is_lost(store):
    writer = GroupWriter(store, replace(QUICK, shown_seconds=60))
    store.away = True
    for number in range(7):
        writer.submit_shown(shown(number))
    writer.close()
    assert writer.lost == 7


def test_many_threads_over_a_real_database(database_url, tmp_path):
    store = SqlEventStore(open_database(database_url, UPath(tmp_path)))
    writer, waits = GroupWriter(store), []

    def call(caller: int) -> None:
        for number in range(15):
            started = perf_counter()
            assert len(writer.submit_events([event(f"{caller}-{number}")]).result(10).new) == 1
            waits.append(perf_counter() - started)
            writer.submit_shown(shown(f"{caller}-{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(8)))
    writer.close()
    assert len(store.events_of("u")) == 120
    assert len(store.shown_to("u", limit=500)) == 120
    # Some milliseconds where the machine is free; each alone would wait for the 119 others.
    assert median(waits) < 0.5
    store.close()


def test_a_database_that_comes_back_gets_everything(postgres_server, tmp_path):
    store = SqlEventStore(open_database(postgres_server.url, UPath(tmp_path)))
    writer = GroupWriter(store, QUICK)
    assert len(writer.submit_events([event(1)]).result(10).new) == 1
    postgres_server.stop("immediate")
    writer.submit_shown(shown(1))
    with pytest.raises(StorageError) as raised:
        writer.submit_events([event(2)]).result(10)
    assert "cannot be" in raised.value.message
    postgres_server.start()
    assert writer.flush(10)
    assert len(writer.submit_events([event(2)]).result(10).new) == 1
    writer.close()
    assert store.events_of("u") == [event(1), event(2)]
    assert store.shown("r1") == shown(1)
    assert writer.lost == 0
    store.close()
