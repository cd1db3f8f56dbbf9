"""Barred: erased people, of whom no row is written any more, whoever erased them."""

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.storage.tables import ERASURES

_NEWEST = sa.select(sa.func.max(ERASURES.c.number))
_DIGESTS = sa.select(ERASURES.c.digest).distinct()


class Barred:
    """Says within the transaction of a write whose rows must not be written. Thread-safe.

    An erasure notes the hash first and removes rows afterwards: whatever was written before the
    hash was there goes with them, and nothing is written after it.

    Args:
        key: of the hashes.
    """

    def __init__(self, key: PrivacyKey) -> None:
        self._key = key
        self._known: tuple[int, frozenset[str]] = (0, frozenset())
        self._lock = threading.Lock()

    def holds(self, connection: Any) -> Callable[[str], bool]:
        """Whether a user was erased, as the database says at this moment."""
        newest = int(connection.execute(_NEWEST).scalar() or 0)
        with self._lock:
            known, digests = self._known
            if newest != known:
                digests = frozenset(str(row[0]) for row in connection.execute(_DIGESTS))
                self._known = newest, digests
        if not digests:
            return _nobody
        return lambda user_id: bool(user_id) and self._key.digest(user_id) in digests


def _nobody(user_id: str) -> bool:
    del user_id
    return False
