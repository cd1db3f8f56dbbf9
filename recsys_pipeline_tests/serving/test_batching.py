"""Questions that wait together are answered together, and none spoils another."""

import threading
from concurrent.futures import Future

import pytest

from recsys_pipeline.serving.batching import Batches


class Bench:
    """Batches whose thread waits until it is let go on."""

    def __init__(self, most: int = 16) -> None:
        self.seen: list[tuple[str, list[int]]] = []
        self.busy, self.go_on = threading.Event(), threading.Event()
        self.batches: Batches[str, int, int] = Batches(self.answer, most)
        self.first: Future[int] = self.batches.ask("first", 0)
        assert self.busy.wait(10)

    def answer(self, key: str, asked) -> list[int]:
        self.seen.append((key, list(asked)))
        self.busy.set()
        assert self.go_on.wait(10)
        if -1 in asked:
            raise ValueError("no such question")
        return [each * 10 for each in asked]


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.go_on.set()
    made.batches.close()


def test_what_waits_goes_together_by_key_in_order(bench) -> None:
    questions = [("a", 1), ("b", 2), ("a", 3), ("a", 4)]
    futures = [bench.batches.ask(*question) for question in questions]
    bench.go_on.set()
    assert [future.result(10) for future in futures] == [10, 20, 30, 40]
    assert bench.seen == [("first", [0]), ("a", [1, 3, 4]), ("b", [2])]


def test_an_error_belongs_to_the_question_that_made_it(bench) -> None:
    futures = [bench.batches.ask("a", asked) for asked in (1, -1, 2)]
    bench.go_on.set()
    assert (futures[0].result(10), futures[2].result(10)) == (10, 20)
    with pytest.raises(ValueError, match="no such question"):
        futures[1].result(10)


def test_a_question_that_nobody_waits_for_is_not_answered(bench) -> None:
    futures = [bench.batches.ask("a", asked) for asked in (1, 2)]
    assert futures[0].cancel()
    bench.go_on.set()
    assert futures[1].result(10) == 20
    assert bench.seen[1] == ("a", [2])


def test_no_more_than_so_many_at_once() -> None:
    bench = Bench(most=2)
    futures = [bench.batches.ask("a", asked) for asked in range(1, 6)]
    bench.go_on.set()
    assert [future.result(10) for future in futures] == [10, 20, 30, 40, 50]
    assert [asked for _, asked in bench.seen] == [[0], [1, 2], [3, 4], [5]]
    bench.batches.close()


def test_after_closing_nothing_is_answered(bench) -> None:
    waiting = bench.batches.ask("a", 1)
    bench.go_on.set()
    bench.batches.close()
    assert waiting.cancelled() or waiting.result(10) == 10
    assert bench.batches.ask("a", 2).cancelled()
