"""Server, database and Redis die by force while events come in: what was acknowledged is there."""

import http.client
import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore

CLIENTS = 4
QUICK = {
    "RECSYS_SERVING__ACCESS_LOG": "false",
    "RECSYS_SERVING__POLL_SECONDS": "0.2",
    "RECSYS_SERVING__LIMITS__REQUESTS_PER_MINUTE": "0",
}


class Posting:
    """Clients that post events, alone and in batches; each repeats what was not acknowledged.

    Attributes:
        sent: every event handed in, by id.
        acknowledged: ids of those that the server said are stored.
        refused: statuses of answers that were no acknowledgement.
        broken: connections that broke or could not be made.
    """

    def __init__(self, server, name: str) -> None:
        self._server, self._name = server, name
        self._stop, self._lock = threading.Event(), threading.Lock()
        self.sent: dict[str, dict[str, str]] = {}
        self.acknowledged: set[str] = set()
        self.refused: list[int] = []
        self.broken = 0

    def __enter__(self) -> "Posting":
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._pool.submit(self._run, number) for number in range(CLIENTS)]
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def more(self, count: int) -> Callable[[], bool]:
        """A condition: so many more are acknowledged than when this was called."""
        wanted = len(self.acknowledged) + count
        return lambda: len(self.acknowledged) >= wanted

    def _run(self, client: int) -> None:
        connection = self._server.connect()
        for number in range(100_000):
            if self._stop.is_set():
                break
            events = [
                {
                    "event_id": f"{self._name}-{client}-{number}-{place}",
                    "user_id": str(1 + number % 60),
                    "movie_id": str(1 + place),
                    "kind": "click",
                }
                for place in range(1 if number % 2 else 5)
            ]
            with self._lock:
                self.sent.update((each["event_id"], each) for each in events)
            while not self._acknowledged(connection, events):
                # Whoever is told to stop gives up; then the test finds that something lacks.
                if self._stop.wait(0.02):
                    break
        connection.close()

    def _acknowledged(
        self, connection: http.client.HTTPConnection, events: list[dict[str, str]]
    ) -> bool:
        """Hand in events, as one or as several; whether the server says that they are stored."""
        one = len(events) == 1
        body = json.dumps(events[0] if one else {"events": events})
        path = "/v1/events" if one else "/v1/events/batch"
        try:
            connection.request("POST", path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            with self._lock:
                self.broken += 1
            return False
        with self._lock:
            if answer.status != 200:
                self.refused.append(answer.status)
                return False
            assert told["stored"] + told["repeated"] == len(events)
            assert told["event_ids"] == [each["event_id"] for each in events]
            self.acknowledged.update(told["event_ids"])
            return True


def stored(root: Path, url: str | None = None) -> dict[str, tuple[str, str]]:
    """The events of the database by id: user and movie; none is there twice."""
    database = database_of(Settings(root=root, database={"url": url}))
    store = SqlEventStore(database)
    try:
        events = [event for chunk in store.event_chunks(None) for event in chunk]
    finally:
        store.close()
    found = {event.event_id: (event.user_id, event.movie_id) for event in events}
    assert len(found) == len(events)
    return found


def handed_in(*postings: Posting) -> dict[str, tuple[str, str]]:
    sent = [each for posting in postings for each in posting.sent.values()]
    return {each["event_id"]: (each["user_id"], each["movie_id"]) for each in sent}


def killed_under_load(server, posting: Posting) -> None:
    """Kill the server while many post, and start it again; they go on."""
    with posting:
        server.wait_for(posting.more(150))
        server.kill()
        server.start()
        server.wait_for(posting.more(50))
    assert posting.broken >= CLIENTS
    assert posting.refused == []


def test_a_server_is_killed_and_sqlite_holds_what_was_acknowledged(
    released, tmp_path, serving
) -> None:
    shutil.copytree(released / "data", tmp_path / "data")
    server = serving(tmp_path, **QUICK)
    server.start()
    posting = Posting(server, "sqlite")
    killed_under_load(server, posting)
    assert posting.acknowledged == posting.sent.keys()
    assert stored(tmp_path) == handed_in(posting)


def test_server_and_postgresql_and_redis_are_killed_one_after_the_other(
    released, tmp_path, serving, postgres_server, redis_server
) -> None:
    shutil.copytree(released / "data", tmp_path / "data")
    url = postgres_server.url
    server = serving(
        tmp_path,
        RECSYS_DATABASE__URL=url,
        RECSYS_SERVING__CACHE__URL=redis_server.url,
        **QUICK,
    )
    server.start()
    first = Posting(server, "server")
    killed_under_load(server, first)

    second = Posting(server, "database")
    with second:
        server.wait_for(second.more(100))
        postgres_server.kill()
        server.wait_for(lambda: len(second.refused) > 20)
        # Lists are answered on.
        status, answer = server.ask("GET", "/v1/users/60/recommendations?fresh=true")
        assert (status, answer["notices"][0]["code"]) == (200, "no_events")
        assert server.ask("GET", "/v1/health/ready")[1]["status"] == "degraded"
        postgres_server.start()
        server.wait_for(second.more(50))
    assert set(second.refused) == {503}
    assert second.broken == 0

    third = Posting(server, "redis")
    with third:
        server.wait_for(third.more(50))
        assert cached(server, "hit") > 0
        redis_server.stop()
        server.wait_for(third.more(100))
        assert cached(server, "skipped") > 0
    assert counted(server, 'recsys_cache_total{outcome="error"}') > 0
    assert (third.refused, third.broken) == ([], 0)

    for posting in (first, second, third):
        assert posting.acknowledged == posting.sent.keys()
    assert stored(tmp_path, url) == handed_in(first, second, third)
    # The answers of the time without a database were kept, and came into it afterwards.
    status, told = server.ask("GET", "/v1/users/60/shown")
    assert (status, told["answers"][0]["kind"]) == (200, "fresh")


def cached(server, outcome: str) -> float:
    """Ask twenty times for lists that are computed; how often the cache did that by now."""
    for _ in range(20):
        status, _ = server.ask("GET", "/v1/popular?genre=Drama")
        assert status == 200
    return counted(server, f'recsys_cache_total{{outcome="{outcome}"}}')


def counted(server, name: str) -> float:
    _, text = server.ask("GET", "/metrics")
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))
