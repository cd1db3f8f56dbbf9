"""Answers in Redis, for several servers; where it is away, answers are made anew and none waits."""

import math
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from recsys_pipeline.serving.pseudonyms import Pseudonyms

_PREFIX: Final = "recsys:answer"
_TIMEOUT: Final = 0.05
"""Seconds that a request waits for Redis at most, each time."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0
"""Seconds without a question after Redis did not answer; they double each time."""
_FEW = 500
"""Keys that are removed in one command."""


class RedisCache:
    """Answers under ``recsys:answer:<release>:<pseudonym>:<digest>``, each with an expiry.

    Redis sees no id of a user in a key; the answers themselves are theirs, so the Redis belongs to
    whoever runs this. After an error it is left alone for a while; then one request tries again.

    Args:
        url: redis://, rediss:// or unix://.
        seconds: how long an answer is kept.
        pseudonyms: names of users in keys.
        count: told what became of each question.
        timer: a clock of seconds that never goes back.

    Raises:
        ValueError: the URL is not one of Redis.
    """

    def __init__(
        self,
        url: str,
        seconds: float,
        pseudonyms: Pseudonyms,
        count: Callable[[str], None],
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._milliseconds = max(1, math.ceil(seconds * 1000))
        self._pseudonyms = pseudonyms
        self._count = count
        self._timer = timer
        self._pause = _FIRST_PAUSE
        self._quiet_until = 0.0

    async def get(self, namespace: str, user: str, asked: bytes) -> bytes | None:
        """The answer, or None."""
        if not self._may_ask():
            self._count("skipped")
            return None
        try:
            found = await self._redis.get(self._key(namespace, user, asked))
        except (RedisError, OSError):
            self._failed()
            return None
        self._answered()
        self._count("miss" if found is None else "hit")
        return found.encode() if isinstance(found, str) else found

    async def put(self, namespace: str, user: str, asked: bytes, answer: bytes) -> None:
        """Keep an answer, if Redis is there."""
        if not self._may_ask():
            return
        try:
            await self._redis.set(self._key(namespace, user, asked), answer, px=self._milliseconds)
        except (RedisError, OSError):
            self._failed()
        else:
            self._answered()

    async def forget(self, user: str) -> bool:
        """Forget a user; False if Redis is not there."""
        return await self._remove(f"{_PREFIX}:*:{self._pseudonyms.of(user)}:*")

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _key(self, namespace: str, user: str, asked: bytes) -> str:
        who = self._pseudonyms.of(user) if user else "-"
        return f"{_PREFIX}:{namespace}:{who}:{asked.hex()}"

    async def _remove(self, pattern: str) -> bool:
        """Remove keys, asked for even while it is left alone: erasing is worth a try."""
        try:
            async for keys in self._found(pattern):
                await self._redis.unlink(*keys)
        except (RedisError, OSError):
            self._failed()
            return False
        return True

    async def _found(self, pattern: str) -> AsyncIterator[list[Any]]:
        cursor = 0
        while True:
            cursor, keys = await self._redis.scan(cursor, match=pattern, count=_FEW)
            if keys:
                yield keys
            if cursor == 0:
                return

    def _may_ask(self) -> bool:
        now = self._timer()
        if now < self._quiet_until:
            return False
        if self._quiet_until:
            # This request tries; the others go on without, for twice as long if it fails.
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self._quiet_until = now + self._pause
        return True

    def _failed(self) -> None:
        self._count("error")
        if not self._quiet_until:
            self._quiet_until = self._timer() + self._pause

    def _answered(self) -> None:
        self._quiet_until = 0.0
        self._pause = _FIRST_PAUSE
