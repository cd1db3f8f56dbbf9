"""What the gate makes of requests and answers."""

import asyncio
import re

import pytest
from starlette.requests import ClientDisconnect

from recsys_pipeline.errors import ReleaseError, SettingsError, StorageError
from recsys_pipeline.pipeline.serving_config import LimitsConfig
from recsys_pipeline.serving.gate import RequestIds
from recsys_pipeline.serving.problems import Kind, Problem

MADE = r"[0-9a-f]{12}-0badcafe-[0-9a-f]{6}"


def test_ids_ascend_and_differ_between_processes():
    one, two = RequestIds(), RequestIds()
    made = [one.make(1_700_000_000 + turn / 1000) for turn in range(50)]
    assert made == sorted(made)
    assert not set(made) & {two.make(1_700_000_000 + turn / 1000) for turn in range(50)}
    assert len({one.make(5.0) for _ in range(1000)}) == 1000


def test_a_sane_request_id_is_kept_and_another_made_anew(world, kit):
    gate = world.gate()
    answer = kit.ask(gate, headers={"x-request-id": "Order-12345"})
    assert answer.headers["x-request-id"] == "Order-12345"
    assert world.states[0]["request_id"] == "Order-12345"
    assert re.fullmatch(MADE, world.states[0]["answer_id"])
    for bad in ("short", "x" * 65, "with space", 'quote"quote', "a/b/c/d/e", "tab\there1", ""):
        answer = kit.ask(gate, headers={"x-request-id": bad})
        assert re.fullmatch(MADE, answer.headers["x-request-id"])
        assert world.states[-1]["answer_id"] == world.states[-1]["request_id"]
    assert len({state["answer_id"] for state in world.states}) == len(world.states)


def test_answers_have_security_headers(world, kit):
    answer = kit.ask(world.gate())
    assert answer.body == b'{"ok":true}'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    secure = kit.ask(world.gate(), scheme="https")
    assert secure.headers["strict-transport-security"].startswith("max-age=")


def test_a_page_may_load_what_lies_beside_it(world, kit):
    async def page(scope, receive, send):
        await kit.say(send, 404, b"<p>None</p>", b"text/html; charset=utf-8")

    world.app = page
    answer = kit.ask(world.gate(), "/")
    assert (answer.status, answer.body) == (404, b"<p>None</p>")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_what_the_app_says_itself_stays(world, kit):
    async def asset(scope, receive, send):
        headers = [(b"cache-control", b"max-age=3600"), (b"content-security-policy", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    world.app = asset
    answer = kit.ask(world.gate(), "/static/a.css")
    assert answer.headers["cache-control"] == "max-age=3600"
    assert answer.headers["content-security-policy"] == "x"
    assert answer.body == b"ab"
    assert world.lines[0]["bytes"] == 2


def test_pages_of_allowed_sites_may_ask(world, kit):
    gate = world.gate(keys_required=True, cors_origins=("https://shop.example/",))
    wanted = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    before = kit.ask(gate, "/v1/events", "OPTIONS", wanted)
    assert before.status == 204
    assert before.headers["access-control-allow-origin"] == "https://shop.example"
    assert "authorization" in before.headers["access-control-allow-headers"]
    assert "POST" in before.headers["access-control-allow-methods"]
    refused = kit.ask(gate, headers={"origin": "https://shop.example"})
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "https://shop.example"
    assert refused.headers["vary"] == "origin"
    other = kit.ask(gate, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["vary"] == "origin"
    foreign = kit.ask(gate, "/v1/events", "OPTIONS", {**wanted, "origin": "https://evil.example"})
    assert foreign.status == 403
    assert "access-control-allow-methods" not in foreign.headers
    assert world.states == []


def test_bodies_reach_the_app_whole(world, kit):
    gate = world.gate()
    kit.ask(gate, "/v1/events", "POST", {"content-length": "6"}, [b"abcdef"])
    kit.ask(gate, "/v1/events", "POST", chunks=[b"abc", b"", b"def"])
    kit.ask(gate, "/v1/events", "POST", {"content-length": "0"}, [b""])
    assert world.bodies == [b"abcdef", b"abcdef", b""]


@pytest.mark.parametrize(
    "headers, chunks",
    [
        ({"content-length": "1001"}, [b"x"]),
        ({"content-length": "9" * 5000}, [b"x"]),
        ({"content-length": "-1"}, [b"x"]),
        ({}, [b"x" * 600, b"x" * 401, b"never read"]),
    ],
)
def test_large_bodies_are_refused(world, kit, headers, chunks):
    gate = world.gate(limits=LimitsConfig(body_bytes=1000))
    answer = kit.ask(gate, "/v1/events", "POST", headers, chunks)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert world.states == []
    assert kit.ask(gate, "/v1/events", "POST", chunks=[b"x" * 600, b"x" * 400]).status == 200


def test_a_body_that_does_not_come_is_not_waited_for(world, kit, monkeypatch):
    monkeypatch.setattr("recsys_pipeline.serving.gate_body.SECONDS", 0.0)

    async def never():
        await asyncio.Event().wait()

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/events", "query_string": b"",
             "headers": [(b"host", b"localhost"), (b"content-length", b"5")], "client": None,
             "scheme": "http", "root_path": ""}  # fmt: skip
    asyncio.run(world.gate()(scope, never, send))
    assert sent[0]["status"] == 408


def test_deep_json_long_addresses_and_large_headers_are_refused(world, kit):
    gate = world.gate()
    deep = kit.ask(gate, "/v1/events", "POST", chunks=[b"[" * 10_000 + b"]" * 10_000])
    assert (deep.status, deep.json["type"]) == (400, "/problems/nested-too-deep")
    assert kit.ask(gate, "/v1/" + "a" * 9000).status == 414
    assert kit.ask(gate, query_string=b"k=" + b"1" * 9000).status == 414
    assert kit.ask(gate, headers={"cookie": "a" * 17_000}).status == 431
    assert world.states == []


@pytest.mark.parametrize(
    "error, status, told",
    [
        (SettingsError("k is 0.", "Take 1."), 422, "k is 0. Take 1."),
        (ReleaseError("/data/releases is empty."), 503, None),
        (StorageError("postgres at db is away."), 503, None),
        (ValueError("user 4711"), 500, None),
        (RecursionError("user 4711"), 500, None),
        (Problem(Kind("gone", 410, "Gone"), "It was 7.", {"seven": 7}), 410, "It was 7."),
    ],
)
def test_errors_become_problems(world, kit, error, status, told):
    async def failing(scope, receive, send):
        raise error

    world.app = failing
    answer = kit.ask(world.gate(), headers={"x-request-id": "given-id-1"})
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json["request_id"] == "given-id-1"
    assert answer.json["status"] == status
    if told:
        assert answer.json["detail"] == told
    written = str(world.lines) + answer.body.decode()
    for secret in ("4711", "/data", "postgres"):
        assert secret not in written
    faults = [line for line in world.lines if line["event"] == "fault"]
    assert len(faults) == (status >= 500)
    if faults:
        assert faults[0]["error"] == type(error).__name__
        assert faults[0]["way"][-1].endswith("failing")


def test_bare_errors_become_problems(world, kit):
    async def bare(scope, receive, send):
        body = b'{"detail":"Method Not Allowed, 4711"}'
        headers = [(b"allow", b"GET"), (b"content-type", b"application/json"), (b"x-a", b"4711")]
        await send({"type": "http.response.start", "status": 405, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    world.app = bare
    answer = kit.ask(world.gate())
    assert (answer.status, answer.json["type"]) == (405, "/problems/wrong-method")
    assert answer.headers["allow"] == "GET"
    assert "4711" not in str(answer)


def test_an_app_that_answers_its_error_and_raises_it_again_is_told_once(world, kit):
    async def starlette_like(scope, receive, send):
        await kit.say(send, 500, b"Internal Server Error", b"text/plain")
        raise StorageError("away")

    world.app = starlette_like
    answer = kit.ask(world.gate())
    assert (answer.status, answer.json["type"]) == (503, "/problems/no-storage")
    assert b"recsys_database_errors_total{" in world.metrics.text(0)[0]


def test_an_error_after_the_start_is_logged_and_adds_nothing(world, kit):
    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    world.app = half
    answer = kit.ask(world.gate())
    assert (answer.status, answer.body) == (200, b"")
    assert [line["event"] for line in world.lines] == ["fault", "request"]


def test_hanging_up_is_no_error(world, kit):
    async def sends_in_vain(scope, receive, send):
        raise ClientDisconnect

    assert kit.ask(world.gate(), "/v1/events", "POST", chunks=[]).status == 0
    world.app = sends_in_vain
    assert kit.ask(world.gate()).status == 0
    assert [(line["event"], line["status"]) for line in world.lines] == [("request", 499)] * 2


def test_each_request_is_accounted_for_without_its_path(world, kit):
    async def app(scope, receive, send):
        scope["state"].update(route="/v1/users/{user_id}", kind="stored", release="r1", person="ab")
        await kit.say(send, 200, b"[]")

    world.app = app
    gate = world.gate()
    kit.ask(gate, "/v1/users/4711", query_string=b"name=Eve")
    (line,) = world.lines
    assert line.pop("ms") >= 0
    assert re.fullmatch(MADE, line.pop("request_id"))
    assert line == {
        "time": "2023-11-14T22:13:20Z",
        "event": "request",
        "method": "GET",
        "route": "/v1/users/{user_id}",
        "status": 200,
        "bytes": 2,
        "key": "",
        "release": "r1",
        "kind": "stored",
        "person": "ab",
    }
    text = world.metrics.text(0)[0].decode()
    counted = 'recsys_requests_total{method="GET",route="/v1/users/{user_id}",status="200"} 1.0'
    assert counted in text
    assert "recsys_requests_in_flight 0.0" in text
    assert "4711" not in text


def test_other_protocols_do_not_pass(world):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(world.gate()({"type": "websocket"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert world.states == []


def test_the_life_of_the_server_is_the_apps(world):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    gate = world.gate()
    gate._app = app
    asyncio.run(gate({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
