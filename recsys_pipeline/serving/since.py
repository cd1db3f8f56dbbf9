"""Since: who has dealt with which movie lately, so that no list shows it again."""

from collections.abc import Iterable

from recsys_pipeline.pipeline.online import Event, EventStore


class Since:
    """Pairs of users and movies that came in through the API, brought up to date by a number.

    Kept as hashes: some 100 bytes for each event. Two pairs with one hash cost no more than a
    list that is made anew for nothing. Safe to read while another thread writes.
    """

    def __init__(self) -> None:
        self._users: dict[str, int] = {}
        self._pairs: set[int] = set()
        self._own: set[str] = set()
        self._number = 0

    def note(self, events: Iterable[Event]) -> None:
        """Events that this process took in just now; they are read again, and count once."""
        for event in events:
            self._own.add(event.event_id)
            self._count(event)

    def _count(self, event: Event) -> None:
        # That a movie was shown is no dealing with it.
        if event.kind != "impression":
            self._pairs.add(hash((event.user_id, event.movie_id)))
            self._users[event.user_id] = self._users.get(event.user_id, 0) + 1

    def catch_up(self, store: EventStore) -> int:
        """Read what came in since the last time, also through other processes; how many events.

        Raises:
            StorageError: the database cannot be read; what was read so far is kept.
        """
        count = 0
        while True:
            events, number = store.events_since(self._number)
            for event in events:
                if event.event_id in self._own:
                    self._own.discard(event.event_id)
                else:
                    self._count(event)
            self._number = number
            count += len(events)
            if not events:
                return count

    def count(self, user_id: str) -> int:
        """How often something came in from that user, 0 for never; an answer may rest on it."""
        return self._users.get(user_id, 0)

    def met(self, user_id: str, movies: Iterable[object]) -> bool:
        """Whether that user has dealt with one of the movies, given by id."""
        return any(hash((user_id, str(movie))) in self._pairs for movie in movies)

    def forget(self, user_id: str) -> None:
        """Nothing came in from that user."""
        self._users.pop(user_id, None)
