"""Several workers of one `recsys serve`: they count together, and learn from each other."""

import os
import shutil
import signal
from pathlib import Path

import pytest

QUICK = {
    "RECSYS_SERVING__POLL_SECONDS": "0.2",
    "RECSYS_SERVING__LIMITS__REQUESTS_PER_MINUTE": "0",
}
ASKED = 'recsys_requests_total{method="GET",route="/v1/catalogue",status="200"}'


@pytest.fixture(scope="module")
def two(released, tmp_path_factory, serving):
    """A server of two workers."""
    root = tmp_path_factory.mktemp("two_workers")
    shutil.copytree(released / "data", root / "data")
    server = serving(root, "--workers", "2", **QUICK)
    server.start()
    server.wait_for(lambda: len(server.events("release")) == 2)
    return server


def workers(server) -> set[int]:
    """The processes that answer, as the system knows them."""
    first = server.process.pid
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    named = {int(each): Path(f"/proc/{each}/cmdline").read_text() for each in children}
    return {each for each, name in named.items() if "spawn_main" in name}


def counted(server, name: str) -> float:
    status, text = server.ask("GET", "/metrics")
    assert status == 200
    found = [line for line in text.splitlines() if line.startswith(name)]
    assert len(found) <= 1
    return float(found[0].split()[-1]) if found else 0.0


def answered(server, user: int, movie: int) -> set[bool]:
    """Whether the list of a user holds a movie, from both workers as far as chance has it."""
    lists = [server.ask("GET", f"/v1/users/{user}/recommendations")[1] for _ in range(12)]
    return {movie in [item["movie_id"] for item in answer["items"]] for answer in lists}


def test_both_answer_and_count_together(two) -> None:
    assert len(workers(two)) == 2
    before = counted(two, ASKED)
    for _ in range(40):
        assert two.ask("GET", "/v1/catalogue")[0] == 200
    assert counted(two, ASKED) == before + 40
    made = {line["request_id"].split("-")[1] for line in two.events("request")}
    assert len(made) <= 2
    assert counted(two, "recsys_release_info") == 1


def test_what_one_takes_in_all_know_soon(two) -> None:
    _, answer = two.ask("GET", "/v1/users/9/recommendations")
    movie = answer["items"][0]["movie_id"]
    assert answered(two, 9, movie) == {True}
    sent = {"user_id": 9, "movie_id": movie, "kind": "view", "watch_fraction": 1}
    assert two.ask("POST", "/v1/events", sent)[0] == 200
    two.wait_for(lambda: answered(two, 9, movie) == {False}, 10)
    for _ in range(3):
        assert answered(two, 9, movie) == {False}


def test_a_worker_that_is_killed_is_replaced(two) -> None:
    before, loaded = workers(two), len(two.events("release"))
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    two.wait_for(lambda: len(two.events("release")) == loaded + 1)
    after = workers(two)
    assert len(after) == 2
    assert before - after == {killed}
    for user in range(1, 61):
        assert two.ask("GET", f"/v1/users/{user}/recommendations")[0] == 200
    assert counted(two, 'recsys_answers_total{kind="stored"}') >= 60


def test_they_end_together(two) -> None:
    assert two.stop(signal.SIGINT) == 0
    two.wait_for(lambda: not two.left(), 10, ended=True)
