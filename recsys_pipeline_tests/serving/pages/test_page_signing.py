"""Signing in with a key: the cookie, what it opens, and what other sites cannot do with it."""

import secrets
import shutil
from datetime import UTC, datetime

import pytest

from recsys_pipeline.pipeline.online import ApiKey
from recsys_pipeline.serving.keyring import new_key
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.keys import SqlKeyStore

NOW = datetime(2023, 6, 1, tzinfo=UTC)
WRONG = "rk_k0000000_" + "x" * 43


def make_key(root, *scopes):
    """The secret of a new key."""
    key, secret = new_key("test", scopes, NOW, None, (), secrets.token_bytes)
    assert isinstance(key, ApiKey)
    database = database_of(Settings(root=root))
    try:
        SqlKeyStore(database).add(key)
    finally:
        database.close()
    return secret


@pytest.fixture(scope="module")
def keys(tmp_path_factory, released):
    """A folder with a release and a key of each scope."""
    root = tmp_path_factory.mktemp("keys")
    shutil.copytree(released / "data", root / "data")
    return root, {scope: make_key(root, scope) for scope in ("read", "write", "admin")}


@pytest.fixture(scope="module")
def locked(keys, opening):
    api = opening(keys[0], keys_required=True)
    yield api
    api.close()


@pytest.fixture
def stranger(locked, visiting):
    return visiting(locked)


def sign_in(visitor, key, wanted="/"):
    return visitor.send("/sign-in", key=key, next=wanted)


def test_without_a_key_every_page_asks_for_one(stranger):
    for path in ("/", "/users/7?diversity=0.3", "/releases", "/new"):
        page = stranger.see(path, 401)
        form = page.one("main").one("form")
        assert form["action"] == "/sign-in"
        assert form.one("input", name="next")["value"] == path
        assert not page.all(role="alert")
    assert stranger.ask("GET", "/static/page.css").status_code == 200


def test_signing_in_leads_to_the_page_that_was_wanted(stranger, keys):
    answer = sign_in(stranger, keys[1]["read"], "/users/7?diversity=0.3")
    assert answer.headers["location"] == "/users/7?diversity=0.3"
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/"):
        assert part in cookie
    assert stranger.see("/users/7").one("h1").text == "User 7"
    stranger.send("/sign-out")
    assert "recsys_key" not in stranger.cookies
    stranger.see("/users/7", 401)


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nset-cookie: a=b"],
)
def test_signing_in_leads_nowhere_else(stranger, keys, wanted):
    assert sign_in(stranger, keys[1]["read"], wanted).headers["location"] == "/"


def test_a_wrong_key_is_told_and_forgotten(stranger):
    page = stranger.send("/sign-in", 422, key="password").text
    assert "wrong, revoked or expired" in page
    assert "password" not in page.replace('type="password"', "").replace("current-password", "")
    sign_in(stranger, WRONG)
    assert stranger.see("/", 401).one(role="alert")
    assert "recsys_key" not in stranger.cookies


def test_the_cookie_is_none_of_the_apis_business(stranger, keys):
    sign_in(stranger, keys[1]["admin"])
    answer = stranger.ask("GET", "/v1/users/7/recommendations")
    assert answer.status_code == 401
    assert stranger.ask("GET", "/metrics").status_code == 401


def test_scopes_hold_on_pages_too(stranger, keys):
    form = {"user_id": "7", "movie_id": "3", "kind": "useful"}
    sign_in(stranger, keys[1]["read"])
    stranger.send("/feedback", 403, **form)
    stranger.send("/releases/anything/promote", 403)
    page = stranger.see("/releases")
    assert "scope admin" in page.text
    sign_in(stranger, keys[1]["write"])
    stranger.send("/feedback", **form)
    assert stranger.see("/users/7", 403).one("h1").text == "This is not allowed here"
    sign_in(stranger, keys[1]["admin"])
    assert "scope admin" not in stranger.see("/releases").text


def test_what_is_known_of_people_is_for_those_who_administer(stranger, keys):
    sign_in(stranger, keys[1]["admin"])
    whole = stranger.see("/users/7")
    assert whole.all("table", class_="history")
    assert whole.all("dl", class_="profile")
    assert stranger.see("/").all("ul", class_="people")
    sign_in(stranger, keys[1]["read"])
    page = stranger.see("/users/7")
    assert len(page.one("ol").all("li")) == 5
    assert "needs a key with scope admin" in page.text
    for path in ("/users/7", "/", "/users?search="):
        page = stranger.see(path)
        for hidden in ("history", "profile", "people"):
            assert not page.all(class_=hidden), (path, hidden)
    for text in ("7", "1", "nobody"):
        answer = stranger.ask("GET", f"/users?search={text}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/users/{text}")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_no_other_site_uses_the_cookie(stranger, keys, headers):
    sign_in(stranger, keys[1]["admin"])
    for path in ("/feedback", "/releases/anything/promote", "/sign-out", "/sign-in"):
        answer = stranger.ask("POST", path, data={"key": WRONG}, headers=headers)
        assert answer.status_code == 403
    assert stranger.see("/").one("h1")


def test_the_origin_counts_where_a_browser_says_no_more(locked, keys):
    def post(**headers):
        return locked.ask(
            "POST", "/feedback", data={"user_id": "9", "movie_id": "3", "kind": "useful"},
            headers={"cookie": f"recsys_key={keys[1]['write']}", **headers},
        ).status_code  # fmt: skip

    assert post() == 403
    assert post(origin="null") == 403
    assert post(origin="http://127.0.0.1:9000") == 403
    assert post(origin="http://127.0.0.1:8000") == 303
