"""A small release in a folder, and the whole server over it, gate and all, without a socket."""

import asyncio
import http.client
import io
import json
import shutil
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import uvicorn
from threadpoolctl import threadpool_limits

from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.recipes import recipe_fingerprint
from recsys_pipeline.pipeline.releasing import Inputs, publish
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.serving.joined_writes import JoinedWritesProtocol
from recsys_pipeline.serving.server import Server, make_server
from recsys_pipeline.settings import Settings
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource
from recsys_pipeline.storage import FileReleaseStore

WORLD = WorldConfig(users=60, movies=40, interactions=900)
MADE_AT = "2024-01-01T00:00:00+00:00"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def learning_of(primary: str = "profile", **changes: Any) -> LearningConfig:
    values: dict[str, Any] = {
        "k": 5,
        "primary": primary,
        "ranker": {"iterations": 6, "candidates": 8, "min_samples_leaf": 5},
        "recommenders": {"use": ("item_knn", "ease", "profile", "clusters")},
    }
    return LearningConfig.model_validate(values | changes)


def put_release(
    root: Path,
    learning: LearningConfig,
    weeks_ago: int = 0,
    change: Callable[[dict[str, pd.DataFrame]], dict[str, pd.DataFrame]] = dict,
) -> str:
    """Make a release of the small world below `root`/data and put it in service; its id."""
    source = SimulatedSource(WORLD)
    newest = source.newest_event()
    assert newest is not None
    as_of = newest - pd.Timedelta(weeks=weeks_ago)
    cleaned = prepare(source.read(as_of), as_of, learning)
    tables = change(
        {"users": cleaned.users, "movies": cleaned.movies, "interactions": cleaned.interactions}
    )
    cuts = load_cuts(**tables, learning=learning, as_of=as_of)
    with threadpool_limits(1):
        trained = train(cuts, make_feature_matrix(cuts, learning), learning, str)
        inputs = Inputs.of("world", as_of, tables, learning, 1.0)
        lists = make_top_n(trained.released, cuts.everything, learning.k, inputs.release)
    manifest = Manifest(
        release=inputs.release,
        as_of=as_of.isoformat(),
        source="world",
        data_fingerprint=inputs.data_fingerprint,
        settings_fingerprint=inputs.settings_fingerprint,
        recommender=trained.facts.chosen,
        k=learning.k,
        rows={},
        metrics={"liked_share": 0.8},
        verdict="yes",
        files={},
        recipe_fingerprint=recipe_fingerprint(learning),
        made_at=MADE_AT,
        intervals={"liked_share": (0.75, 0.85)},
    )
    store = FileReleaseStore(root / "data" / "releases")
    publish(store, manifest, lists, trained.released, cuts.everything, learning)
    store.promote(inputs.release)
    return inputs.release


@dataclass
class Api:
    """The server of one worker, and somebody who asks it.

    Attributes:
        server: the server.
        clock: its clock.
        log: what it logged.
    """

    server: Server
    clock: Clock
    log: io.BytesIO
    headers: dict[str, str] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._said: asyncio.Queue[str] = self.wait(self._queue())
        self._heard: asyncio.Queue[str] = self.wait(self._queue())
        self._life = asyncio.run_coroutine_threadsafe(self._live(), self._loop)
        self.wait(self._said.put("lifespan.startup"))
        assert self.wait(self._heard.get()) == "lifespan.startup.complete"

    @staticmethod
    async def _queue() -> "asyncio.Queue[str]":
        return asyncio.Queue()

    async def _live(self) -> None:
        async def receive() -> dict[str, str]:
            return {"type": await self._said.get()}

        async def send(message: Mapping[str, Any]) -> None:
            await self._heard.put(message["type"])

        await self.server.app({"type": "lifespan", "state": {}}, receive, send)

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self.wait(self._said.put("lifespan.shutdown"))
        assert self.wait(self._heard.get()) == "lifespan.shutdown.complete"
        self._life.result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.server.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8000", headers=self.headers
            ) as client:
                return await client.request(method, path, **options)

        return self.wait(ask())

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of an answer that has that status."""
        answer = self.ask("GET", path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def lines(self) -> list[dict[str, Any]]:
        """The log up to now."""
        self.server.log.flush()
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def open_api(root: Path, keys_required: bool = False, **settings: Any) -> Api:
    clock, log = Clock(pd.Timestamp(MADE_AT).timestamp() + 3_600), io.BytesIO()
    given = Settings(root=root, **settings)
    return Api(make_server(given, clock, log, keys_required=keys_required), clock, log)


@dataclass(frozen=True)
class Listening:
    """A server on a socket of the loopback, in a thread of this process.

    Attributes:
        port: where it listens.
        server: the server.
        log: what it logged.
    """

    port: int
    server: Server
    log: io.BytesIO

    def raw(self, sent: bytes) -> bytes:
        """What comes back for these bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer; the path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            connection.close()


@contextmanager
def listening(root: Path, keys_required: bool = False, **settings: Any) -> Iterator[Listening]:
    """The whole server over the release below `root`, as uvicorn runs it."""
    log = io.BytesIO()
    moment = pd.Timestamp(MADE_AT).timestamp() + 3_600
    given = Settings(root=root, **settings)
    server = make_server(given, Clock(moment), log, keys_required=keys_required)
    config = uvicorn.Config(
        server.app, loop="uvloop", http=JoinedWritesProtocol, log_config=None, access_log=False,
        server_header=False, date_header=False, proxy_headers=False, lifespan="on",
    )  # fmt: skip
    http_server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as place:
        thread = threading.Thread(target=http_server.run, args=([place],))
        thread.start()
        try:
            yield Listening(place.getsockname()[1], server, log)
        finally:
            http_server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one release in service; copy it to change anything."""
    root = tmp_path_factory.mktemp("released")
    put_release(root, learning_of())
    return root


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder with two releases, the older one and the one in service; copy it likewise."""
    root = tmp_path_factory.mktemp("two_releases")
    return (
        root,
        put_release(root, learning_of("ease"), weeks_ago=1),
        put_release(root, learning_of()),
    )


@pytest.fixture
def api(released: Path, tmp_path: Path) -> Iterator[Api]:
    """A server of one's own over a copy of that release."""
    shutil.copytree(released / "data", tmp_path / "data")
    opened = open_api(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_api(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server for tests that change nothing that others look at."""
    root = tmp_path_factory.mktemp("shared_api")
    shutil.copytree(released / "data", root / "data")
    opened = open_api(root)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def put() -> Callable[..., str]:
    """`put_release`."""
    return put_release


@pytest.fixture(scope="session")
def learn() -> Callable[..., LearningConfig]:
    """`learning_of`."""
    return learning_of


@pytest.fixture(scope="session")
def opening() -> Callable[..., Api]:
    """`open_api`; whoever opens one closes it."""
    return open_api


@pytest.fixture(scope="session")
def listen() -> Callable[..., Any]:
    """`listening`."""
    return listening
