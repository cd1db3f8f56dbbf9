"""Places of people's data that are thin: releases, events, caches, and what is not ours."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.sources import build_source

_ALL = 2**31 - 1


@dataclass(frozen=True)
class Releases:
    """The `Place` of all releases."""

    store: ReleaseStore
    name: str = "releases"

    def export(self, user_id: str) -> dict[str, Any]:
        """What each release holds, and which one is in service."""
        pointer = self.store.pointer()
        return {
            "in_service": None if pointer is None else pointer.release,
            "held": dict(self.store.held(user_id)),
        }

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Rewrite the releases in which the user is."""
        return self.store.erase(user_id)

    def left(self, user_id: str) -> Sequence[str]:
        """Nothing."""
        del user_id
        return ()


@dataclass(frozen=True)
class Happened:
    """The `Place` of events and answers."""

    store: EventStore
    name: str = "events"

    def export(self, user_id: str) -> dict[str, Any]:
        """All events, and all answers that were shown."""
        ids, store = self.store.spellings(user_id), self.store
        return {
            "events": [_plain(asdict(each)) for who in ids for each in store.events_of(who)],
            "answers_shown": [
                _plain(asdict(each)) for who in ids for each in store.shown_to(who, limit=_ALL)
            ],
        }

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Remove them."""
        return self.store.erase(user_id)

    def left(self, user_id: str) -> Sequence[str]:
        """Nothing."""
        del user_id
        return ()


@dataclass(frozen=True)
class Caches:
    """The `Place` of answers that servers keep for a while.

    None of them is handed out any more: servers ask first who was erased. They expire.

    Attributes:
        seconds: how long an answer is kept.
        poll_seconds: how long a server may not know yet of an erasure by somebody else.
    """

    seconds: float
    poll_seconds: float
    name: str = "caches"

    def export(self, user_id: str) -> None:
        """Nothing: copies of answers that are elsewhere too."""
        del user_id

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Nothing that could be reached from here."""
        del user_id
        return {}

    def left(self, user_id: str) -> Sequence[str]:
        """Nothing to do but to wait."""
        del user_id
        if not self.seconds:
            return ()
        return (
            f"Servers hand out no list of the person after {self.poll_seconds:g} seconds; the "
            f"answers that they keep are gone after {self.seconds:g} seconds.",
        )


@dataclass(frozen=True)
class NotOurs:
    """The `Place` of what the installation reads or writes and does not own."""

    settings: Settings
    name: str = "elsewhere"

    def export(self, user_id: str) -> None:
        """Nothing: it is somebody else's to tell."""
        del user_id

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Nothing."""
        del user_id
        return {}

    def left(self, user_id: str) -> Sequence[str]:
        """The source, the settings, and servers of others."""
        settings = self.settings
        source = build_source(settings).description
        found = [
            f"The source ({source}): remove the person there too. Until then every run leaves "
            "their rows out."
        ]
        blocked = {str(each).strip() for each in settings.learning.rules.blocked_users}
        if user_id in blocked:
            found.append("recsys.toml: learning.rules.blocked_users names the person.")
        if settings.tracking.uri is not None:
            found.append("The MLflow server of tracking.uri was not searched; it is told no ids.")
        url = settings.database.url
        if url is not None and not url.get_secret_value().startswith("sqlite"):
            found.append(
                "PostgreSQL keeps removed rows in its files until it has cleared up (VACUUM), and "
                "in its archived log."
            )
        return found


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
