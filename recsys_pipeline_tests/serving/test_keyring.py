"""Keys: made, found, read again, and asked for beyond this machine."""

import hashlib
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest

from recsys_pipeline.errors import SettingsError, SetupError, StorageError
from recsys_pipeline.pipeline.online import ApiKey
from recsys_pipeline.serving.keyring import (
    Keyring,
    duration,
    is_loopback,
    new_key,
    refuse_open,
    usable,
)
from recsys_pipeline.storage.memory_keys import MemoryKeyStore

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def ascending():
    state = iter(range(100))
    return lambda number: bytes([next(state)]) * number


def made(**changes):
    given = {"name": "shop", "scopes": ("write", "read"), "now": MOMENT, "expires_at": None}
    return new_key(**{**given, "taken": (), "random": ascending(), **changes})


def ring(store, told=lambda error: None, seconds=2.0):
    return Keyring(store, lambda: MOMENT.timestamp(), told, seconds)


def test_a_key_keeps_a_hash_of_its_secret():
    key, secret = made()
    prefix, key_id, rest = secret.split("_", 2)
    assert (prefix, key_id, len(rest)) == ("rk", "k0000000", 43)
    assert key == ApiKey(
        "k0000000", hashlib.sha256(rest.encode()).hexdigest(), ("read", "write"), "shop", MOMENT
    )


def test_an_id_that_is_taken_is_not_given_again():
    key, _ = made(taken=["k0000000", "k0101010"])
    assert key.key_id == "k0202020"


def test_a_secret_finds_its_key_and_what_it_may_do():
    store = MemoryKeyStore()
    key, secret = made(scopes=("admin",))
    store.add(key)
    keys = ring(store)
    assert keys.find(secret.encode()) is None
    keys.refresh()
    caller = keys.find(secret.encode())
    assert caller is not None
    assert (caller.key_id, caller.scopes) == ("k0000000", {"read", "write", "admin"})
    for wrong in (secret[:-1], secret + "x", secret.upper(), f"rk_{key.key_id}_{key.digest}"):
        assert keys.find(wrong.encode()) is None


def test_writing_holds_no_reading():
    store = MemoryKeyStore()
    key, secret = made(scopes=("write",))
    store.add(key)
    keys = ring(store)
    keys.refresh()
    found = keys.find(secret.encode())
    assert found is not None
    assert found.scopes == {"write"}


class Failing(MemoryKeyStore):
    """A store that goes away, and tells each time that it is read."""

    def __init__(self):
        super().__init__()
        self.away = False
        self.read = threading.Semaphore(0)

    def keys(self):
        self.read.release()
        if self.away:
            raise StorageError("away")
        return super().keys()


def test_the_keys_that_were_read_last_stay_while_the_store_is_away():
    store, told = Failing(), []
    key, secret = made()
    store.add(key)
    keys = ring(store, told.append, seconds=0.01)
    keys.start()
    try:
        store.away = True
        for _ in range(3):
            assert store.read.acquire(timeout=10)
        assert keys.find(secret.encode()) is not None
        assert isinstance(told[0], StorageError)
        store.revoke(key.key_id)
        store.away = False
        while store.read.acquire(blocking=False):
            pass
        for _ in range(2):
            assert store.read.acquire(timeout=10)
        assert keys.find(secret.encode()) is None
    finally:
        keys.close()


def test_a_store_that_is_away_at_the_start_stops_it():
    store = Failing()
    store.away = True
    with pytest.raises(StorageError):
        ring(store).start()


@pytest.mark.parametrize(
    "host, near",
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.2", False),
        ("recsys.example", False),
    ],
)
def test_beyond_this_machine_there_must_be_keys(host, near):
    assert is_loopback(host) is near
    assert refuse_open(host, True, False) is not near
    assert refuse_open(host, True, True) is True
    if near:
        assert refuse_open(host, False, False) is False
        assert refuse_open(host, False, True) is True
    else:
        with pytest.raises(SetupError, match="recsys keys create"):
            refuse_open(host, False, False)


def test_revoked_and_expired_keys_are_not_usable():
    keys = [
        made(random=ascending())[0],
        made(expires_at=MOMENT)[0],
        made(expires_at=MOMENT + timedelta(hours=1))[0],
        ApiKey("k1", "", ("read",), "x", MOMENT, revoked=True),
    ]
    assert usable(keys, MOMENT) == [keys[0], keys[2]]


def test_durations():
    assert [duration(text) for text in ("12h", "90d", "2w")] == [
        timedelta(hours=12),
        timedelta(days=90),
        timedelta(days=14),
    ]
    for wrong in ("", "90", "0d", "-1d", "1y", "1.5d", "90 d", "999999d", "٣d"):
        with pytest.raises(SettingsError, match=re.escape(f"'{wrong}'")):
            duration(wrong)
