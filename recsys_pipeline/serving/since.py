"""Since: who has dealt with which movie lately, so that no list shows it again."""

from collections.abc import Iterable
from hashlib import blake2b
from threading import Lock
from typing import Final

from cachetools import LRUCache

from recsys_pipeline.pipeline.online import Event, EventStore

_RECENT: Final = 50_000
"""Events that are known to be counted: what comes in within some seconds, at most."""


class Since:
    """Pairs of users and movies that came in through the API, brought up to date by a number.

    Kept as hashes: some 100 bytes for each event. Two pairs with one hash cost no more than a
    list that is made anew for nothing. Safe to read while another thread writes.
    """

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._pairs: set[int] = set()
        self._recent: LRUCache[str, None] = LRUCache(_RECENT)
        self._counting = Lock()
        self._number = 0

    def note(self, events: Iterable[Event]) -> None:
        """Events that this process took in just now; they are read again, and count once."""
        for event in events:
            self._count(event)

    def _count(self, event: Event) -> None:
        # That a movie was shown is no dealing with it.
        if event.kind == "impression":
            return
        with self._counting:
            if event.event_id in self._recent:
                return
            self._recent[event.event_id] = None
            self._pairs.add(hash((event.user_id, event.movie_id)))
            digest = blake2b(event.event_id.encode(), digest_size=8).digest()
            version = self._versions.get(event.user_id, 0)
            self._versions[event.user_id] = version ^ int.from_bytes(digest, "big")

    def catch_up(self, store: EventStore) -> int:
        """Read what came in since the last time, also through other processes; how many events.

        Raises:
            StorageError: the database cannot be read; what was read so far is kept.
        """
        count = 0
        while True:
            events, number = store.events_since(self._number)
            for event in events:
                self._count(event)
            self._number = number
            count += len(events)
            if not events:
                return count

    def version(self, user_id: str) -> int:
        """Stands for all that came in from that user, 0 for nothing; the same in every process."""
        return self._versions.get(user_id, 0)

    def met(self, user_id: str, movies: Iterable[object]) -> bool:
        """Whether that user has dealt with one of the movies, given by id."""
        return any(hash((user_id, str(movie))) in self._pairs for movie in movies)

    def forget(self, user_id: str) -> None:
        """Nothing came in from that user."""
        self._versions.pop(user_id, None)
