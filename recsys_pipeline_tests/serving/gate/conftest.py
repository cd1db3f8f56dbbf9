"""A gate before an app that tells what reached it, called without a server."""

import asyncio
import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from recsys_pipeline.pipeline.online import ApiKey
from recsys_pipeline.pipeline.serving_config import LimitsConfig
from recsys_pipeline.serving.access_log import AccessLog
from recsys_pipeline.serving.gate import Gate, RequestIds
from recsys_pipeline.serving.keyring import Keyring
from recsys_pipeline.serving.limiting import Limiter
from recsys_pipeline.serving.metrics import Metrics
from recsys_pipeline.storage.memory_keys import MemoryKeyStore

NOW = 1_700_000_000.0
SECRET = "s" * 43


def key(scope: str, **changes: Any) -> ApiKey:
    """A key named after its scope, whose secret is 43 times the letter s."""
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    given = {"scopes": (scope,), "name": scope, "created_at": datetime(2024, 1, 1, tzinfo=UTC)}
    return ApiKey(f"k{scope}", digest, **{**given, **changes})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class World:
    """One gate and everything around it.

    Attributes:
        states: what the app found in its state, one for each request that reached it.
        bodies: what it read, likewise.
    """

    app: Callable[..., Awaitable[None]] | None = None
    states: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    store: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    metrics: Metrics = field(default_factory=Metrics)
    stream: io.BytesIO = field(default_factory=io.BytesIO)
    now: float = NOW

    def __post_init__(self) -> None:
        self.log = AccessLog(self.stream)
        self.keyring = Keyring(self.store, lambda: self.now, lambda error: None)

    def gate(self, **changes: Any) -> Gate:
        self.keyring.refresh()
        given: dict[str, Any] = {
            "keyring": self.keyring,
            "keys_required": False,
            "limiter": Limiter(0),
            "metrics": self.metrics,
            "log": self.log,
            "limits": LimitsConfig(),
            "clock": lambda: self.now,
            "open_paths": ("/", "/static/"),
            "probes": ("/health/live",),
            "ids": RequestIds("0badcafe"),
        }
        return Gate(self._app, **{**given, **changes})

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.states.append(dict(scope["state"]))
        if self.app is not None:
            await self.app(scope, receive, send)
            return
        body = b""
        if scope["method"] == "POST":
            body = (await receive()).get("body", b"")
        self.bodies.append(body)
        await say(send, 200, b'{"ok":true}')

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.log.flush()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


async def say(
    send: Any, status: int, body: bytes, content_type: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def ask(
    gate: Gate,
    path: str = "/v1/users/7/recommendations",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    chunks: Sequence[bytes] | None = None,
    **scope: Any,
) -> Answer:
    """The answer to one request; `chunks` is its body, None where there is none."""
    given = {"host": "127.0.0.1:8000", **(headers or {})}
    if chunks is not None and "content-length" not in given:
        given["transfer-encoding"] = "chunked"
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    sent: list[Any] = []
    left = list(chunks or [])

    async def receive() -> Any:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "root_path": "",
        **scope,
    }
    asyncio.run(gate(whole, receive, send))
    if not sent:
        return Answer(0, {}, b"")
    first, *rest = sent
    assert first["type"] == "http.response.start"
    told = [(name.decode(), value.decode()) for name, value in first["headers"]]
    assert len({name for name, _ in told}) == len(told)
    return Answer(first["status"], dict(told), b"".join(each["body"] for each in rest))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def kit() -> Any:
    """What tests of the gate call: `ask`, `key`, `say`, and the secret of every key."""

    class Kit:
        pass

    found = Kit()
    found.ask, found.key, found.say = ask, key, say  # type: ignore[attr-defined]
    found.bearer = lambda key_id: {"authorization": f"Bearer rk_{key_id}_{SECRET}"}  # type: ignore[attr-defined]
    return found
