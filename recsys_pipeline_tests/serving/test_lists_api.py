"""Lists over HTTP: stored and made now, for everybody, and never a wrong one."""

from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.serving.answers import Asker, for_users
from recsys_pipeline.serving.queries import ListQuery
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.storage import FileReleaseStore

USER = "7"
LIST = f"/v1/users/{USER}/recommendations"


def movies(answer) -> list[int]:
    return [item["movie_id"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("primary", "changes"),
    [
        ("profile", {}),
        ("ease", {"likes": {"weights": {"half_life_days": 30}}}),
        ("item_knn", {"likes": {"positive": "all"}}),
        ("blend", {"likes": {"positive": "all"}, "ranker": {"kind": "none"}}),
        ("two_stage", {}),
    ],
)
def test_lists_made_online_are_those_of_the_batch(
    primary, changes, tmp_path: Path, put, learn
) -> None:
    """For every user the same movies in the same order, with the same reasons and scores."""
    release = put(tmp_path, learn(primary, **changes))
    store = FileReleaseStore(tmp_path / "data" / "releases")
    loaded = LoadedRelease.load(store, release)
    stored = store.read_lists(release)
    as_of = loaded.people.data.as_of
    askers = [Asker(str(user), ()) for user in stored[n.USER_ID].unique()]
    together = for_users(loaded, askers, ListQuery(), as_of)
    for asker, whole in zip(askers, together, strict=True):
        rows = stored[stored[n.USER_ID] == int(asker.user_id)]
        for made in (whole, *for_users(loaded, [asker], ListQuery(), as_of)):
            items, scores, sources, reasons, chances = zip(*made.places, strict=True)
            movie_ids = [loaded.cards.cards[item][n.MOVIE_ID] for item in items]
            assert movie_ids == rows[n.MOVIE_ID].tolist()
            assert list(scores) == pytest.approx(rows[n.SCORE].tolist(), abs=1e-6)
            assert list(sources) == rows[n.SOURCE].tolist()
            assert list(reasons) == rows[n.REASON].tolist()
            assert list(chances) == pytest.approx(rows[n.PROPENSITY].tolist(), abs=1e-6)
    assert stored[n.USER_ID].nunique() == 60


def test_a_stored_list_has_titles_reasons_and_the_age_of_the_release(shared_api) -> None:
    answer = shared_api.get(LIST)
    assert (answer["kind"], answer["personal"], answer["user_id"]) == ("stored", True, USER)
    assert answer["release"]["age_seconds"] == 3_600
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    first = answer["items"][0]
    assert first["title"]
    assert first["reason"]
    assert 0 <= first["score"] <= 1
    assert answer["notices"] == []


def test_the_router_gives_what_the_lane_gives(shared_api) -> None:
    """A trailing part that the lane leaves alone changes nothing but how the list is found."""
    lane = shared_api.get(LIST + "?k=3")
    routed = shared_api.get(LIST + "?k=3&fresh=false&diversity=0.1")
    assert movies(lane) == movies(routed)


def test_an_unknown_user_gets_a_list_and_is_told(shared_api) -> None:
    answer = shared_api.get("/v1/users/nobody%20here/recommendations")
    assert (answer["kind"], answer["personal"]) == ("cold", False)
    assert [notice["code"] for notice in answer["notices"]] == ["unknown_user"]
    assert len(answer["items"]) == 5


def test_an_event_changes_the_next_fresh_list(api) -> None:
    before = api.get(LIST + "?fresh=true")
    first = before["items"][0]["movie_id"]
    done = api.post(
        "/v1/events",
        {"event_id": "e1", "user_id": USER, "movie_id": first, "kind": "rating", "rating": 5},
    )
    assert (done["stored"], done["repeated"]) == (1, 0)
    after = api.get(LIST + "?fresh=true")
    assert first not in movies(after)
    assert len(after["items"]) == 5
    # The stored list would show it again, so it is made anew.
    again = api.get(LIST)
    assert again["kind"] == "fresh"
    assert first not in movies(again)


def test_what_is_not_for_somebody_is_not_shown_again(api) -> None:
    first = movies(api.get(LIST))[0]
    api.post("/v1/events", {"user_id": USER, "movie_id": first, "kind": "not_for_me"})
    assert first not in movies(api.get(LIST))


def test_somebody_unknown_becomes_known_by_an_event(api) -> None:
    path = "/v1/users/newcomer/recommendations"
    assert api.get(path)["kind"] == "cold"
    api.post("/v1/events", {"user_id": "newcomer", "movie_id": 3, "kind": "useful"})
    answer = api.get(path)
    assert (answer["kind"], answer["notices"]) == ("fresh", [])
    assert 3 not in movies(answer)


def test_filters_hold_before_the_cut(shared_api) -> None:
    catalogue = shared_api.get("/v1/catalogue")
    for genre in catalogue["genres"]:
        wanted = shared_api.get(LIST, params={"genre": genre.upper(), "k": 3})
        assert all(genre in item["genres"] for item in wanted["items"])
        without = shared_api.get(LIST, params={"not_genre": genre})
        assert len(without["items"]) == 5
        assert all(genre not in item["genres"] for item in without["items"])
    late = shared_api.get(LIST, params={"year_from": 2000, "year_to": 2010, "k": 3})
    assert all(2000 <= item["year"] <= 2010 for item in late["items"])
    usual = movies(shared_api.get(LIST))
    rest = shared_api.get(LIST, params={"exclude": [str(each) for each in usual]})
    assert len(rest["items"]) == 5
    assert not set(movies(rest)) & set(usual)


def test_a_list_may_be_longer_or_shorter_than_the_stored_one(shared_api) -> None:
    stored = movies(shared_api.get(LIST))
    assert movies(shared_api.get(LIST + "?k=2")) == stored[:2]
    assert movies(shared_api.get(LIST + "?k=2&fresh=true")) == stored[:2]
    long = shared_api.get(LIST + "?k=12")
    assert len(set(movies(long))) == 12
    endless = shared_api.get(LIST + "?k=100")
    assert [notice["code"] for notice in endless["notices"]] == ["short"]


def test_the_dial_changes_the_list(shared_api) -> None:
    changed = 0
    for user in range(1, 11):
        path = f"/v1/users/{user}/recommendations"
        narrow, wide = (shared_api.get(f"{path}?diversity={dial}") for dial in (0, 1))
        changed += movies(narrow) != movies(wide)
    assert changed


def test_reasons_come_in_the_language_asked_for(shared_api) -> None:
    english = shared_api.get(LIST)["items"][0]["reason"]
    french = shared_api.get(LIST + "?language=fr")
    assert movies(french) == movies(shared_api.get(LIST))
    assert french["items"][0]["reason"] != english


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("k=0", "k"),
        ("k=-1", "k"),
        ("k=1000000000", "k"),
        ("k=101", "k"),
        ("k=NaN", "k"),
        ("k=2&k=3", "k"),
        ("diversity=NaN", "diversity"),
        ("diversity=2", "diversity"),
        ("genre=Nonsense", "genre"),
        ("year_from=x", "year_from"),
        ("available_at=2024-01-01", "available_at"),
        ("language=de", "language"),
        ("lenght=3", "lenght"),
        ("k", "query"),
        ("exclude=" + "a" * 201, "exclude"),
    ],
)
def test_a_wrong_query_is_told_by_name(shared_api, query, named) -> None:
    problem = shared_api.get(f"{LIST}?{query}", status=422)
    assert problem["type"] == "/problems/not-valid"
    assert named in str(problem)
    assert problem["request_id"]


@pytest.mark.parametrize(
    ("path", "english", "french"),
    [
        ("/v1/movies/3/similar", "similar to ", "ressemble à "),
        ("/v1/popular", "popular with everybody", "populaire auprès de tous"),
        ("/v1/popular?segment=adult", "popular in the segment adult", "dans le segment adult"),
        ("/v1/trending", "liked more now", "plus aimé maintenant"),
    ],
)
def test_groups_and_similar_movies_give_reasons_in_the_language_asked_for(
    shared_api, path, english, french
) -> None:
    mark = "&" if "?" in path else "?"
    for language, words in ((None, english), ("en", english), ("fr", french)):
        asked = path if language is None else f"{path}{mark}language={language}"
        answer = shared_api.get(asked)
        assert answer["items"]
        assert all(words in item["reason"] for item in answer["items"])


@pytest.mark.parametrize("what", ["session", "questionnaire"])
def test_what_is_always_made_now_takes_no_fresh(shared_api, what) -> None:
    body = {"movies": ["3"]} if what == "session" else {"likes": ["3"]}
    path = f"/v1/recommendations/{what}"
    assert shared_api.post(path, {**body, "language": "fr", "k": 3})["items"]
    problem = shared_api.post(path, {**body, "fresh": True}, status=422)
    assert "fresh" in str(problem)


def test_a_session_gets_a_list_without_a_name(shared_api) -> None:
    asked = {"movies": [3, "4", "gone"], "k": 4}
    answer = shared_api.post("/v1/recommendations/session", asked)
    assert (answer["kind"], answer["user_id"]) == ("session", None)
    assert not {3, 4} & set(movies(answer))
    assert [notice["code"] for notice in answer["notices"]] == ["unknown_movies"]
    nothing = shared_api.post("/v1/recommendations/session", {"movies": ["gone"]})
    assert nothing["kind"] == "cold"


def test_somebody_new_answers_questions(shared_api) -> None:
    asked = {"genres": ["drama"], "age_band": "25-34", "profile": {"segment": "adult"}}
    answer = shared_api.post("/v1/recommendations/questionnaire", asked)
    assert (answer["kind"], answer["personal"]) == ("questionnaire", True)
    assert "Drama" in answer["items"][0]["genres"]
    liked = shared_api.get("/v1/movies/3")
    other = shared_api.post("/v1/recommendations/questionnaire", {"likes": [liked["title"]]})
    assert 3 not in movies(other)
    assert shared_api.post("/v1/recommendations/questionnaire", {})["kind"] == "cold"
    for wrong in ({"genres": ["Nonsense"]}, {"likes": ["no such"]}, {"profile": {"user_id": "1"}}):
        problem = shared_api.post("/v1/recommendations/questionnaire", wrong, status=422)
        assert problem["detail"]


def test_similar_movies_are_others(shared_api) -> None:
    answer = shared_api.get("/v1/movies/3/similar?k=4")
    assert answer["kind"] == "similar"
    assert 3 not in movies(answer)
    assert len(set(movies(answer))) == 4
    assert (
        shared_api.get("/v1/movies/none/similar", status=404)["type"] == "/problems/unknown-movie"
    )


def test_groups_have_their_own_lists(shared_api) -> None:
    catalogue = shared_api.get("/v1/catalogue")
    everybody = movies(shared_api.get("/v1/popular"))
    segments = {
        name: movies(shared_api.get(f"/v1/popular?segment={name}"))
        for name in catalogue["segments"]
    }
    assert len({tuple(each) for each in segments.values()}) > 1
    assert catalogue["clusters"]
    assert len(movies(shared_api.get("/v1/popular?cluster=0"))) == 5
    assert len(movies(shared_api.get("/v1/trending"))) == len(everybody) == 5
    for wrong in ("/v1/popular?segment=none", "/v1/popular?cluster=99", "/v1/trending?cluster=0",
                  "/v1/popular?cluster=0&segment=young"):  # fmt: skip
        shared_api.get(wrong, status=422)


def test_movies_are_found_by_title(shared_api) -> None:
    title = shared_api.get("/v1/movies/3")["title"]
    found = shared_api.get("/v1/movies", params={"search": title[2:8].upper()})["movies"]
    assert title in [each["title"] for each in found]
    assert len(shared_api.get("/v1/movies?limit=7")["movies"]) == 7


def test_what_was_shown_can_be_asked_later(api) -> None:
    first = api.get(LIST)
    api.clock.now += 60
    second = api.get(LIST + "?fresh=true")
    told = api.get(f"/v1/users/{USER}/shown")["answers"]
    assert [each["answer_id"] for each in told] == [second["answer_id"], first["answer_id"]]
    assert [item["movie_id"] for item in told[1]["items"]] == movies(first)
    assert {each["release"] for each in told} == {first["release"]["id"]}
    at = pd.Timestamp(api.clock.now - 30, unit="s", tz="UTC").isoformat()
    before = api.get(f"/v1/users/{USER}/shown", params={"at": at})["answers"]
    assert [each["answer_id"] for each in before] == [first["answer_id"]]


def test_a_history_holds_what_came_in_since(api) -> None:
    known = api.get(f"/v1/users/{USER}/history")
    assert known["known"]
    assert {event["since"] for event in known["events"]} == {False}
    assert [event["at"] for event in known["events"]] == sorted(
        (event["at"] for event in known["events"]), reverse=True
    )
    api.post("/v1/events", {"user_id": USER, "movie_id": 3, "kind": "click"})
    newest = api.get(f"/v1/users/{USER}/history?limit=1")["events"][0]
    assert (newest["movie_id"], newest["kind"], newest["since"]) == (3, "click", True)
    assert not api.get("/v1/users/nobody/history")["known"]


def test_users_are_found_by_the_beginning_of_their_id(shared_api) -> None:
    assert shared_api.get("/v1/admin/users?search=5&limit=3")["users"] == ["5", "50", "51"]
