"""Counts of answers by the hour: every store adds up what several workers hand in."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from upath import UPath

from recsys_pipeline.pipeline.answer_hours import LATENCY_BOUNDS, AnswerHour, AnswerHours
from recsys_pipeline.storage import schema
from recsys_pipeline.storage.answer_hours import SqlAnswerHours
from recsys_pipeline.storage.database import open_database
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.memory_answer_hours import MemoryAnswerHours

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LISTS = "/v1/users/{user_id}/recommendations"


def hour(at: datetime = NOON, route: str = LISTS, errors: int = 0, **places: int) -> AnswerHour:
    """So many answers at places of the histogram: ``p2=5`` is five at place 2."""
    counts = [places.get(f"p{place}", 0) for place in range(len(LATENCY_BOUNDS) + 1)]
    return AnswerHour(at, route, sum(counts), errors, tuple(counts))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path):
    """Two doors to the same counts, as two workers have."""
    if request.param == "memory":
        kept = MemoryAnswerHours()
        yield kept, kept
        return
    url = f"sqlite:///{tmp_path / 'events.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    databases = [open_database(url, UPath(tmp_path)) for _ in range(2)]
    yield tuple(SqlAnswerHours(each) for each in databases)
    for each in databases:
        each.close()


def test_what_two_workers_count_adds_up_by_hour_and_route(stores):
    one, other = stores
    last = len(LATENCY_BOUNDS)
    one.add([hour(p0=2, p3=1, errors=1), hour(route="/v1/events", p1=4)])
    other.add([hour(p0=1, **{f"p{last}": 1}), hour(NOON + timedelta(hours=1), p2=7, errors=7)])
    one.add([])
    assert other.between(NOON, NOON + timedelta(hours=1)) == [
        hour(route="/v1/events", p1=4),
        hour(p0=3, p3=1, **{f"p{last}": 1}, errors=1),
    ]
    assert one.between(NOON + timedelta(hours=1), NOON + timedelta(days=1)) == [
        hour(NOON + timedelta(hours=1), p2=7, errors=7)
    ]


def test_nothing_is_lost_where_two_workers_write_at_once(stores):
    def add_often(store: AnswerHours) -> None:
        for _ in range(20):
            store.add([hour(p1=1)])

    threads = [threading.Thread(target=add_often, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].between(NOON, NOON + timedelta(hours=1)) == [hour(p1=40)]


def test_a_database_of_the_first_revision_is_upgraded_and_its_answers_count_as_personal(
    database_url, tmp_path
):
    database = open_database(database_url, UPath(tmp_path))
    with database.writing() as connection:
        schema.downgrade(connection, "0001")
        connection.exec_driver_sql(
            "INSERT INTO shown (request_id, user_id, shown_at, release, kind, movies, propensities,"
            " experiment, arm) VALUES ('r1', 'u', 0, '2024-03', 'cold', '[1]', '', '', '')"
        )
    database.close()
    database = open_database(database_url, UPath(tmp_path))
    found = SqlEventStore(database).shown("r1")
    assert found is not None
    assert (found.kind, found.personal) == ("cold", True)
    assert SqlAnswerHours(database).between(NOON, NOON + timedelta(days=1)) == []
    database.close()
