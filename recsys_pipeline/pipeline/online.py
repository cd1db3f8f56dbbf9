"""The doors of serving: what happened, what was shown, who may ask; and where that is kept.

Each protocol is implemented in `storage/` and has a fake there that passes the same tests. Ids of
users and movies are texts here, as in a URL: whoever reads them gives them the type of the tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

EventKind = Literal["view", "rating", "click", "impression", "useful", "not_for_me"]
EVENT_KINDS: Final[tuple[EventKind, ...]] = (
    "view",
    "rating",
    "click",
    "impression",
    "useful",
    "not_for_me",
)
"""What can happen between a user and a movie. An impression is no interaction: it was shown."""

Scope = Literal["read", "write", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")
"""What a key may do: read recommendations, post events, administer; `admin` holds the others."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a user did with a movie.

    Attributes:
        event_id: from whoever posts it; the same one again is the same event.
        user_id, movie_id: who, with which movie.
        kind: one of `EVENT_KINDS`.
        at: when it happened, UTC.
        received_at: when it came in, UTC.
        rating: 0.5 to 5, of a rating.
        watch_fraction: 0 to 1, of a view.
        request_id: of the answer that showed the movie, or empty.
        release: of that answer, or empty.
        rank: place in that answer, from 1, or None.
    """

    event_id: str
    user_id: str
    movie_id: str
    kind: EventKind
    at: datetime
    received_at: datetime
    rating: float | None = None
    watch_fraction: float | None = None
    request_id: str = ""
    release: str = ""
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer with a list: one impression for each of its movies.

    Attributes:
        request_id: of the answer, unique.
        user_id: whose list, or empty where nobody is named.
        shown_at: when, UTC.
        release: that the list came from.
        kind: how the list came to be, such as ``stored``, ``fresh`` or ``cold``.
        movies: JSON list of the movies' ids, best first.
        propensities: JSON list as long, the probability with which each got its place; empty
            where all are 1.
        experiment, arm: of the user in an experiment, or empty.
        personal: whether the list rests on something that was known of the user, and comes from
            the release of the user's arm where that names one.
    """

    request_id: str
    user_id: str
    shown_at: datetime
    release: str
    kind: str
    movies: str
    propensities: str = ""
    experiment: str = ""
    arm: str = ""
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the events of one caller.

    Attributes:
        new: ids of those that were stored.
        refused: how many were left out, as they are of people who were erased.
    """

    new: frozenset[str] = frozenset()
    refused: int = 0


class EventStore(Protocol):
    """Where events and answers are kept. Safe to use from several threads and processes."""

    def add_events(self, events: Sequence[Event]) -> int:
        """Store events, durably once this returns; how many of them were new.

        One whose id is stored already is left as it is, also within `events`.

        Raises:
            StorageError: they could not be stored; none of them was, or all of them.
        """
        ...

    def add_shown(self, shown: Sequence[Shown]) -> None:
        """Store answers; one whose request id is stored already is left as it is."""
        ...

    def events_of(self, user_id: str) -> list[Event]:
        """All events of a user, in order of time, then id."""
        ...

    def events_of_users(self, user_ids: Sequence[str]) -> dict[str, list[Event]]:
        """The events of several users, as `events_of` gives them, by user; none for the others."""
        ...

    def events_since(self, number: int, limit: int = 10_000) -> tuple[list[Event], int]:
        """Events that came in after those that `number` stands for, and the new number.

        0 stands for none. How workers learn of the events that others took in.
        """
        ...

    def last_number(self) -> int:
        """What stands for all events that are there now; 0 for none."""
        ...

    def event_chunks(
        self, until: datetime | None, rows: int = 50_000, *, after: datetime | None = None
    ) -> Iterator[list[Event]]:
        """All events after `after` and up to `until` (their `at`), in order of time, then id."""
        ...

    def newest_event(self, not_after: datetime | None = None) -> datetime | None:
        """Time (`at`) of the newest event but impressions that is not later, or None."""
        ...

    def event(self, event_id: str) -> Event | None:
        """The event with that id, or None."""
        ...

    def shown(self, request_id: str) -> Shown | None:
        """The answer with that request id, or None."""
        ...

    def shown_to(self, user_id: str, until: datetime | None = None, limit: int = 20) -> list[Shown]:
        """The answers for a user that were given up to `until`, newest first."""
        ...

    def shown_chunks(
        self, after: datetime | None, rows: int = 50_000, *, until: datetime | None = None
    ) -> Iterator[list[Shown]]:
        """All answers given after `after` and up to `until`, in order of time, then request id."""
        ...

    def spellings(self, user_id: str) -> list[str]:
        """The ids of all rows that `erase` would remove, sorted: with or without blanks around."""
        ...

    def erase(self, user_id: str) -> dict[str, int]:
        """Remove all rows of a user; how many there were, by table.

        Rows whose id differs by blanks around it only are theirs too.
        """
        ...

    def prune(
        self, events_before: datetime | None, shown_before: datetime | None
    ) -> dict[str, int]:
        """Remove what came in (by `received_at`) or was shown before that; how many, by table.

        An event of long ago that was sent in late is as young as its arrival.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: never the secret itself.

    Attributes:
        key_id: the public part, such as ``k7f3a9c1``; it names the key in lists and logs.
        digest: hex SHA-256 of the secret part, which has 256 random bits.
        scopes: what it may do.
        name: what it is for, for people.
        created_at: UTC.
        expires_at: UTC, or None.
        revoked: whether it is refused.
    """

    key_id: str
    digest: str
    scopes: tuple[Scope, ...]
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked: bool = False


class KeyStore(Protocol):
    """Where keys are kept."""

    def add(self, key: ApiKey) -> None:
        """Store a key."""
        ...

    def keys(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        ...

    def revoke(self, key_id: str) -> bool:
        """Refuse a key from now on; False if there is none with that id."""
        ...
