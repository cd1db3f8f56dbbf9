"""Privacy: everything held about a person as one document, and its removal with a receipt.

An erasure is a job that outlives a crash. Its steps are the places where people's data lie, one
after the other, each of which may be done again; what was removed is noted with each step. Once
all are done, the id itself is forgotten, and only a keyed hash of it stays.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.erasure import Erasure, ErasureJob, ErasureStore
from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.pipeline.privacy_gone import Gone
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey, canonical

_STEP: Final = "step"
_REMOVED: Final = "removed"
_LEFT: Final = "left_to_people"

STANDING: Final = (
    "Backups, and older versions that an object store keeps: remove the person there, or let them "
    "expire.",
)
"""What no receipt can promise, in every receipt."""


class Place(Protocol):
    """Somewhere that people's data lie."""

    @property
    def name(self) -> str:
        """What receipts call it."""
        ...

    def export(self, user_id: str) -> Any:
        """What it holds about a person, as values of JSON; None for nothing."""
        ...

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Remove it; how much there was of what. Doing it again removes what is left."""
        ...

    def left(self, user_id: str) -> Sequence[str]:
        """What only people can remove, a sentence each, none of which names the person."""
        ...


@dataclass(frozen=True)
class Erased:
    """What became of an erasure.

    Attributes:
        number: of the job.
        done: whether it is finished; else it goes on by itself after the run that is under way.
        receipt: what was removed from where, without the id; empty until it is finished.
        why: why it is not finished, for people; else empty.
    """

    number: int
    done: bool
    receipt: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Privacy:
    """People's data, wherever they lie.

    Attributes:
        key: of the hashes by which erased people are known.
        erasures: where jobs and receipts are kept.
        places: in the order in which they are cleared.
        events: events and answers, for their retention.
        exclusive: holds off every run; raises SetupError while one is under way.
    """

    key: PrivacyKey
    erasures: ErasureStore
    places: Sequence[Place]
    events: EventStore
    exclusive: Callable[[], AbstractContextManager[object]]

    def export(self, user_id: str, at: datetime) -> dict[str, Any]:
        """Everything held about a person, as one JSON document.

        Args:
            user_id: the id as text; that of a number in the tables too.
            at: the time on the clock.

        Raises:
            SettingsError: there is no id.
        """
        user = _checked(user_id)
        return {
            n.USER_ID: user,
            "exported_at": at.isoformat(),
            **{place.name: place.export(user) for place in self.places},
            "erasure": self._state(user),
        }

    def erase(self, user_id: str, at: datetime) -> Erased:
        """Remove a person everywhere. Who is not known is remembered as erased too.

        Once this returns, the person cannot come back from the source. While a run is under way
        nothing else is removed yet: that follows when the run ends.

        Args:
            user_id: the id as text; that of a number in the tables too.
            at: the time on the clock.

        Raises:
            SettingsError: there is no id.
            RecsysError: a place cannot be written; `resume` goes on where this stopped.
        """
        user = _checked(user_id)
        job = self.erasures.begin(self.key.digest(user), user, at)
        with ExitStack() as held:
            try:
                held.enter_context(self.exclusive())
            except SetupError as error:
                return Erased(job.number, False, why=error.message)
            # Somebody else may have finished it meanwhile.
            for each in self.erasures.open_jobs():
                if each.number == job.number:
                    self._finish(each, at)
        return self._erased(job.number)

    def resume(self, at: datetime, *, locked: bool = False) -> list[Erased]:
        """Finish the erasures that were begun and not finished.

        Args:
            at: the time on the clock.
            locked: whether the caller holds off every run already.

        Raises:
            SetupError: a run is under way.
        """
        jobs = self.erasures.open_jobs()
        if jobs and locked:
            for job in jobs:
                self._finish(job, at)
        elif jobs:
            with self.exclusive():
                for job in self.erasures.open_jobs():
                    self._finish(job, at)
        return [self._erased(job.number) for job in jobs]

    def receipts(self) -> list[dict[str, Any]]:
        """The receipts of all erasures, oldest first; none names anybody."""
        return [_receipt(each) for each in self.erasures.receipts()]

    def gone(self) -> Gone:
        """Who must not come back, as things are now."""
        return Gone.of(self.key, self.erasures)

    def _finish(self, job: ErasureJob, at: datetime) -> None:
        removed = dict(map(_noted, job.steps))
        for place in self.places:
            if place.name not in removed:
                removed[place.name] = dict(place.erase(job.user_id))
                self.erasures.done(job.number, _note(place.name, removed[place.name]))
        left = [text for place in self.places for text in place.left(job.user_id)]
        receipt = {
            "person": job.digest,
            "key": self.key.fingerprint,
            "asked_at": job.created_at.isoformat(),
            "erased_at": at.isoformat(),
            "steps": [{_STEP: name, _REMOVED: counts} for name, counts in removed.items()],
            _LEFT: [*left, *STANDING],
        }
        self.erasures.finish(job.number, json.dumps(receipt, ensure_ascii=False), at)

    def _erased(self, number: int) -> Erased:
        for each in self.erasures.receipts():
            if each.number == number:
                return Erased(number, True, _receipt(each))
        return Erased(number, False)

    def _state(self, user: str) -> dict[str, Any]:
        digest = self.key.digest(user)
        return {
            "under_way": any(job.digest == digest for job in self.erasures.open_jobs()),
            "receipts": [
                _receipt(each) for each in self.erasures.receipts() if each.digest == digest
            ],
        }


def _checked(user_id: str) -> str:
    user = canonical(user_id)
    if not user:
        raise SettingsError("There is no user id.", "Give the id of the person.")
    return user


def _note(name: str, counts: Mapping[str, int]) -> str:
    """A step with what it removed: a receipt needs that after a crash too."""
    return json.dumps({_STEP: name, _REMOVED: dict(counts)}, sort_keys=True)


def _noted(step: str) -> tuple[str, dict[str, int]]:
    fields = json.loads(step)
    return str(fields[_STEP]), dict(fields[_REMOVED])


def _receipt(erasure: Erasure) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(erasure.receipt)
    return {"number": erasure.number, **fields}
