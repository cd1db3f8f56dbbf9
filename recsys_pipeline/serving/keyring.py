"""API keys: making one, and finding out whose a secret is without asking the database each time."""

import hashlib
import hmac
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.online import SCOPES, ApiKey, KeyStore, Scope

_PREFIX = "rk"
_LONGEST = 100
_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_NOBODY = hashlib.sha256(b"").digest()
"""Compared with where there is no key of that id, so that this takes as long."""

Rights = frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks with a valid key.

    Attributes:
        key_id: public id of the key.
        scopes: what it may do, with what `admin` holds.
    """

    key_id: str
    scopes: Rights


@dataclass(frozen=True, slots=True)
class _Held:
    caller: Caller
    digest: bytes
    until: float


def new_key(
    name: str,
    scopes: Collection[Scope],
    now: datetime,
    expires_at: datetime | None,
    taken: Collection[str],
    random: Callable[[int], bytes],
) -> tuple[ApiKey, str]:
    """A key, and its secret, which is kept nowhere.

    Args:
        name: what it is for.
        scopes: what it may do, at least one.
        now: the moment, UTC.
        expires_at: until when it is valid, UTC, or None.
        taken: ids of the keys that there are.
        random: gives that many unpredictable bytes (`secrets.token_bytes`).

    Returns:
        The key, and the text ``rk_<key id>_<43 characters>`` with 256 random bits.
    """
    key_id = _fresh_id(random)
    while key_id in taken:
        key_id = _fresh_id(random)
    secret = urlsafe_b64encode(random(32)).rstrip(b"=")
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    key = ApiKey(key_id, hashlib.sha256(secret).hexdigest(), ordered, name, now, expires_at)
    return key, f"{_PREFIX}_{key_id}_{secret.decode('ascii')}"


def _fresh_id(random: Callable[[int], bytes]) -> str:
    return f"k{random(4).hex()[:7]}"


def duration(text: str) -> timedelta:
    """A time from now, such as 12h, 90d or 52w.

    Raises:
        SettingsError: it is not.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise SettingsError(
            f"--expires: '{text[:40]}' is no duration.",
            "Write hours, days or weeks: 12h, 90d, 52w.",
        )
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


class Keyring:
    """The keys of a store, held in memory and read again every few seconds by a thread.

    A key that is revoked is refused everywhere that long afterwards at most. Where the store
    cannot be read, the keys that were read last stay.

    Args:
        store: where keys are kept.
        clock: seconds since 1970, UTC.
        told: called with the error of each reading that failed.
        seconds: between two readings.
    """

    def __init__(
        self,
        store: KeyStore,
        clock: Callable[[], float],
        told: Callable[[Exception], None],
        seconds: float = 2.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self._seconds = seconds
        self._keys: Mapping[bytes, _Held] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Read the keys now.

        Raises:
            StorageError: they cannot be read.
        """
        read = self._store.keys()
        self._keys = {
            key.key_id.encode(): _Held(
                Caller(key.key_id, _rights(key.scopes)),
                bytes.fromhex(key.digest),
                key.expires_at.timestamp() if key.expires_at else float("inf"),
            )
            for key in read
            if not key.revoked
        }

    def start(self) -> None:
        """Read the keys, then again every few seconds until `close`.

        Raises:
            StorageError: they cannot be read this first time.
        """
        self.refresh()
        self._thread = threading.Thread(target=self._run, name="keyring", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def find(self, secret: bytes) -> Caller | None:
        """Whose secret that is; None for one that is wrong, revoked or expired.

        It takes the same time for a wrong secret of a key, of another one and of none.
        """
        parts = secret.split(b"_", 2) if len(secret) <= _LONGEST else []
        if len(parts) != 3 or parts[0] != _PREFIX.encode():
            return None
        held = self._keys.get(parts[1])
        digest = hashlib.sha256(parts[2]).digest()
        same = hmac.compare_digest(digest, held.digest if held else _NOBODY)
        if not same or held is None or self._clock() >= held.until:
            return None
        return held.caller

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next reading comes
                self._told(error)


def _rights(scopes: Collection[Scope]) -> Rights:
    return frozenset(SCOPES if "admin" in scopes else scopes)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_open(host: str, keys_exist: bool, require_keys: bool) -> bool:
    """Whether a server on that address asks for keys.

    Args:
        host: to listen on.
        keys_exist: whether any key is neither revoked nor expired.
        require_keys: the setting `serving.require_keys`.

    Raises:
        SetupError: others reach the address, and nobody has a key.
    """
    if is_loopback(host):
        return require_keys
    if not keys_exist:
        raise SetupError(
            f"serving.host is {host}, which other machines reach, and there is no API key.",
            "Make one with `recsys keys create --name NAME --scope read`, or serve on 127.0.0.1.",
        )
    return True


def usable(keys: Collection[ApiKey], now: datetime) -> list[ApiKey]:
    """The keys that are neither revoked nor expired."""
    return [
        key for key in keys if not key.revoked and (key.expires_at is None or key.expires_at > now)
    ]
