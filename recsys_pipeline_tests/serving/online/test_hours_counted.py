"""Answers by the hour: counted by each worker, stored together, kept while the database is away."""

import shutil
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.answer_hours import LATENCY_BOUNDS, bucket_of
from recsys_pipeline.serving.hours import Hours
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.answer_hours import SqlAnswerHours
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.memory_answer_hours import MemoryAnswerHours

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LISTS = "/v1/users/{user_id}/recommendations"


class Away(MemoryAnswerHours):
    away = True

    def add(self, hours):
        if self.away:
            raise StorageError("The database is away.")
        super().add(hours)


def test_answers_of_the_api_are_counted_by_hour_route_latency_and_failure():
    store = MemoryAnswerHours()
    hours = Hours(store, lambda: NOON.timestamp() + 90)
    assert not hours.due
    for seconds, status in ((0.0005, 200), (0.001, 200), (0.004, 404), (99.0, 503), (0.004, 500)):
        hours.count(NOON.timestamp() + 5, LISTS, status, seconds)
    hours.count(NOON.timestamp() + 3_599.9, LISTS, 200, 0.002)
    hours.count(NOON.timestamp() + 3_600, LISTS, 200, 0.002)
    for route in ("/monitoring", "/v1/health/live", "unmatched", "/metrics"):
        hours.count(NOON.timestamp(), route, 200, 0.001)
    hours.store()
    hours.store()
    first, second = store.between(NOON, NOON + timedelta(hours=2))
    assert (first.hour, first.route, first.answers, first.errors) == (NOON, LISTS, 6, 2)
    expected = [0] * (len(LATENCY_BOUNDS) + 1)
    for seconds in (0.0005, 0.001, 0.004, 99.0, 0.004, 0.002):
        expected[bucket_of(seconds)] += 1
    assert first.latencies == tuple(expected)
    assert (second.hour, second.answers, second.errors) == (NOON + timedelta(hours=1), 1, 0)
    # Two of seven failed, where one in a hundred may.
    assert hours.budget_used(0.99) == pytest.approx(2 / 7 / 0.01)


def test_what_could_not_be_stored_is_stored_with_what_comes_later():
    store = Away()
    clock = NOON.timestamp()
    hours = Hours(store, lambda: clock)
    hours.count(clock, LISTS, 500, 0.01)
    with pytest.raises(StorageError):
        hours.store()
    hours.count(clock, LISTS, 200, 0.01)
    store.away = False
    hours.store()
    (found,) = store.between(NOON, NOON + timedelta(hours=1))
    assert (found.answers, found.errors) == (2, 1)


def test_two_workers_store_into_the_same_hours_when_they_end(released, tmp_path, opening):
    shutil.copytree(released / "data", tmp_path / "data")
    workers = [opening(tmp_path) for _ in range(2)]
    for times, worker in enumerate(workers, 2):
        for _ in range(times):
            worker.get("/v1/users/7/recommendations")
        worker.get("/v1/movies/none", 404)
        worker.ask("GET", "/")
    for worker in workers:
        worker.close()
    database = database_of(Settings(root=tmp_path))
    at = pd.Timestamp(workers[0].clock.now, unit="s", tz="UTC").to_pydatetime()
    found = SqlAnswerHours(database).between(at - timedelta(hours=1), at + timedelta(hours=1))
    assert {each.route: (each.answers, each.errors) for each in found} == {
        LISTS: (5, 0),
        "/v1/movies/{movie_id}": (2, 0),
    }
    database.close()


def test_the_error_budget_is_told_once_something_was_answered(api):
    assert "recsys_error_budget_used " in api.ask("GET", "/metrics").text
