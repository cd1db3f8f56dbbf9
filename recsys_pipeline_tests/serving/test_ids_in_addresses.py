"""Ids that look like parts of an address are ids all the same."""

import shutil
from urllib.parse import quote

import pytest

from recsys_pipeline.contracts import names as n

USERS = ["auth0/12", "a/b/history", "a/b/recommendations", "/", "..", "x/shown"]
MOVIES = ["tt/1", "a/b/c", "movies/2", "%2F"]


def renamed(tables):
    """The tables with such ids for the first users and movies."""
    users, movies, rows = (tables[name].copy() for name in ("users", "movies", "interactions"))
    for column, table, ids in ((n.USER_ID, users, USERS), (n.MOVIE_ID, movies, MOVIES)):
        old = table[column].tolist()
        new = dict(zip(old, [*ids, *(f"id-{each}" for each in old[len(ids) :])], strict=True))
        table[column] = table[column].map(new).astype("str")
        rows[column] = rows[column].map(new).astype("str")
    return {
        "users": users.sort_values(n.USER_ID, ignore_index=True),
        "movies": movies.sort_values(n.MOVIE_ID, ignore_index=True),
        "interactions": rows,
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory, put, learn, opening):
    root = tmp_path_factory.mktemp("slashes")
    put(root, learn(), change=renamed)
    api = opening(root)
    yield api
    api.close()


@pytest.mark.parametrize(
    ("user", "own"),
    [
        *((user, quote(user, safe="").replace("..", "%2E%2E")) for user in USERS),
        *((user, user) for user in USERS if user not in ("/", "..")),
    ],
)
def test_a_user_with_any_id_has_a_list_a_history_and_a_page(served, user, own):
    stored = served.get(f"/v1/users/{own}/recommendations")
    assert (stored["kind"], stored["user_id"]) == ("stored", user)
    made = served.get(f"/v1/users/{own}/recommendations?diversity=0.1&fresh=true")
    assert (made["kind"], made["user_id"]) == ("fresh", user)
    history = served.get(f"/v1/users/{own}/history")
    assert (history["user_id"], history["known"]) == (user, True)
    shown = served.get(f"/v1/users/{own}/shown")
    assert shown["user_id"] == user
    assert shown["answers"]
    assert served.get(f"/v1/admin/privacy/{own}")
    page = served.ask("GET", f"/users/{own}")
    assert page.status_code == 200
    assert user in page.text


@pytest.mark.parametrize("movie", MOVIES)
def test_a_movie_with_any_id_has_facts_similar_ones_and_a_page(served, movie):
    own = quote(movie, safe="")
    assert served.get(f"/v1/movies/{own}")["movie_id"] == movie
    similar = served.get(f"/v1/movies/{own}/similar")
    assert similar["kind"] == "similar"
    assert movie not in [each["movie_id"] for each in similar["items"]]
    assert served.ask("GET", f"/movies/{own}").status_code == 200


def test_such_a_user_can_be_erased(released, tmp_path, opening):
    shutil.copytree(released / "data", tmp_path / "data")
    api = opening(tmp_path)
    try:
        for user in ("auth0/12", "a/erase", "a\nb"):
            own = quote(user, safe="")
            assert api.post(f"/v1/admin/privacy/{own}/erase")
            event = {"user_id": user, "movie_id": "3", "kind": "click"}
            if "\n" not in user:
                assert not api.ask("POST", "/v1/events", json=event).json().get("stored")
        assert len(api.get("/v1/admin/receipts")) == 3
    finally:
        api.close()


def test_the_log_tells_the_template_alone(served):
    served.get("/v1/users/auth0%2F12/history")
    served.get("/v1/users/auth0%2F12/recommendations?diversity=0.2")
    routes = {line["route"] for line in served.lines() if line["event"] == "request"}
    assert {"/v1/users/{user_id}/history", "/v1/users/{user_id}/recommendations"} <= routes
    assert not any("any_text" in route or "auth0" in route for route in routes)
