"""People: export and erasure for those who administer, and who was erased."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from recsys_pipeline.pipeline.privacy_gone import Gone
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.database import Database
from recsys_pipeline.storage.erasures import SqlErasureStore
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.privacy_door import privacy_of
from recsys_pipeline.storage.state import SqlStateStore


class PeopleDesk:
    """What the server knows and does about single people. Safe to use from several threads.

    Args:
        settings: of the installation.
        database: of events and erasures.
        releases: where releases lie.
        clock: seconds since 1970.

    Raises:
        SetupError: the key by which erased people are known is gone.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        releases: ReleaseStore,
        clock: Callable[[], float],
    ) -> None:
        self._erasures, self._clock = SqlErasureStore(database), clock
        self._privacy = privacy_of(
            settings, releases, SqlEventStore(database), self._erasures, SqlStateStore(database)
        )
        self.key = self._privacy.key
        """Key of the hashes by which erased people are known."""
        self.log_key = self._privacy.key.for_logs
        """Key of the pseudonyms in logs and caches, 32 bytes."""
        self._gone = self._read()

    def export(self, user_id: str) -> dict[str, Any]:
        """Everything held about a person."""
        return self._privacy.export(user_id, self._now())

    def erase(self, user_id: str) -> dict[str, Any]:
        """Remove a person; the receipt, or why it is not finished yet."""
        erased = self._privacy.erase(user_id, self._now())
        self.refresh()
        if erased.done:
            return dict(erased.receipt)
        return {"number": erased.number, "finished": False, "why": erased.why}

    def receipts(self) -> list[dict[str, Any]]:
        """Of all erasures, oldest first."""
        return self._privacy.receipts()

    def resume(self) -> int:
        """Finish erasures that were begun and not finished; how many were open.

        Raises:
            SetupError: a run is under way, which finishes them when it ends.
            RecsysError: a place cannot be written.
        """
        return len(self._privacy.resume(self._now()))

    def refresh(self) -> None:
        """Learn of those who were erased by others."""
        self._gone = self._read()

    def erased(self, user_id: str) -> bool:
        """Whether that person was erased: nothing is taken in of them any more."""
        return self._gone.holds(user_id)

    def _read(self) -> Gone:
        return Gone(self._privacy.key, frozenset(self._erasures.hashes()))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
