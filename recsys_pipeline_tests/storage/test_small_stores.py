"""Keys, erasures and state: in memory, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from upath import UPath

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.erasure import Erasure, ErasureJob, ErasureStore
from recsys_pipeline.pipeline.online import ApiKey, KeyStore
from recsys_pipeline.pipeline.state import StateStore
from recsys_pipeline.storage.database import open_database
from recsys_pipeline.storage.erasures import SqlErasureStore
from recsys_pipeline.storage.keys import SqlKeyStore
from recsys_pipeline.storage.memory_erasures import MemoryErasureStore
from recsys_pipeline.storage.memory_keys import MemoryKeyStore
from recsys_pipeline.storage.memory_state import MemoryStateStore
from recsys_pipeline.storage.state import SqlStateStore

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
KEY = ApiKey("k1", "d" * 64, ("read", "write"), "the shop", NOON)


@dataclass(frozen=True)
class Stores:
    keys: KeyStore
    erasures: ErasureStore
    state: StateStore


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryKeyStore(), MemoryErasureStore(), MemoryStateStore())
        return
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = open_database(url, UPath(tmp_path))
    yield Stores(SqlKeyStore(database), SqlErasureStore(database), SqlStateStore(database))
    database.close()


def test_keys_come_back_as_they_went_in_oldest_first(stores):
    expiring = replace(
        KEY, key_id="k0", scopes=("admin",), expires_at=NOON + timedelta(days=1), revoked=True
    )
    oldest = replace(KEY, key_id="k2", created_at=NOON - timedelta(microseconds=1))
    assert stores.keys.keys() == []
    for key in (KEY, expiring, oldest):
        stores.keys.add(key)
    assert stores.keys.keys() == [oldest, expiring, KEY]


def test_a_key_id_is_there_once(stores):
    stores.keys.add(KEY)
    with pytest.raises(StorageError, match="'k1'"):
        stores.keys.add(replace(KEY, name="another"))
    assert stores.keys.keys() == [KEY]


def test_a_revoked_key_stays_and_is_marked(stores):
    stores.keys.add(KEY)
    assert not stores.keys.revoke("k9")
    assert stores.keys.revoke("k1")
    assert stores.keys.revoke("k1")
    assert stores.keys.keys() == [replace(KEY, revoked=True)]


def test_an_erasure_goes_on_where_it_stopped(stores):
    job = stores.erasures.begin("hash", "u", NOON)
    assert job == ErasureJob(job.number, "hash", "u", (), NOON)
    stores.erasures.done(job.number, "events")
    stores.erasures.done(job.number, "tables")
    stores.erasures.done(job.number, "events")
    going_on = replace(job, steps=("events", "tables"))
    assert stores.erasures.begin("hash", "u", NOON + timedelta(days=1)) == going_on
    other = stores.erasures.begin("other", "v", NOON)
    assert stores.erasures.open_jobs() == [going_on, other]
    assert stores.erasures.hashes() == {"hash", "other"}
    assert stores.erasures.receipts() == []


def test_a_finished_erasure_leaves_a_hash_and_a_receipt(stores):
    job = stores.erasures.begin("hash", "u", NOON)
    later = NOON + timedelta(minutes=1)
    stores.erasures.finish(job.number, '{"events": 3}', later)
    assert stores.erasures.open_jobs() == []
    assert stores.erasures.hashes() == {"hash"}
    assert stores.erasures.receipts() == [Erasure(job.number, "hash", NOON, later, '{"events": 3}')]
    again = stores.erasures.begin("hash", "u", later)
    assert again.number > job.number
    assert stores.erasures.hashes() == {"hash"}


def test_a_job_that_is_not_open_has_no_steps(stores):
    job = stores.erasures.begin("hash", "u", NOON)
    stores.erasures.finish(job.number, "{}", NOON)
    for number in (job.number, 99):
        with pytest.raises(StorageError, match="no open erasure"):
            stores.erasures.done(number, "events")
        with pytest.raises(StorageError, match="no open erasure"):
            stores.erasures.finish(number, "{}", NOON)


def test_no_file_holds_the_id_of_a_finished_erasure(tmp_path):
    database = open_database(None, UPath(tmp_path))
    erasures = SqlErasureStore(database)
    job = erasures.begin("hash", "MARKED-person", NOON)
    assert b"MARKED" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    erasures.finish(job.number, "{}", NOON)
    assert b"MARKED" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    database.close()


def test_state_is_put_and_swapped(stores):
    assert stores.state.get("ramp") is None
    assert not stores.state.swap("ramp", "5", "25")
    assert stores.state.swap("ramp", None, "5")
    assert not stores.state.swap("ramp", None, "6")
    assert not stores.state.swap("ramp", "6", "7")
    assert stores.state.get("ramp") == "5"
    assert stores.state.swap("ramp", "5", "25")
    stores.state.put("ramp", '{"é": 1}')
    stores.state.put("other", "x")
    assert stores.state.get("ramp") == '{"é": 1}'


def test_of_several_swaps_one_succeeds(stores):
    for expected, value in ((None, "a"), ("a", "b")):
        with ThreadPoolExecutor(6) as pool:
            swaps = [pool.submit(stores.state.swap, "key", expected, value) for _ in range(6)]
            assert sorted(each.result() for each in swaps) == [False] * 5 + [True]


def test_several_begin_one_erasure(stores):
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(stores.erasures.begin, "hash", "u", NOON) for _ in range(6)]
        assert len({each.result() for each in jobs}) == 1
