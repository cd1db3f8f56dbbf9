"""Events over HTTP: taken in once, all or none, and only when they make sense."""

import pandas as pd
import pytest

EVENT = {"event_id": "e-1", "user_id": "7", "movie_id": 3, "kind": "view", "watch_fraction": 0.5}


def test_an_event_is_stored_once_however_often_it_is_sent(api) -> None:
    assert api.post("/v1/events", EVENT) == {
        "stored": 1,
        "repeated": 0,
        "refused": 0,
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


def test_nothing_is_taken_in_of_an_erased_person_and_the_others_are(api, monkeypatch) -> None:
    monkeypatch.setattr(api.server.service.people, "erased", lambda user: user == "7")
    assert api.post("/v1/events", EVENT) == {
        "stored": 0,
        "repeated": 0,
        "refused": 1,
        "event_ids": ["e-1"],
    }
    other = {**EVENT, "event_id": "e-2", "user_id": "8"}
    told = api.post("/v1/events/batch", {"events": [other, {**EVENT, "user_id": " 7 "}, other]})
    assert (told["stored"], told["repeated"], told["refused"]) == (1, 1, 1)
    events = api.server.service.events
    assert [each.event_id for each in events.events_of("8")] == ["e-2"]
    assert events.spellings("7") == []


def test_an_id_with_blanks_around_it_is_the_same_one(api) -> None:
    api.post("/v1/events", {**EVENT, "user_id": " 7\u00a0"})
    assert api.server.service.events.spellings("7") == ["7"]
    answer = api.get("/v1/users/%207%20/recommendations")
    assert (answer["kind"], answer["user_id"]) == ("stored", "7")
    api.post("/v1/events", {**EVENT, "user_id": " "}, status=422)
    api.get("/v1/users/%20/recommendations", status=422)


def test_only_what_is_new_is_counted_and_one_click_of_an_answer(api, monkeypatch) -> None:
    clicks: list[str] = []
    monkeypatch.setattr(api.server.service.keeper, "clicked", clicks.append)
    click = {"user_id": "7", "movie_id": 3, "kind": "click", "answer_id": "a-1", "release": "r"}
    sent = [{**click, "event_id": f"c-{number}"} for number in (1, 1, 2)]
    api.post("/v1/events/batch", {"events": sent})
    api.post("/v1/events", sent[0])
    assert clicks == ["r"]
    api.post("/v1/events", {**click, "event_id": "c-3", "answer_id": "a-2"})
    api.post("/v1/events", {**click, "event_id": "c-4", "answer_id": ""})
    assert clicks == ["r", "r"]
    counted = api.server.service.metrics.text(0)[0].decode()
    wanted = 'recsys_events_total{kind="click"}'
    (line,) = (each for each in counted.splitlines() if each.startswith(wanted))
    assert float(line.split()[-1]) == 4
    assert api.server.service.since.version("7") != 0


def test_events_leave_the_answers_kept_for_others_alone_and_are_seen_at_once(
    api, monkeypatch
) -> None:
    desk = api.server.service.desk
    where = "/v1/users/7/recommendations?k=3"

    def seldom(*_: object) -> None:
        raise AssertionError("no event is to look through the cache")

    monkeypatch.setattr(desk._cache, "forget", seldom)
    first = api.get(where)["items"][0]["movie_id"]
    api.post("/v1/events", {"user_id": "7", "movie_id": first, "kind": "not_for_me"})
    assert first not in [each["movie_id"] for each in api.get(where)["items"]]
