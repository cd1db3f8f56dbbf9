"""Gone: who was erased, so that no import from the source brings anybody back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.erasure import ErasureStore
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.sources.base import Source, Tables


@dataclass(frozen=True)
class Gone:
    """Erased people, known by keyed hashes only.

    Attributes:
        key: of the hashes; None where nobody was erased.
        begun: hashes of all whose erasure has begun.
        finished: of those, the ones whose erasure is finished: nothing may hold them.
    """

    key: PrivacyKey | None = None
    begun: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()

    @classmethod
    def of(cls, key: PrivacyKey, erasures: ErasureStore) -> Self:
        """What `erasures` says at this moment."""
        finished = frozenset(each.digest for each in erasures.receipts())
        return cls(key, frozenset(erasures.hashes()), finished)

    def holds(self, user_id: object) -> bool:
        """Whether a user was erased, or is being erased."""
        return self.key is not None and bool(self.begun) and self.key.digest(user_id) in self.begun

    def resurrected(self, ids: pd.Series) -> int:
        """How many different users in a column of ids were erased before: 0 where all is well."""
        return len(self._found(ids, self.finished))

    def left_out(self, tables: Tables) -> Tables:
        """`tables` without the rows of erased people, and a note that says how many they were.

        Where nobody was erased these are the tables that were handed in.
        """
        if not self.begun:
            return tables
        people: set[str] = set()
        kept = {}
        for contract in (USERS, INTERACTIONS):
            frame = tables.table(contract.name)
            theirs = np.zeros(len(frame), dtype=bool)
            for column in (n.USER_ID, n.raw(n.USER_ID)):
                if column in frame.columns:
                    found = self._found(frame[column], self.begun)
                    theirs |= _rows(frame[column], found)
                    people.update(found.values())
            kept[contract.name] = frame[~theirs].reset_index(drop=True) if theirs.any() else frame
        if not people:
            return tables
        whom = "an erased user" if len(people) == 1 else f"{len(people):,} erased users"
        return replace(
            tables,
            users=kept[USERS.name],
            interactions=kept[INTERACTIONS.name],
            notes=(*tables.notes, f"rows of {whom} left out"),
        )

    def _found(self, ids: pd.Series, digests: frozenset[str]) -> dict[object, str]:
        """The ids of a column that have one of the digests, with it."""
        if self.key is None or not digests:
            return {}
        return self.key.known(pd.Index(ids.dropna().unique()), digests)


@dataclass(frozen=True)
class LeavingOut:
    """A `Source` without the rows of erased people.

    Attributes:
        source: what is read.
        gone: says who was erased; asked at each reading.
    """

    source: Source
    gone: Callable[[], Gone]

    @property
    def description(self) -> str:
        """See `Source`."""
        return self.source.description

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """See `Source`; the time of an erased person's event counts too."""
        return self.source.newest_event(not_after)

    def read(self, as_of: pd.Timestamp | None) -> Tables:
        """See `Source`."""
        return self.gone().left_out(self.source.read(as_of))

    def fingerprint(self) -> str:
        """See `Source`."""
        return self.source.fingerprint()


NOBODY: Final = Gone()
"""Where nobody was erased."""


def _rows(ids: pd.Series, found: dict[object, str]) -> npt.NDArray[np.bool_]:
    return np.asarray(ids.isin(list(found)), dtype=bool) if found else np.zeros(len(ids), bool)
