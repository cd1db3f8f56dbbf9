"""The door to what is remembered of erased people: a keyed hash of the id, and a receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ErasureJob:
    """An erasure that is under way.

    Attributes:
        number: of the job.
        digest: keyed hash of the id.
        user_id: whom it is about; forgotten once the job is finished.
        steps: those that are done, in order.
        created_at: when it was asked for, UTC.
    """

    number: int
    digest: str
    user_id: str
    steps: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that is finished.

    Attributes:
        number: of its job.
        digest: keyed hash of the id.
        created_at, erased_at: when it was asked for and when it was finished, UTC.
        receipt: JSON, what was removed from where; without the id.
    """

    number: int
    digest: str
    created_at: datetime
    erased_at: datetime
    receipt: str


class ErasureStore(Protocol):
    """Where erasures are kept; a job outlives a crash. Safe to use from several threads."""

    def begin(self, digest: str, user_id: str, at: datetime) -> ErasureJob:
        """A new job, or the one that is open for that digest, durably."""
        ...

    def done(self, number: int, step: str) -> None:
        """Note that a step of an open job is done; once is enough.

        Raises:
            StorageError: there is no open job of that number.
        """
        ...

    def open_jobs(self) -> list[ErasureJob]:
        """Jobs that are not finished, oldest first."""
        ...

    def finish(self, number: int, receipt: str, at: datetime) -> None:
        """Close a job and forget the id.

        Raises:
            StorageError: there is no open job of that number.
        """
        ...

    def hashes(self) -> set[str]:
        """The digests of all whose erasure has begun: none of them may come back."""
        ...

    def receipts(self) -> Sequence[Erasure]:
        """Erasures that are finished, oldest first."""
        ...
