"""Places of people's data that are thin: releases, events, caches, and what is not ours."""

from collections.abc import Callable, Mapping, Sequence
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
        return {
            "events": [_plain(asdict(each)) for each in self.store.events_of(user_id)],
            "answers_shown": [
                _plain(asdict(each)) for each in self.store.shown_to(user_id, limit=_ALL)
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

    Attributes:
        forget: removes those of a user; False where that cannot be done now, or None where no
            cache is at hand. They expire by themselves.
        seconds: how long an answer is kept.
    """

    forget: Callable[[str], bool] | None
    seconds: float
    name: str = "caches"

    def export(self, user_id: str) -> None:
        """Nothing: copies of answers that are elsewhere too."""
        del user_id

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Forget them."""
        return {"forgotten": int(self.forget is not None and self.forget(user_id))}

    def left(self, user_id: str) -> Sequence[str]:
        """Nothing to do but to wait."""
        del user_id
        if not self.seconds:
            return ()
        return (f"Answers that servers keep are gone after {self.seconds:g} seconds.",)


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
