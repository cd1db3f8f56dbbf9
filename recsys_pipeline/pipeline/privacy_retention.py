"""Retention: what is older than the settings say is removed, by every weekly run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.serving_config import PrivacyConfig


class Weeks(Protocol):
    """The tables between the steps, by week."""

    def prune(self, weeks: int, always: Collection[str] = ()) -> int:
        """Remove all but the newest weeks and those named; how many."""
        ...


@dataclass(frozen=True)
class Retention:
    """Where old things lie.

    Attributes:
        releases: the release store.
        weeks: tables between the steps.
        events: events and answers; None where there are none.
    """

    releases: ReleaseStore
    weeks: Weeks
    events: EventStore | None

    def apply(
        self,
        config: PrivacyConfig,
        now: datetime | None,
        weeks: Collection[str],
        named: Collection[str] = (),
    ) -> Mapping[str, int]:
        """Remove what is old; how much, by kind.

        Events and answers age by the clock: a replay of an old week takes away no more than any
        other run. Releases and weeks age by how many newer ones there are.

        Args:
            config: how long each is kept.
            now: when the run started, UTC; None removes no event.
            weeks: those that stay whatever their age: of this run, and of what is in service.
            named: releases that stay whatever their age, such as those that arms name.

        Raises:
            RecsysError: something cannot be removed.
        """
        removed = {"events": 0, "answers": 0, "releases": 0, "weeks": 0}
        if self.events is not None and now is not None:
            before = _before(now, config.events_days), _before(now, config.shown_days)
            gone = self.events.prune(*before)
            removed["events"], removed["answers"] = gone.get("events", 0), gone.get("shown", 0)
        if config.releases is not None:
            removed["releases"] = len(self.releases.prune(config.releases, named))
        if config.weeks is not None:
            removed["weeks"] = self.weeks.prune(config.weeks, weeks)
        return removed


def _before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)
