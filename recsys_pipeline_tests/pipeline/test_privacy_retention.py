"""Retention: what goes, and what stays whatever its age."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recsys_pipeline.pipeline.online import Event, Shown
from recsys_pipeline.pipeline.privacy_retention import Retention
from recsys_pipeline.pipeline.serving_config import PrivacyConfig
from recsys_pipeline.storage.memory_events import MemoryEventStore

NOW = datetime(2024, 5, 6, tzinfo=UTC)


@dataclass
class Kept:
    """Stands for the release store and for the weeks: says what it was asked."""

    asked: list = field(default_factory=list)

    def prune(self, keep, always=()):
        self.asked.append((keep, set(always)))
        return ["a", "b"] if keep == 3 else 4


def events(*ages: int) -> MemoryEventStore:
    store = MemoryEventStore()
    for age in ages:
        at = NOW - timedelta(days=age)
        store.add_events([Event(f"e{age}", "u", "m", "view", at, at)])
        store.add_shown([Shown(f"s{age}", "u", at, "r", "stored", "[]")])
    return store


def test_each_kind_by_its_own_age():
    store, releases, weeks = events(1, 20, 40), Kept(), Kept()
    config = PrivacyConfig(events_days=30, shown_days=10, releases=3, weeks=5)

    removed = Retention(releases, weeks, store).apply(config, NOW, {"2024-04-29"})

    assert removed == {"events": 1, "answers": 2, "releases": 2, "weeks": 4}
    assert [each.event_id for each in store.events_of("u")] == ["e20", "e1"]
    assert [each.request_id for each in store.shown_to("u")] == ["s1"]
    assert releases.asked == [(3, set())]
    assert weeks.asked == [(5, {"2024-04-29"})]


def test_no_value_keeps_everything():
    store, releases, weeks = events(1, 4_000), Kept(), Kept()
    config = PrivacyConfig(events_days=None, shown_days=None, releases=None, weeks=None)

    removed = Retention(releases, weeks, store).apply(config, NOW, ())

    assert removed == {"events": 0, "answers": 0, "releases": 0, "weeks": 0}
    assert len(store.events_of("u")) == 2
    assert releases.asked == weeks.asked == []


def test_without_a_database_or_a_time_no_event_is_touched():
    store = events(4_000)
    config = PrivacyConfig(releases=None, weeks=None)

    Retention(Kept(), Kept(), None).apply(config, NOW, ())
    Retention(Kept(), Kept(), store).apply(config, None, ())

    assert len(store.events_of("u")) == 1
