"""Whether a server says that it is ready, whatever its database does."""

import threading

import pytest

from recsys_pipeline.errors import StorageError
from recsys_pipeline.serving import routes_health

READY = "/v1/health/ready"


def test_a_database_that_is_away_makes_it_degraded(api, monkeypatch):
    assert api.get(READY)["status"] == "ready"

    def away():
        raise StorageError("The database is away.", "Start it.")

    monkeypatch.setattr(api.server.service.events, "last_number", away)
    told = api.get(READY)
    assert (told["status"], told["database"]) == ("degraded", "away")
    monkeypatch.undo()
    assert api.get(READY)["status"] == "ready"


def test_a_database_that_hangs_stops_nobody_and_is_asked_once(api, monkeypatch):
    """While it hangs others are answered, and no second thread waits for it."""
    monkeypatch.setattr(routes_health, "_PATIENCE", 0.05)
    asked, free = [], threading.Event()

    def hang():
        asked.append(threading.current_thread())
        assert free.wait(30)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.server.service.events, "last_number", hang)
        try:
            for _ in range(5):
                assert api.get(READY)["database"] == "away"
                assert api.get("/v1/users/7/recommendations")["kind"] == "stored"
            assert len(asked) == 1
            assert asked[0] is not api._thread
        finally:
            free.set()
            asked[0].join(0)


def test_a_watch_that_looks_no_more_is_told(api) -> None:
    keeper = api.server.service.keeper
    # Whoever holds the lock stands for a look that hangs.
    with keeper._looking:
        keeper.looked_at = api.clock.now - 120
        told = api.get("/v1/health/ready")
    assert (told["status"], told["watch"]) == ("degraded", "late")
