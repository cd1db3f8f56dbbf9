"""Whatever is sent, the answer is a problem that says what is wrong, and the log names nobody."""

import json
import secrets
import shutil
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from recsys_pipeline.serving.keyring import new_key
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.keys import SqlKeyStore

WHO = "eve.4711-planted"
MADE = datetime(2023, 6, 1, tzinfo=UTC)
LIST = f"/v1/users/{WHO}/recommendations"
SQL = quote("' OR 1=1; DROP TABLE events; --")
DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.fixture(scope="module")
def guarded(released, tmp_path_factory, listen):
    """A server that asks for keys, and one for each scope."""
    root = tmp_path_factory.mktemp("guarded")
    shutil.copytree(released / "data", root / "data")
    database = database_of(Settings(root=root))
    store, made = SqlKeyStore(database), {}
    for name, scopes, until in (
        ("read", ("read",), None),
        ("write", ("write",), None),
        ("admin", ("admin",), None),
        ("expired", ("admin",), datetime(2023, 7, 1, tzinfo=UTC)),
        ("revoked", ("admin",), None),
    ):
        key, made[name] = new_key(name, scopes, MADE, until, (), secrets.token_bytes)
        store.add(key)
        if name == "revoked":
            store.revoke(key.key_id)
    database.close()
    limits = {"requests_per_minute": 0}
    with listen(root, keys_required=True, serving={"limits": limits}) as served:
        yield served, made


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def refused(status: int, headers: dict[str, str], body: bytes, wanted: int) -> None:
    told = json.loads(body)
    assert (status, told["status"]) == (wanted, wanted), told
    assert headers["content-type"] == "application/problem+json"
    assert told["request_id"] == headers["x-request-id"]
    assert told["type"].startswith("/problems/")
    assert told["title"]
    assert WHO not in body.decode()


def nobody_is_named(served, *secret: str) -> None:
    served.server.log.flush()
    log = served.log.getvalue().decode()
    assert '"event":"request"' in log
    for text in (WHO, quote(WHO), *secret, *(each.split("_")[-1] for each in secret)):
        assert text not in log
    assert '"event":"fault"' not in log


def test_a_key_is_needed_and_has_to_be_the_right_one(guarded) -> None:
    served, keys = guarded
    wrong = keys["read"][:-1] + ("a" if keys["read"][-1] != "a" else "b")
    for headers in (
        {},
        bearer("rk_"),
        bearer(wrong),
        bearer(keys["read"] + "x"),
        bearer(keys["expired"]),
        bearer(keys["revoked"]),
        bearer(f"rk_{WHO}_{WHO}"),
        bearer("x" * 5_000),
        {"x-api-key": wrong},
        {"authorization": f"Basic {keys['read']}"},
        {"authorization": "Bearer"},
    ):
        for method, path in (("GET", LIST), ("POST", "/v1/events"), ("GET", "/metrics")):
            refused(*served.ask(method, path, **headers), 401)
    nobody_is_named(served, wrong, *keys.values())


def test_a_scope_opens_what_it_is_for_and_nothing_else(guarded) -> None:
    served, keys = guarded
    event = json.dumps({"user_id": WHO, "movie_id": "1", "kind": "click"}).encode()
    json_body = {"content-type": "application/json"}
    for scope, method, path, body in (
        ("read", "POST", "/v1/events", event),
        ("read", "GET", f"/v1/users/{WHO}/shown", None),
        ("read", "GET", f"/v1/users/{WHO}/history", None),
        ("read", "GET", f"/v1/users/{WHO}/recommendations/history", None),
        ("read", "GET", f"/v1/admin/privacy/{WHO}", None),
        ("read", "POST", f"/v1/admin/privacy/{WHO}/erase", None),
        ("read", "POST", "/v1/admin/releases/rollback", None),
        ("read", "DELETE", LIST, None),
        ("write", "GET", LIST, None),
        ("write", "GET", f"/v1/users/{WHO}/history", None),
        ("write", "POST", "/v1/recommendations/session", b'{"movies":["1"]}'),
        ("write", "GET", "/v1/admin/receipts", None),
        ("write", "PUT", "/v1/events", event),
    ):
        told = served.ask(method, path, body, **bearer(keys[scope]), **json_body)
        refused(*told, 403)
    for scope, method, path, body in (
        ("read", "GET", LIST, None),
        ("write", "POST", "/v1/events", event),
        ("admin", "GET", LIST, None),
        ("admin", "GET", f"/v1/users/{WHO}/history", None),
        ("admin", "GET", f"/v1/admin/privacy/{WHO}", None),
    ):
        status, _, _ = served.ask(method, path, body, **bearer(keys[scope]), **json_body)
        assert status == 200
    nobody_is_named(served, *keys.values())


def test_nobody_is_unknown(guarded) -> None:
    served, keys = guarded
    for user in (f"{WHO}-2", SQL, "0", "-1", "1e9", "NaN", quote("é你好🎬"), "..", "x" * 200,
                 "auth0/12", "a%2Fb", "a/b/history", "%2e%2e%2fadmin", "//"):  # fmt: skip
        status, _, body = served.ask(
            "GET", f"/v1/users/{user}/recommendations", **bearer(keys["read"])
        )
        assert (status, json.loads(body)["kind"]) == (200, "cold")
    nobody_is_named(served, *keys.values())


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        *((f"{LIST}?k={k}", 422) for k in ("0", "-1", "1000000000", "101", "NaN", "1.5", "", SQL)),
        *((f"{LIST}?k={k}", 422) for k in ("9" * 4_000, "0x10", "1&k=2", "%00", "true")),
        *((f"{LIST}?diversity={each}", 422) for each in ("NaN", "inf", "-0.1", "1e400")),
        (f"{LIST}?year_from=99999", 422),
        (f"{LIST}?available_at=yesterday", 422),
        (f"{LIST}?available_at=1700000000", 422),
        (f"{LIST}?available_at=0001-01-01T00:00:00%2B14:00", 422),
        (f"{LIST}?available_at=9999-12-31T23:59:59-14:00", 422),
        (f"{LIST}?available_at=1969-12-31T23:59:59Z", 422),
        (f"{LIST}?available_at=2200-01-01T00:00:00Z", 422),
        ("/v1/popular?language=xx", 422),
        (f"{LIST}?genre={SQL}", 422),
        (f"{LIST}?unknown={WHO}", 422),
        (f"{LIST}?language=xx", 422),
        (f"{LIST}?%FF=%FF", 422),
        (f"{LIST}?genre=" + "x" * 9_000, 414),
        (f"{LIST}?" + "exclude=1&" * 810, 422),
        ("/v1/users/" + "x" * 201 + "/recommendations", 422),
        ("/v1/users/a%00b/recommendations", 422),
        ("/v1/users/a%0d%0aset-cookie:x/recommendations", 422),
        ("/v1/users/a%00b/history", 403),
        ("/v1/users//recommendations", 404),
        (f"/v1/movies/{SQL}", 404),
        (f"/v1/movies/{WHO}/similar", 404),
        (f"/v1/popular?segment={SQL}", 422),
        ("/v1/popular?cluster=-1", 422),
        (f"/v1/movies?limit=10000&search={WHO}", 422),
        (f"/v1/{WHO}", 404),
        ("/v1/../../etc/passwd", 404),
        ("/static/../../etc/passwd", 404),
        ("/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/static/..%2f..%2f..%2fetc%2fpasswd", 404),
        ("/static//etc/passwd", 404),
        ("/static/%00", 404),
        ("//v1/popular", 404),
        ("/v1/popular/", 404),
        ("/problems/../../etc/passwd", 404),
        ("/.env", 404),
        ("/v1/openapi.json/../admin", 404),
    ],
)  # fmt: skip
def test_addresses(guarded, path, wanted) -> None:
    served, keys = guarded
    refused(*served.ask("GET", path, **bearer(keys["read"])), wanted)
    nobody_is_named(served, *keys.values())


def event(**changes: object) -> bytes:
    given = {"user_id": WHO, "movie_id": "1", "kind": "click"}
    return json.dumps({**given, **changes}).encode()


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/v1/events", b"", 422),
        ("/v1/events", b"{", 422),
        ("/v1/events", b"\xff\xfe\x00", 400),
        ("/v1/events", b"null", 422),
        ("/v1/events", DEEP, 400),
        ("/v1/events", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        ("/v1/events", event(kind="x" * 1_000_000), 413),
        ("/v1/events", event(rating=3), 422),
        ("/v1/events", event(kind="rating", rating="NaN"), 422),
        ("/v1/events", event(kind="rating", rating=float("nan")), 422),
        ("/v1/events", event(kind="rating", rating=10**9), 422),
        ("/v1/events", event(kind="rating", rating=True), 422),
        ("/v1/events", event(kind="view", watch_fraction=float("inf")), 422),
        ("/v1/events", event(rank=0), 422),
        ("/v1/events", event(rank=10**30), 422),
        ("/v1/events", event(at="2024-01-01T00:00:00"), 422),
        ("/v1/events", event(at=1_700_000_000), 422),
        ("/v1/events", event(at="9999-12-31T23:59:59Z"), 422),
        ("/v1/events", event(at="0001-01-01T00:00:00+14:00"), 422),
        ("/v1/events", event(at="9999-12-31T23:59:59-14:00"), 422),
        ("/v1/events", event(at="1969-12-31T23:59:59Z"), 422),
        ("/v1/events", event(at="1970-01-01T00:00:00+14:00"), 422),
        ("/v1/events", event(event_id="a b"), 422),
        ("/v1/events", event(event_id="x" * 101), 422),
        ("/v1/events", event(event_id="'; DROP TABLE events; --"), 422),
        ("/v1/events", event(user_id="a\x00b"), 422),
        ("/v1/events", event(user_id="a\ud800b"), 422),
        ("/v1/events", event(user_id=""), 422),
        ("/v1/events", event(user_id=1.5), 422),
        ("/v1/events", event(user_id=[WHO]), 422),
        ("/v1/events", event(admin=True), 422),
        ("/v1/events/batch", b'{"events":[]}', 422),
        ("/v1/events/batch", b'{"events":[' + event() + b"," + event(kind="buy") + b"]}", 422),
        ("/v1/events/batch", b'{"events":[' + b",".join([event()] * 1_001) + b"]}", 422),
        ("/v1/recommendations/session", b'{"movies":[]}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"k":0}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"k":"5"}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"k":true}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"k":1000000000}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"diversity":NaN}', 422),
        ("/v1/recommendations/session", b'{"movies":["1"],"fresh":"no"}', 422),
        ("/v1/recommendations/questionnaire", b'{"genres":["Nonsense"]}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"nobody":1}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"age":1e999}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"age":"inf"}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"age":true}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"preferred_genres":3.5}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"preferred_genres":false}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"segment":["a","b"]}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"signup_at":3.5}}', 422),
        ("/v1/recommendations/questionnaire", b'{"profile":{"signup_at":"now"}}', 422),
        (
            "/v1/recommendations/questionnaire",
            b'{"profile":{"signup_at":"0001-01-01T00:00:00+14:00"}}',
            422,
        ),
        ("/v1/recommendations/questionnaire", b'{"fresh":true}', 422),
    ],
)
def test_bodies(guarded, path, body, wanted) -> None:
    served, keys = guarded
    json_body = {"content-type": "application/json"}
    refused(*served.ask("POST", path, body, **bearer(keys["admin"]), **json_body), wanted)
    nobody_is_named(served, *keys.values())


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nx-request-id: a\rset-cookie: b=c\r\n", 400),
        (b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nx-request-id: %0d%0aset-cookie:%20b=c\r\n", 401),
        (b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nx-api-key: " + b"k" * 20_000 + b"\r\n", 431),
        (b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n", 400),
        (b"GET /v1/pop ular HTTP/1.1\r\nhost: x\r\n", 400),
        (b"GET /v1/popular\x00 HTTP/1.1\r\nhost: x\r\n", 400),
        (b"GET ../../etc/passwd HTTP/1.1\r\nhost: x\r\n", 400),
        (b"SMUGGLE /v1/popular HTTP/1.1\r\nhost: x\r\n", 400),
        (b"GET /v1/popular HTTP/9.9\r\nhost: x\r\n", 400),
        (b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n", 400),
        (b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n", 400),
        (
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
            b"transfer-encoding: chunked\r\n",
            400,
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    ],
)
def test_what_is_hardly_http(guarded, head, wanted) -> None:
    served, keys = guarded
    answer = served.raw(head + b"connection: close\r\n\r\n")
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
    refused(int(first.split()[1]), headers, body, wanted)
    assert "set-cookie" not in headers
    nobody_is_named(served, *keys.values())


def test_a_huge_body_is_refused_before_it_is_read_and_the_server_goes_on(guarded) -> None:
    served, keys = guarded
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {keys['write']}\r\n"
        "content-type: application/json\r\nexpect: 100-continue\r\n"
        f"content-length: {10**12}\r\n\r\n"
    )
    answer = served.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer
    assert served.ask("GET", LIST, **bearer(keys["read"]))[0] == 200
    nobody_is_named(served, *keys.values())


def test_a_web_socket_is_not_opened(guarded) -> None:
    served, _ = guarded
    answer = served.raw(
        b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert int(answer.split()[1]) in (400, 401, 403)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_at_the_end_of_the_calendar_is_refused_of_what_was_shown_too(guarded, at) -> None:
    served, keys = guarded
    refused(*served.ask("GET", f"/v1/users/{WHO}/shown?at={at}", **bearer(keys["admin"])), 422)
    nobody_is_named(served, *keys.values())
