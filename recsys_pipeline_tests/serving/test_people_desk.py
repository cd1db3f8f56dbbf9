"""People asked about through the server: export, erasure, and who is refused from then on."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.serving.people import PeopleDesk
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import MemoryReleaseStore
from recsys_pipeline.storage.database import Database, database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.run_lock import run_lock

AT = datetime(2024, 5, 6, tzinfo=UTC)
WHO = "marker-7f3a9c"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(root=tmp_path)


@pytest.fixture
def database(settings):
    with closing(database_of(settings)) as opened:
        SqlEventStore(opened).add_events([Event("e", WHO, "m", "view", AT, AT)])
        yield opened


def desk(settings: Settings, database: Database) -> PeopleDesk:
    store = MemoryReleaseStore(settings.root / "scratch")
    return PeopleDesk(settings, database, store, AT.timestamp)


def test_a_person_is_told_erased_and_refused(settings, database):
    first, second = desk(settings, database), desk(settings, database)

    told = json.loads(json.dumps(first.export(WHO)))
    assert [each["event_id"] for each in told["events"]["events"]] == ["e"]
    receipt = first.erase(WHO)

    assert receipt["erased_at"] == AT.isoformat()
    assert first.receipts() == [receipt]
    assert first.export(WHO)["events"]["events"] == []
    assert first.erased(WHO)
    assert not first.erased("other")
    assert not second.erased(WHO)
    second.refresh()
    assert second.erased(WHO)
    assert first.log_key == second.log_key
    assert len(first.log_key) == 32


def test_an_erasure_waits_for_the_run_that_is_under_way(settings, database):
    people = desk(settings, database)

    with run_lock(settings.root / "data" / "run.lock", "weekly"):
        waiting = people.erase(WHO)
    assert (waiting["number"], waiting["finished"]) == (1, False)
    assert people.erased(WHO)

    assert people.resume() == 1
    assert people.resume() == 0
    assert people.receipts()[0]["number"] == 1
