"""A release is switched and taken back while many ask: none fails, and no list mixes two."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.storage import FileReleaseStore

CLIENTS = 4
QUICK = {
    "RECSYS_SERVING__ACCESS_LOG": "false",
    "RECSYS_SERVING__POLL_SECONDS": "0.2",
    "RECSYS_SERVING__LIMITS__REQUESTS_PER_MINUTE": "0",
}


@dataclass(frozen=True)
class Pair:
    """Two releases, of which the second is in service, and their lists by release and user."""

    root: Path
    old: str
    new: str
    lists: dict[tuple[str, str], list[int]]

    @property
    def users(self) -> list[str]:
        return [user for release, user in self.lists if release == self.new]


def read(root: Path, old: str, new: str) -> Pair:
    store = FileReleaseStore(root / "data" / "releases")
    lists: dict[tuple[str, str], list[int]] = {}
    for release in (old, new):
        told = store.read_lists(release).sort_values(n.RANK)
        for user, movies in told.groupby(n.USER_ID)[n.MOVIE_ID]:
            lists[release, str(user)] = movies.tolist()
    return Pair(root, old, new, lists)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, put, learn) -> Pair:
    root = tmp_path_factory.mktemp("pair")
    return read(root, put(root, learn("ease")), put(root, learn()))


class Asking:
    """Clients that ask for lists until they are told to stop; each answer is looked at."""

    def __init__(self, server, pair: Pair) -> None:
        self._server, self._pair = server, pair
        self._stop = threading.Event()
        self.faults: list[str] = []
        self.answers: dict[str, int] = {pair.old: 0, pair.new: 0}
        self._lock = threading.Lock()

    def __enter__(self) -> "Asking":
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._pool.submit(self._run, number) for number in range(CLIENTS)]
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def _run(self, number: int) -> None:
        connection = self._server.connect()
        for place, user in enumerate(cycle(self._pair.users)):
            if self._stop.is_set() or len(self.faults) > 5:
                break
            # Every fourth one is computed, by the model of the release.
            fresh = "?fresh=true" if place % 4 == number else ""
            connection.request("GET", f"/v1/users/{user}/recommendations{fresh}")
            answer = connection.getresponse()
            self._look(user, answer.status, answer.read())
        connection.close()

    def _look(self, user: str, status: int, body: bytes) -> None:
        if status != 200:
            self.faults.append(f"{status}: {body.decode()}")
            return
        told = json.loads(body)
        release = told["release"]["id"]
        with self._lock:
            self.answers[release] += 1
        movies = [item["movie_id"] for item in told["items"]]
        if movies != self._pair.lists[release, user]:
            self.faults.append(f"{user} of {release}: {movies}")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_release_is_switched_and_taken_back_under_load(pair, tmp_path, serving, workers) -> None:
    shutil.copytree(pair.root / "data", tmp_path / "data")
    store = FileReleaseStore(tmp_path / "data" / "releases")
    differing = [u for u in pair.users if pair.lists[pair.old, u] != pair.lists[pair.new, u]]
    assert len(differing) > len(pair.users) / 2

    server = serving(tmp_path, "--workers", str(workers), **QUICK)
    server.start()

    def told(release: str) -> int:
        wanted = f"release {release} answers"
        return sum(line["text"] == wanted for line in server.events("release"))

    server.wait_for(lambda: told(pair.new) == workers)
    moves = {pair.old: store.roll_back, pair.new: store.promote}
    with Asking(server, pair) as asking:
        for count in (1, 2, 3):
            for release, move in moves.items():
                before = asking.answers[release]
                move(release)
                wanted = count * workers + (workers if release == pair.new else 0)
                server.wait_for(lambda r=release, w=wanted: told(r) == w, 10)
                server.wait_for(lambda r=release, b=before: asking.answers[r] > b + 20, 20)
                # All agree from here on: every new connection may meet another worker.
                for user in pair.users[: 5 * workers]:
                    _, answer = server.ask("GET", f"/v1/users/{user}/recommendations")
                    assert answer["release"]["id"] == release
    assert asking.faults == []
    assert not [line for line in server.events("release") if "refused" in line["text"]]
