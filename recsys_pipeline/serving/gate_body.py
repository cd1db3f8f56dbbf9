"""Reading a body before the app does, so that none is too large, too slow or nested too deep."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from recsys_pipeline.serving.problems import TOO_DEEP, TOO_LARGE, TOO_SLOW, Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

DEPTH: Final = 32
"""Arrays and objects within each other; what this API reads has at most four."""
SECONDS: Final = 20.0
"""For a whole body to arrive."""
_DISCARDED: Final = 16_000_000
_DISCARDING: Final = 2.0
"""Bytes, and seconds, that a caller who sends too much is listened to."""
CLOSING: Final = ((b"connection", b"close"),)
"""The rest of the body is not read, so nothing more can be asked on that connection."""

# Every part matches something and never goes back, so it takes time in proportion to the text.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_STRUCTURE = bytes(set(_NO_BRACKETS) - set(b'"'))
_STEPS = np.full(256, -1, np.int8)
_STEPS[list(b"[{")] = 1


class GoneError(Exception):
    """Whoever asked has hung up."""


async def read_body(receive: Receive, most: int, announced: bytes | None, asks: bool) -> bytes:
    """The whole body.

    Args:
        receive: of the request.
        most: bytes that are let in.
        announced: the header content-length, or None.
        asks: whether the caller waits to be told before it sends (``expect: 100-continue``).

    Raises:
        Problem: it is larger, too slow, or JSON nested deeper than `DEPTH`.
        GoneError: it was not sent to its end.
    """
    if announced is not None and (not announced.isdigit() or int(announced[:20]) > most):
        if not asks:
            await _discard(receive)
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            more = True
            while more:
                chunk, more = await _next(receive)
                size += len(chunk)
                if size > most:
                    await _discard(receive)
                    raise _too_large(most)
                chunks.append(chunk)
    except TimeoutError as error:
        raise Problem(TOO_SLOW, headers=CLOSING) from error
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if too_deep(body):
        raise Problem(TOO_DEEP, f"At most {DEPTH} arrays and objects within each other are read.")
    return body


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise GoneError
    return message.get("body", b""), message.get("more_body", False)


async def _discard(receive: Receive) -> None:
    """Let a caller finish that sends too much, within reason.

    Closing a connection on which more arrives resets it: the answer would be lost on the way.
    """
    left, more = _DISCARDED, True
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDING):
            while more and left > 0:
                chunk, more = await _next(receive)
                left -= len(chunk)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` once, then whatever comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def too_deep(body: bytes) -> bool:
    """Whether JSON has more than `DEPTH` arrays and objects within each other.

    >>> too_deep(b"[" * 33 + b"]" * 33), too_deep(b'["' + b"[" * 33 + b'"]')
    (True, False)
    """
    if body.count(b"[") + body.count(b"{") <= DEPTH:
        return False
    if b"\\" not in body:
        # Two quotes side by side change nothing about what is inside a text and what is not; this
        # leaves few texts to look at, and those that hold brackets.
        body = body.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    depth = np.cumsum(_STEPS[np.frombuffer(brackets, np.uint8)], dtype=np.int32)
    return bool(depth.max(initial=0) > DEPTH)


def _too_large(most: int) -> Problem:
    return Problem(TOO_LARGE, f"At most {most} bytes are read.", headers=CLOSING)
