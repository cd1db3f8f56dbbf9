"""The gate before a FastAPI app, on a real server."""

import http.client
import io
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import JSONResponse, Response

from recsys_pipeline.pipeline.serving_config import LimitsConfig
from recsys_pipeline.serving.joined_writes import JoinedWritesProtocol


class Told(io.BytesIO):
    """A log that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()

    def write(self, chunk: bytes) -> int:  # type: ignore[override]
        with self.changed:
            self.changed.notify_all()
            return super().write(chunk)

    def wait_for(self, text: bytes) -> list[dict[str, object]]:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.getvalue(), 10), self.getvalue()
            return [json.loads(line) for line in self.getvalue().splitlines()]


def small_app() -> FastAPI:
    app, router = FastAPI(openapi_url=None), APIRouter(prefix="/v1")

    @router.get("/users/{user_id}/recommendations")
    async def recommend(user_id: str, k: int = 10) -> Response:
        return JSONResponse([user_id, k])

    @router.post("/events")
    async def events(request: Request) -> Response:
        return JSONResponse(len(await request.json()))

    @router.get("/admin/{what:path}")
    async def admin(what: str) -> Response:
        return JSONResponse(what)

    @router.get("/broken")
    async def broken() -> Response:
        raise ValueError("Eve 4711")

    app.include_router(router)
    return app


@dataclass
class Served:
    port: int
    log: Told

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null"), answer
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """Everything that comes back until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def served(world, kit) -> Iterator[Served]:
    world.app = small_app()
    world.stream = log = Told()
    world.log._stream = log
    world.log.start()
    world.store.add(kit.key("read"))
    world.store.add(kit.key("write"))
    gate = world.gate(keys_required=True, limits=LimitsConfig(body_bytes=100_000))
    config = uvicorn.Config(
        gate, loop="uvloop", http=JoinedWritesProtocol, log_config=None, access_log=False,
        server_header=False, lifespan="off",
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield Served(listening.getsockname()[1], log)
        server.should_exit = True
        thread.join()
    world.log.close()


def test_routes_are_accounted_for_by_their_template(served, world, kit):
    status, told, answer = served.ask("GET", "/v1/users/4711/recommendations?k=3",
                                      **kit.bearer("kread"))  # fmt: skip
    assert (status, told) == (200, ["4711", 3])
    assert answer.getheader("server") is None
    assert answer.getheader("x-content-type-options") == "nosniff"
    (line,) = served.log.wait_for(b"status")
    assert line["route"] == "/v1/users/{user_id}/recommendations"
    assert "4711" not in str(line)
    assert b'route="/v1/users/{user_id}/recommendations"' in world.metrics.text(0)[0]


def test_what_the_app_cannot_answer_is_a_problem(served, kit):
    for path, wanted in (("/v1/nothing", 404), ("/v1/users/7/recommendations?k=x", 422),
                         ("/v1/broken", 500)):  # fmt: skip
        status, told, answer = served.ask("GET", path, **kit.bearer("kread"))
        assert (status, told["status"]) == (wanted, wanted)
        assert answer.getheader("content-type") == "application/problem+json"
        assert told["request_id"] == answer.getheader("x-request-id")
    assert "4711" not in str(served.log.wait_for(b"fault"))


@pytest.mark.parametrize(
    "path", ["/v1/admin/x", "/v1%2Fadmin/x", "/v1/%61dmin/x", "/v1/admin/../users", "/v1/admin%2fx"]
)
def test_no_spelling_of_an_address_needs_less(served, kit, path):
    assert served.ask("GET", path, **kit.bearer("kread"))[0] == 403


@pytest.mark.parametrize(
    "path", ["/v1//admin/x", "//v1/admin/x", "/V1/admin/x", "/v1/./admin/x", "/v1/x/../admin/x"]
)
def test_what_is_not_its_address_is_nothing(served, kit, path):
    assert served.ask("GET", path, **kit.bearer("kread"))[0] == 404


def test_bodies(served, kit):
    bearer = kit.bearer("kwrite")
    assert served.ask("POST", "/v1/events", b"[1,2,3]", **bearer)[:2] == (200, 3)
    assert served.ask("POST", "/v1/events", b"[" * 10_000 + b"]" * 10_000, **bearer)[0] == 400
    assert served.ask("POST", "/v1/events", b"1" * 100_001, **bearer)[0] == 413
    head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: {bearer['authorization']}\r\n"
    announced = served.raw(
        head.encode() + b"expect: 100-continue\r\ncontent-length: 100001\r\n\r\n"
    )
    assert announced.startswith(b"HTTP/1.1 413")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    chunks = chunk * 20 + b"0\r\n\r\n"
    streamed = served.raw(head.encode() + b"transfer-encoding: chunked\r\n\r\n" + chunks)
    assert streamed.startswith(b"HTTP/1.1 413")
    assert served.ask("POST", "/v1/events", b"[]", **bearer)[:2] == (200, 0)


def test_hanging_up_in_a_body_is_no_fault(served, kit):
    secret = kit.bearer("kwrite")["authorization"]
    head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: {secret}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"content-length: 10\r\n\r\nabc")
    (line,) = served.log.wait_for(b"status")
    assert (line["event"], line["status"]) == ("request", 499)


def test_headers_are_not_injected(served):
    sent = b"GET /v1/popular HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: "
    answer = served.raw(sent + b"abcdefgh\x0bset-cookie:a=b\r\n\r\n")
    assert b"set-cookie" not in answer.lower()
    answer = served.raw(sent + b"abcdefgh%0d%0aset-cookie:a=b\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"set-cookie" not in answer.lower()


def test_a_connection_is_used_again(served, kit):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        for number in range(3):
            path = f"/v1/users/{number}/recommendations"
            connection.request("GET", path, None, kit.bearer("kread"))
            assert json.loads(connection.getresponse().read()) == [str(number), 10]
    finally:
        connection.close()


def test_many_at_once_are_told_apart(served, kit):
    def one(number: int) -> tuple[int, list[object], str]:
        path = f"/v1/users/{number}/recommendations"
        status, told, answer = served.ask("GET", path, **kit.bearer("kread"))
        return status, told, answer.getheader("x-request-id")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(200)))
    assert [status for status, _, _ in answers] == [200] * 200
    assert [told for _, told, _ in answers] == [[str(number), 10] for number in range(200)]
    assert len({request_id for _, _, request_id in answers}) == 200
