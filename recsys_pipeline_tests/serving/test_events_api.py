"""Events over HTTP: taken in once, all or none, and only when they make sense."""

import pandas as pd
import pytest

EVENT = {"event_id": "e-1", "user_id": "7", "movie_id": 3, "kind": "view", "watch_fraction": 0.5}


def test_an_event_is_stored_once_however_often_it_is_sent(api) -> None:
    assert api.post("/v1/events", EVENT) == {
        "stored": 1,
        "repeated": 0,
        "event_ids": ["e-1"],
    }
    assert api.post("/v1/events", EVENT)["repeated"] == 1
    both = api.post("/v1/events/batch", {"events": [EVENT, {**EVENT, "event_id": "e-2"}]})
    assert (both["stored"], both["repeated"]) == (1, 1)
    stored = api.server.service.events.events_of("7")
    assert [event.event_id for event in stored] == ["e-1", "e-2"]
    assert (stored[0].movie_id, stored[0].watch_fraction) == ("3", 0.5)


def test_an_event_says_where_it_came_from(api) -> None:
    answer = api.get("/v1/users/7/recommendations")
    first = answer["items"][0]
    sent = {
        "user_id": "7",
        "movie_id": first["movie_id"],
        "kind": "click",
        "at": "2023-12-31T12:00:00+02:00",
        "answer_id": answer["answer_id"],
        "release": answer["release"]["id"],
        "rank": first["rank"],
    }
    api.post("/v1/events", sent)
    (event,) = api.server.service.events.events_of("7")
    assert event.at == pd.Timestamp("2023-12-31T10:00:00Z")
    assert (event.request_id, event.release) == (answer["answer_id"], answer["release"]["id"])
    assert (event.rank, event.event_id != "") == (1, True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "rating"}, "rating"),
        ({"kind": "rating", "rating": 6, "watch_fraction": None}, "rating"),
        ({"rating": 3}, "rating"),
        ({"kind": "click"}, "watch_fraction"),
        ({"watch_fraction": 1.5}, "watch_fraction"),
        ({"kind": "purchase"}, "kind"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"user_id": "a\nb"}, "user_id"),
        ({"user_id": "u" * 201}, "user_id"),
        ({"movie_id": None}, "movie_id"),
        ({"event_id": "with space"}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"at": "2023-12-31 12:00"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2024-01-02T00:00:00Z"}, "at"),
        ({"colour": "red"}, "colour"),
        ({"rank": 0}, "rank"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_by_name(api, change, named) -> None:
    problem = api.post("/v1/events", {**EVENT, **change}, status=422)
    assert named in str(problem)
    assert api.server.service.events.events_of("7") == []


def test_of_a_batch_all_are_stored_or_none(api) -> None:
    wrong = {**EVENT, "event_id": "e-2", "watch_fraction": 2}
    problem = api.post("/v1/events/batch", {"events": [EVENT, wrong]}, status=422)
    assert "1" in str(problem)
    assert api.server.service.events.events_of("7") == []
    api.post("/v1/events/batch", {"events": []}, status=422)
    many = [{**EVENT, "event_id": f"e-{number}"} for number in range(1_001)]
    problem = api.post("/v1/events/batch", {"events": many}, status=422)
    assert "1,000" in problem["detail"]


def test_without_a_database_nothing_is_acknowledged_and_lists_go_on(api, monkeypatch) -> None:
    from recsys_pipeline.errors import StorageError

    def away(*_: object) -> None:
        raise StorageError("The database is away.")

    store = api.server.service.events
    for name in ("add_events", "add_groups", "add_shown", "events_of_users", "last_number"):
        if hasattr(store, name):
            monkeypatch.setattr(store, name, away)
    problem = api.post("/v1/events", EVENT, status=503)
    assert problem["type"] == "/problems/no-storage"
    assert api.get("/v1/users/7/recommendations")["kind"] == "stored"
    fresh = api.get("/v1/users/7/recommendations?fresh=true")
    assert [notice["code"] for notice in fresh["notices"]] == ["no_events"]
    assert api.get("/v1/health/ready")["status"] == "degraded"
    monkeypatch.undo()
    assert api.post("/v1/events", EVENT)["stored"] == 1


def test_nothing_is_taken_in_of_an_erased_person(api, monkeypatch) -> None:
    monkeypatch.setattr(type(api.server.service.people), "erased", lambda self, user: user == "7")
    problem = api.post("/v1/events", EVENT, status=410)
    assert problem["type"] == "/problems/erased"
    api.post("/v1/events/batch", {"events": [{**EVENT, "user_id": "8"}, EVENT]}, status=410)
    assert api.server.service.events.events_of("8") == []
