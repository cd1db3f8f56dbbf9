"""Batching: questions that wait at the same time are answered together, by one thread."""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[_Key, _Asked, _Answer]):
    key: _Key
    asked: _Asked
    future: "Future[_Answer]"


class Batches(Generic[_Key, _Asked, _Answer]):
    """A thread that answers questions of one key at once, in the order in which they came.

    Nobody waits for others to come: only what has come while the thread was busy goes together.

    Args:
        answer: answers several questions of one key, in their order.
        most: questions at once.
    """

    def __init__(
        self, answer: Callable[[_Key, Sequence[_Asked]], Sequence[_Answer]], most: int = 16
    ) -> None:
        self._do, self._most = answer, most
        self._waiting: deque[_Waiting[_Key, _Asked, _Answer]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    def ask(self, key: _Key, asked: _Asked) -> "Future[_Answer]":
        """The answer to a question, once there is one; it may be cancelled while it waits."""
        future: Future[_Answer] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
                return future
            self._waiting.append(_Waiting(key, asked, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Answer nothing more: what waits is cancelled."""
        with self._changed:
            self._closed = True
            for each in self._waiting:
                each.future.cancel()
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                together = self._taken()
            self._answer(together)

    def _taken(self) -> list[_Waiting[_Key, _Asked, _Answer]]:
        """The first that waits, and those of its key after it."""
        key = self._waiting[0].key
        taken: list[_Waiting[_Key, _Asked, _Answer]] = []
        left: deque[_Waiting[_Key, _Asked, _Answer]] = deque()
        for each in self._waiting:
            if each.key == key and len(taken) < self._most:
                taken.append(each)
            else:
                left.append(each)
        self._waiting = left
        return [each for each in taken if each.future.set_running_or_notify_cancel()]

    def _answer(self, together: list[_Waiting[_Key, _Asked, _Answer]]) -> None:
        if not together:
            return
        try:
            found = self._do(together[0].key, [each.asked for each in together])
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            if len(together) == 1:
                together[0].future.set_exception(error)
                return
            # One question must not spoil the answers to others.
            for each in together:
                self._answer([each])
            return
        for each, answer in zip(together, found, strict=True):
            each.future.set_result(answer)
