"""Answers kept for a while: in this process, or in Redis for several servers."""

import threading
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from cachetools import TTLCache

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.serving_config import CacheConfig
from recsys_pipeline.serving.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from recsys_pipeline.serving.redis_cache import RedisCache

Count = Callable[[str], None]
"""Told what became of a question: ``hit``, ``miss``, ``error`` or ``skipped``."""


class AnswerCache(Protocol):
    """Answers by namespace (the release as it is now), user and what was asked.

    An answer is never found in another namespace than the one it was put in. Nothing here raises
    because a cache is away: then there is nothing in it.
    """

    async def get(self, namespace: str, user: str, asked: bytes) -> bytes | None:
        """The answer, or None.

        Args:
            namespace: release that the answer came from.
            user: id of the user, or "" where nobody is named.
            asked: everything else that the answer depends on.
        """
        ...

    async def put(self, namespace: str, user: str, asked: bytes, answer: bytes) -> None:
        """Keep an answer until it expires."""
        ...

    async def forget(self, user: str) -> bool:
        """Forget all answers for a user, in every namespace; False if that cannot be done now.

        They expire then, as all do.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class NoCache:
    """Keeps nothing."""

    async def get(self, namespace: str, user: str, asked: bytes) -> bytes | None:
        """None."""
        return None

    async def put(self, namespace: str, user: str, asked: bytes, answer: bytes) -> None:
        """Nothing."""

    async def forget(self, user: str) -> bool:
        """True: nothing is kept."""
        return True

    async def close(self) -> None:
        """Nothing."""


class LocalCache:
    """Answers in this process; the ones asked for longest ago go first. Safe between threads.

    Args:
        seconds: how long an answer is kept.
        entries: how many at most.
        count: told of hits and misses.
        timer: a clock of seconds that never goes back.
    """

    def __init__(
        self, seconds: float, entries: int, count: Count, timer: Callable[[], float] = monotonic
    ) -> None:
        self._kept: TTLCache[tuple[str, str, bytes], bytes] = TTLCache(entries, seconds, timer)
        self._of_user: dict[str, set[tuple[str, str, bytes]]] = {}
        self._lock = threading.Lock()
        self._count = count

    async def get(self, namespace: str, user: str, asked: bytes) -> bytes | None:
        """The answer, or None."""
        with self._lock:
            found = self._kept.get((namespace, user, asked))
        self._count("miss" if found is None else "hit")
        return found

    async def put(self, namespace: str, user: str, asked: bytes, answer: bytes) -> None:
        """Keep an answer."""
        with self._lock:
            for gone, _ in self._kept.expire():
                self._unlist(gone)
            key = (namespace, user, asked)
            if key not in self._kept and len(self._kept) >= self._kept.maxsize:
                self._unlist(self._kept.popitem()[0])
            self._kept[key] = answer
            self._of_user.setdefault(user, set()).add(key)

    async def forget(self, user: str) -> bool:
        """Forget a user."""
        with self._lock:
            for key in self._of_user.pop(user, ()):
                self._kept.pop(key, None)
        return True

    async def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._of_user.clear()

    def _unlist(self, key: tuple[str, str, bytes]) -> None:
        """An answer is gone: its user has it no more."""
        own = self._of_user.get(key[1])
        if own is not None:
            own.discard(key)
            if not own:
                del self._of_user[key[1]]


_SEPARATOR: Final = b"\x00"


def digest_of(*parts: bytes) -> bytes:
    """What was asked as a key of 16 bytes; parts are never confused with their neighbours.

    >>> digest_of(b"k=1", b"0") == digest_of(b"k=10")
    False
    """
    whole = blake2b(digest_size=16)
    for part in parts:
        whole.update(b"%d" % len(part) + _SEPARATOR + part)
    return whole.digest()


def open_cache(config: CacheConfig, pseudonyms: Pseudonyms, count: Count) -> AnswerCache:
    """The cache of the settings; no connection is made yet.

    Raises:
        SettingsError: the URL is none of Redis.
        SetupError: there is a URL, and the package `redis` is not installed.
    """
    if config.seconds == 0:
        return NoCache()
    if config.url is None:
        return LocalCache(config.seconds, config.entries, count)
    redis_cache = _redis()
    try:
        return redis_cache(config.url.get_secret_value(), config.seconds, pseudonyms, count)
    except ValueError:
        # Not repeated, and not chained: the URL may hold a password.
        raise SettingsError(
            "serving.cache.url is not the address of a Redis.", "Write redis://host:6379/0."
        ) from None


def _redis() -> "type[RedisCache]":
    try:
        from recsys_pipeline.serving.redis_cache import RedisCache
    except ImportError as error:
        raise SetupError(
            "serving.cache.url is set, but the package redis is not installed.",
            "Install it: pip install 'recsys-pipeline[redis]'.",
        ) from error
    return RedisCache
