"""Answers kept: one suite for every cache, then Redis dying under use."""

import asyncio
import os
import signal
from collections import Counter
from itertools import pairwise
from time import perf_counter

import pytest
from pydantic import SecretStr

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.serving_config import CacheConfig
from recsys_pipeline.serving.cache import LocalCache, NoCache, digest_of, open_cache
from recsys_pipeline.serving.pseudonyms import Pseudonyms
from recsys_pipeline.serving.redis_cache import RedisCache

NAMES = Pseudonyms(b"k" * 32)
ASKED = digest_of(b"k=10")
OTHER = digest_of(b"k=20")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(params=["local", "redis"])
def make(request):
    """A cache of each kind: of some seconds, counting into a Counter."""
    if request.param == "local":
        return lambda seconds, counts: LocalCache(
            seconds, 100, lambda outcome: counts.update([outcome])
        )
    url = request.getfixturevalue("redis_url")
    return lambda seconds, counts: RedisCache(
        url, seconds, NAMES, lambda outcome: counts.update([outcome])
    )


def run(coroutine):
    return asyncio.run(coroutine)


def test_an_answer_is_found_where_it_was_put_and_nowhere_else(make):
    async def use():
        counts = Counter()
        cache = make(60, counts)
        await cache.put("r1", "7", ASKED, b"\x00seven")
        await cache.put("r1", "", ASKED, b"nobody")
        found = [
            await cache.get(*where)
            for where in (
                ("r1", "7", ASKED),
                ("r1", "", ASKED),
                ("r2", "7", ASKED),
                ("r1", "8", ASKED),
                ("r1", "7", OTHER),
            )
        ]
        await cache.close()
        return found, counts

    found, counts = run(use())
    assert found == [b"\x00seven", b"nobody", None, None, None]
    assert counts == {"hit": 2, "miss": 3}


def test_the_last_answer_counts(make):
    async def use():
        cache = make(60, Counter())
        await cache.put("r1", "7", ASKED, b"one")
        await cache.put("r1", "7", ASKED, b"two")
        found = await cache.get("r1", "7", ASKED)
        await cache.close()
        return found

    assert run(use()) == b"two"


def test_a_forgotten_user_is_nowhere_and_others_stay(make):
    async def use():
        cache = make(60, Counter())
        for namespace in ("r1", "r2"):
            for user in ("7", "77", ""):
                for asked in (ASKED, OTHER):
                    await cache.put(namespace, user, asked, b"x")
        assert await cache.forget("7")
        found = {
            user: [
                await cache.get(namespace, user, asked)
                for namespace in ("r1", "r2")
                for asked in (ASKED, OTHER)
            ]
            for user in ("7", "77", "")
        }
        await cache.close()
        return found

    assert run(use()) == {"7": [None] * 4, "77": [b"x"] * 4, "": [b"x"] * 4}


def test_local_answers_expire_and_are_bounded():
    async def use():
        clock = Clock()
        cache = LocalCache(10, 2, lambda outcome: None, clock)
        await cache.put("r1", "7", ASKED, b"x")
        clock.now += 9.9
        assert await cache.get("r1", "7", ASKED) == b"x"
        clock.now += 0.2
        assert await cache.get("r1", "7", ASKED) is None
        for user in "abc":
            await cache.put("r1", user, ASKED, b"x")
        return [await cache.get("r1", user, ASKED) for user in "abc"]

    assert run(use()) == [None, b"x", b"x"]


def test_forgetting_a_user_takes_no_longer_however_many_others_there_are():
    async def use(users):
        cache = LocalCache(60, users, lambda outcome: None)
        for number in range(users):
            await cache.put("r1", str(number), ASKED, b"x")
        started = perf_counter()
        for number in range(1_000):
            await cache.forget(f"stranger-{number}")
        return perf_counter() - started

    assert run(use(10_000)) < 0.2


def test_what_expired_or_was_pushed_out_is_listed_for_nobody():
    async def use():
        clock = Clock()
        cache = LocalCache(10, 3, lambda outcome: None, clock)
        for number in range(9):
            await cache.put("r1", str(number % 5), b"%d" % number, b"x")
        listed = sorted(key for own in cache._of_user.values() for key in own)
        assert listed == sorted(cache._kept)
        clock.now += 11
        await cache.put("r1", "new", ASKED, b"x")
        return dict(cache._of_user)

    assert run(use()) == {"new": {("r1", "new", ASKED)}}


def test_every_key_in_redis_expires_and_names_nobody(redis_url):
    import redis

    async def use():
        cache = RedisCache(redis_url, 30, NAMES, lambda outcome: None)
        await cache.put("r1", "eve@example.org", ASKED, b"x")
        await cache.close()

    run(use())
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys()
        assert 0 < client.pttl(key) <= 30_000
    assert key.decode() == f"recsys:answer:r1:{NAMES.of('eve@example.org')}:{ASKED.hex()}"


def test_redis_going_away_loses_and_delays_no_answer(redis_server):
    counts, clock = Counter(), Clock()

    async def use():
        cache = RedisCache(
            redis_server.url, 60, NAMES, lambda outcome: counts.update([outcome]), clock
        )
        await cache.put("r1", "7", ASKED, b"x")
        assert await cache.get("r1", "7", ASKED) == b"x"
        redis_server.stop()
        many = await asyncio.gather(*(cache.get("r1", "7", ASKED) for _ in range(20)))
        assert many == [None] * 20
        failed = counts["error"]
        assert 1 <= failed <= 20
        # Left alone: not asked, so nothing waits.
        assert await cache.get("r1", "7", ASKED) is None
        await cache.put("r1", "7", ASKED, b"y")
        assert (counts["error"], counts["skipped"]) == (failed, 1)
        assert not await cache.forget("7")
        failed = counts["error"]
        # After a pause one request tries, then nobody for twice as long.
        clock.now += 0.6
        assert await cache.get("r1", "7", ASKED) is None
        assert await cache.get("r1", "7", ASKED) is None
        assert (counts["error"], counts["skipped"]) == (failed + 1, 2)
        clock.now += 0.6
        assert await cache.get("r1", "7", ASKED) is None
        assert counts["skipped"] == 3
        redis_server.start()
        clock.now += 0.6
        assert await cache.get("r1", "7", ASKED) is None
        await cache.put("r1", "7", ASKED, b"z")
        assert await cache.get("r1", "7", ASKED) == b"z"
        assert counts["error"] == failed + 1
        await cache.close()

    run(use())


def test_pauses_double_up_to_some_seconds_and_start_small_again():
    clock, counts = Clock(), Counter()
    # Nothing listens on the discard port.
    cache = RedisCache(
        "redis://127.0.0.1:9/0", 60, NAMES, lambda outcome: counts.update([outcome]), clock
    )

    async def use():
        tried = []
        for _ in range(400):
            before = counts["error"]
            await cache.get("r1", "7", ASKED)
            if counts["error"] > before:
                tried.append(clock.now)
            clock.now += 0.1
        await cache.close()
        return tried

    tried = run(use())
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(tried)]
    assert [int(pause) for pause in pauses[:6]] == [0, 1, 2, 4, 8, 8]


def test_the_settings_choose(redis_url):
    def opened(**changes):
        return open_cache(CacheConfig(**changes), NAMES, lambda outcome: None)

    assert isinstance(opened(), LocalCache)
    assert isinstance(opened(seconds=0), NoCache)
    assert isinstance(opened(url=SecretStr(redis_url)), RedisCache)
    with pytest.raises(SettingsError) as raised:
        opened(url=SecretStr("http://eve:hidden@db"))
    assert "hidden" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_no_cache_keeps_nothing():
    async def use():
        cache = NoCache()
        await cache.put("r1", "7", ASKED, b"x")
        return await cache.get("r1", "7", ASKED), await cache.forget("7")

    assert run(use()) == (None, True)


def test_a_redis_that_stands_still_delays_briefly_and_mixes_no_answers(redis_server):
    """A late answer to a question that nobody waits for any more is never another's answer."""
    counts, clock = Counter(), Clock()

    async def use():
        cache = RedisCache(
            redis_server.url, 60, NAMES, lambda outcome: counts.update([outcome]), clock
        )
        users = [str(user) for user in range(20)]
        for user in users:
            await cache.put("r1", user, ASKED, user.encode())
        await asyncio.gather(*(cache.get("r1", user, ASKED) for user in users))
        os.kill(redis_server.process.pid, signal.SIGSTOP)
        try:
            started = perf_counter()
            waiting = [asyncio.ensure_future(cache.get("r1", user, ASKED)) for user in users]
            await asyncio.sleep(0)
            for task in waiting[::2]:
                task.cancel()
            found = await asyncio.gather(*waiting, return_exceptions=True)
            took = perf_counter() - started
        finally:
            os.kill(redis_server.process.pid, signal.SIGCONT)
        assert found[1::2] == [None] * 10
        assert took < 1.0
        clock.now += 60
        for _ in range(3):
            for user in reversed(users):
                assert await cache.get("r1", user, ASKED) in (None, user.encode())
                clock.now += 60
        assert await asyncio.gather(*(cache.get("r1", user, ASKED) for user in users)) == [
            user.encode() for user in users
        ]
        await cache.close()

    run(use())
