"""Every store of events and answers: the one in memory, SQLite and PostgreSQL."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import EVENT_KINDS, Event, EventStore, Shown, Taken
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.storage.database import open_database
from recsys_pipeline.storage.erasures import SqlErasureStore
from recsys_pipeline.storage.events import _ORDER, SqlEventStore
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.refused import RefusedRowsError

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def event(number: int, user: str = "u", **changes: object) -> Event:
    at = NOON + timedelta(minutes=number)
    made = Event(f"e{number:03d}", user, f"m{number % 5}", "view", at, at + timedelta(seconds=1))
    return replace(made, **changes)


def shown(number: int, user: str = "u", **changes: object) -> Shown:
    at = NOON + timedelta(minutes=number)
    return replace(Shown(f"r{number:03d}", user, at, "2024-03", "stored", '["m1"]'), **changes)


def opened(url: str, folder: Path) -> SqlEventStore:
    return SqlEventStore(open_database(url, UPath(folder)))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    if request.param == "memory":
        yield MemoryEventStore()
        return
    url = (
        f"sqlite:///{tmp_path / 'events.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    made = opened(url, tmp_path)
    yield made
    made.close()


def test_an_empty_store_holds_nothing(store):
    assert store.events_of("u") == []
    assert store.events_since(0) == ([], 0)
    assert store.last_number() == 0
    assert list(store.event_chunks(None)) == []
    assert store.newest_event() is None
    assert store.event("e001") is None
    assert store.shown("r001") is None
    assert store.shown_to("u") == []
    assert list(store.shown_chunks(None)) == []
    assert store.erase("u") == {"events": 0, "shown": 0}
    assert store.prune(NOON, NOON) == {"events": 0, "shown": 0}
    assert store.add_events([]) == 0
    store.add_shown([])


def test_an_event_comes_back_as_it_went_in(store):
    whole = event(
        1,
        "ümläut 'quoted' \"u\"; DROP TABLE events --",
        kind="rating",
        at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        rating=3.5,
        watch_fraction=0.1,
        request_id="r7",
        release="2024-02-26-aa",
        rank=3,
    )
    bare = event(2)
    assert store.add_events([whole, bare]) == 2
    assert store.event("e001") == whole
    assert store.event("e002") == bare
    found = store.event("e001")
    assert found is not None
    assert found.at.tzinfo is UTC


def test_every_kind_and_another_time_zone_come_back(store):
    paris = timezone(timedelta(hours=1))
    events = [
        event(number, kind=kind, at=datetime(2024, 3, 1, 13, number, tzinfo=paris))
        for number, kind in enumerate(EVENT_KINDS)
    ]
    store.add_events(events)
    assert store.events_of("u") == events
    assert {each.at.utcoffset() for each in store.events_of("u")} == {
        timedelta(0) if not isinstance(store, MemoryEventStore) else timedelta(hours=1)
    }


def test_the_same_event_again_changes_nothing(store):
    assert store.add_events([event(1), event(1, rating=1.0), event(2)]) == 2
    assert store.add_events([event(2, "other"), event(3)]) == 1
    assert store.events_of("u") == [event(1), event(2), event(3)]
    assert store.events_of("other") == []


def test_the_same_answer_again_changes_nothing(store):
    store.add_shown([shown(1), shown(1, "v")])
    store.add_shown([shown(1, "w"), shown(2)])
    assert store.shown("r001") == shown(1)
    assert store.shown_to("u") == [shown(2), shown(1)]
    assert store.shown_to("w") == []


def test_an_answer_comes_back_as_it_went_in(store):
    whole = shown(1, movies='["1", "é"]', propensities="[1, 0.5]", experiment="x", arm="b",
                  personal=False)  # fmt: skip
    store.add_shown([whole])
    assert store.shown("r001") == whole


def test_events_of_a_user_are_in_order_of_time_then_id(store):
    late, early = event(3), event(1)
    upper, lower = event(2, event_id="B"), event(2, event_id="a")
    store.add_events([late, lower, event(2, "v", event_id="v"), upper, early])
    assert store.events_of("u") == [early, upper, lower, late]


def test_events_since_a_number_are_those_that_came_in_after_it(store):
    store.add_events([event(5), event(1)])
    first, number = store.events_since(0)
    assert sorted(each.event_id for each in first) == ["e001", "e005"]
    assert number == store.last_number()
    assert store.events_since(number) == ([], number)
    store.add_events([event(1), event(3)])
    store.add_events([event(2)])
    later, second = store.events_since(number, limit=1)
    assert later == [event(3)]
    rest, last = store.events_since(second)
    assert rest == [event(2)]
    assert number < second < last == store.last_number()


def test_a_number_is_not_used_again_after_an_erasure(store):
    store.add_events([event(1), event(2, "v")])
    number = store.last_number()
    store.erase("v")
    store.add_events([event(3)])
    assert store.events_since(number)[0] == [event(3)]


def test_chunks_hold_all_events_up_to_a_moment_in_order(store):
    many = [event(number % 7, f"u{number % 3}", event_id=f"e{number}") for number in range(23)]
    store.add_events(many)
    in_order = sorted(many, key=lambda each: (each.at, each.event_id))
    for rows in (1, 5, 23, 100):
        chunks = list(store.event_chunks(None, rows))
        assert [each for chunk in chunks for each in chunk] == in_order
        assert all(0 < len(chunk) <= rows for chunk in chunks)
    until = NOON + timedelta(minutes=3)
    chosen = [each for chunk in store.event_chunks(until, 4) for each in chunk]
    assert chosen == [each for each in in_order if each.at <= until]
    after = NOON + timedelta(minutes=1)
    chosen = [each for chunk in store.event_chunks(until, 4, after=after) for each in chunk]
    assert chosen == [each for each in in_order if after < each.at <= until]


def test_chunks_of_answers_lie_between_two_moments(store):
    many = [shown(number % 7, request_id=f"r{number}") for number in range(23)]
    store.add_shown(many)
    in_order = sorted(many, key=lambda each: (each.shown_at, each.request_id))
    after = NOON + timedelta(minutes=3)
    for rows in (1, 5, 100):
        assert [each for chunk in store.shown_chunks(None, rows) for each in chunk] == in_order
        assert [each for chunk in store.shown_chunks(after, rows) for each in chunk] == [
            each for each in in_order if each.shown_at > after
        ]
    until = NOON + timedelta(minutes=5)
    chosen = [each for chunk in store.shown_chunks(after, 2, until=until) for each in chunk]
    assert chosen == [each for each in in_order if after < each.shown_at <= until]


def test_the_newest_event_is_no_impression(store):
    store.add_events([event(1), event(4), event(9, kind="impression")])
    assert store.newest_event() == event(4).at
    assert store.newest_event(event(4).at) == event(4).at
    assert store.newest_event(event(3).at) == event(1).at
    assert store.newest_event(NOON) is None


def test_what_was_shown_to_a_user_is_newest_first(store):
    store.add_shown([shown(number) for number in range(5)] + [shown(9, "v"), shown(10, "")])
    assert store.shown_to("u", limit=2) == [shown(4), shown(3)]
    assert store.shown_to("u", until=shown(2).shown_at) == [shown(2), shown(1), shown(0)]
    assert store.shown_to("u", until=NOON - timedelta(seconds=1)) == []


def test_erasing_a_user_leaves_the_others(store):
    store.add_events([event(1), event(2), event(3, "v"), event(4, "u\u00a0"), event(5, "u v")])
    store.add_shown([shown(1), shown(2, " u "), shown(3, "v")])
    assert store.spellings("u") == [" u ", "u", "u\u00a0"]
    assert store.erase("u") == {"events": 3, "shown": 2}
    assert store.spellings("u") == []
    assert store.erase("u") == {"events": 0, "shown": 0}
    assert store.events_of("u") == []
    assert store.shown_to("u") == []
    assert store.events_of("v") == [event(3, "v")]
    assert store.events_of("u v") == [event(5, "u v")]
    assert store.shown_to("v") == [shown(3, "v")]


def test_pruning_removes_what_is_older(store):
    store.add_events([event(number) for number in range(5)])
    store.add_shown([shown(number) for number in range(5)])
    assert store.prune(None, None) == {"events": 0, "shown": 0}
    assert store.prune(event(2).received_at, None) == {"events": 2, "shown": 0}
    assert store.prune(None, shown(4).shown_at) == {"events": 0, "shown": 4}
    assert store.events_of("u") == [event(2), event(3), event(4)]
    assert store.shown_to("u") == [shown(4)]


def test_an_event_of_long_ago_stays_as_long_as_one_of_today(store):
    late = event(9, at=NOON - timedelta(days=9_000), received_at=NOON + timedelta(days=1))
    store.add_events([event(1), late])
    assert store.prune(NOON + timedelta(hours=1), None) == {"events": 1, "shown": 0}
    assert store.events_of("u") == [late]


def test_the_store_says_which_events_were_new(store):
    store.add_events([event(1)])
    groups = [[event(1), event(2), event(2)], [event(2), event(3)], [event(3)], []]
    assert store.add_groups(groups) == [
        Taken(frozenset({"e002"})),
        Taken(frozenset({"e003"})),
        Taken(),
        Taken(),
    ]
    assert store.events_of("u") == [event(1), event(2), event(3)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_row_names_anybody_whose_erasure_has_begun_elsewhere(request, tmp_path, kind):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url")
    key = PrivacyKey(b"k" * 32)
    with (
        closing(open_database(url, UPath(tmp_path))) as one,
        closing(open_database(url, UPath(tmp_path))) as other,
    ):
        store, erasures = SqlEventStore(one, key), SqlErasureStore(other)
        assert store.add_groups([[event(1)]]) == [Taken(frozenset({"e001"}))]
        for user in ("gone", "left"):
            job = erasures.begin(key.digest(user), user, NOON)
            erasures.finish(job.number, "{}", NOON)
            sent = [event(2, user), event(3, f" {user} "), event(4)]
            store.add_shown([shown(2, user), shown(3)])
            (taken,) = store.add_groups([sent])
            assert taken.refused == 2
        assert (store.spellings("gone"), store.spellings("left")) == ([], [])
        assert store.shown("r002") == shown(2, "")
        assert store.shown("r003") == shown(3)
        assert [each.event_id for each in store.events_of("u")] == ["e001", "e004"]


def test_several_threads_add_each_event_once(store):
    def add(start: int) -> None:
        for number in range(start, start + 40):
            store.add_events([event(number), event(number + 1)])

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 20, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.event_id for each in store.events_of("u")] == [f"e{i:03d}" for i in range(61)]


@pytest.fixture
def sql_store(database_url, tmp_path) -> Iterator[Callable[[], SqlEventStore]]:
    """Makes stores of one database, as several processes have them."""
    made: list[SqlEventStore] = []

    def make() -> SqlEventStore:
        made.append(opened(database_url, tmp_path))
        return made[-1]

    yield make
    for store in made:
        store.close()


def test_a_reader_misses_no_event_of_several_writers(sql_store):
    """Numbers become visible in their order, however the writers' transactions overlap."""
    sql_store().close()
    writers = 4

    def write(writer: int) -> None:
        own = sql_store()
        for batch in range(15):
            own.add_events([event(0, event_id=f"{writer}-{batch}-{row}") for row in range(7)])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    reader, number = sql_store(), 0
    seen: list[str] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        events, number = reader.events_since(number, limit=13)
        seen += [each.event_id for each in events]
    for thread in threads:
        thread.join()
    while len(events := reader.events_since(number)[0]):
        number = reader.events_since(number)[1]
        seen += [each.event_id for each in events]
    assert len(seen) == len(set(seen)) == writers * 15 * 7


def test_a_writer_waits_for_one_that_has_not_committed(sql_store):
    """Else the second would be visible first, with the higher number."""
    first, second = sql_store(), sql_store()
    done = threading.Event()

    def add() -> None:
        second.add_events([event(2)])
        done.set()

    with first._database.writing() as connection:
        if not first._database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ORDER})")
        thread = threading.Thread(target=add)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()


def test_what_is_stored_is_there_after_opening_again(sql_store):
    first = sql_store()
    first.add_events([event(1)])
    first.add_shown([shown(1)])
    first.close()
    second = sql_store()
    assert second.events_of("u") == [event(1)]
    assert second.shown("r001") == shown(1)


def test_no_row_is_stored_where_one_cannot_be(sql_store):
    store = sql_store()
    with pytest.raises(RefusedRowsError) as raised:
        store.add_events([event(1), event(2, "secret \ud800")])
    assert "secret" not in str(raised.value)
    with pytest.raises(RefusedRowsError):
        store.add_events([event(3), event(4, rank=2**70)])
    assert store.last_number() == 0


def test_a_nul_is_refused_by_postgresql_without_showing_it(postgres_url, tmp_path):
    store = opened(postgres_url, tmp_path)
    with pytest.raises(StorageError) as raised:
        store.add_events([event(1, "secret\0")])
    assert "secret" not in str(raised.value)
    store.close()


def test_no_file_holds_an_erased_user(tmp_path):
    """Rows in random order: pages are split, and copies of rows stay behind in their gaps."""
    store, rng = opened(f"sqlite:///{tmp_path / 'events.db'}", tmp_path), random.Random(2)
    kept = 0
    for _ in range(60):
        batch = []
        for _ in range(200):
            marked = rng.random() < 0.03
            kept += not marked
            key = rng.randbytes(8).hex()
            user = "MARKED-person" if marked else f"user{rng.randrange(1000)}"
            batch.append(event(rng.randrange(9999), user, event_id=f"{user[0] * 2}{key}"))
        store.add_events(batch)
        store.add_shown(
            [
                shown(0, each.user_id, request_id=each.event_id, movies="[]" * rng.randrange(60))
                for each in batch
            ]
        )
    assert b"MARKED" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert store.erase("MARKED-person") == {"events": 12_000 - kept, "shown": 12_000 - kept}
    assert b"MARKED" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sum(len(chunk) for chunk in store.event_chunks(None)) == kept
    store.close()


_EVENTS = st.builds(
    lambda key, user, minute: event(minute, user, event_id=f"e{key}"),
    st.integers(0, 30),
    st.sampled_from(["u", "v", ""]),
    st.integers(0, 10),
)


@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(_EVENTS, max_size=8), max_size=5))
def test_sqlite_keeps_what_the_store_in_memory_keeps(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("db")
    store, memory = opened(f"sqlite:///{folder / 'events.db'}", folder), MemoryEventStore()
    for batch in batches:
        assert store.add_events(batch) == memory.add_events(batch)
    for user in ("u", "v", ""):
        assert store.events_of(user) == memory.events_of(user)
    assert list(store.event_chunks(None, 3)) == list(memory.event_chunks(None, 3))
    assert store.events_since(0)[0] == memory.events_since(0)[0]
    store.close()
