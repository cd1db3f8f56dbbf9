"""Arms in the weekly run: releases beside the one in service, and what keeps them."""

from dataclasses import replace

import dagster as dg
import pytest

from recsys_pipeline.defs.privacy_assets import _removed
from recsys_pipeline.experiments.config import ExperimentsConfig
from recsys_pipeline.pipeline.experimenting import experiment_of, start
from recsys_pipeline.storage.memory_answer_hours import MemoryAnswerHours
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.memory_state import MemoryStateStore
from recsys_pipeline.storage.online_door import Online

POPULAR = '{"primary":"popularity"}'


@pytest.fixture
def installation(install):
    made = install("arms")
    arms = [{"name": "control"}, {"name": "popular", "learning": {"primary": "popularity"}}]
    declared = [{"name": "first", "arms": arms}]
    config = ExperimentsConfig.model_validate({"declared": declared})
    settings = made.settings.model_copy(update={"experiments": config})
    return replace(made, settings=settings)


def test_a_run_makes_lists_for_arms_and_serves_what_it_would_anyway(installation):
    with dg.DagsterInstance.ephemeral() as instance:
        result = installation.run(instance=instance)

    pointer = installation.fakes.store.pointer()
    assert pointer.release == result.release["release"]
    assert list(pointer.arms) == [POPULAR]
    manifest = installation.fakes.store.manifest(pointer.arms[POPULAR])
    assert (manifest.recommender, manifest.orchestrator_run) == ("popularity", result.run_id)
    assert (result.metadata["arm_lists"]["recipes"], result.metadata["arm_lists"]["fresh"]) == (
        1,
        1,
    )


def test_experiments_started_by_hand_count_too(install):
    made, state = install("hand"), MemoryStateStore()
    result = made.run()
    assert result.metadata["arm_lists"] == {"recipes": 0}
    assert made.fakes.store.releases() == [result.release["release"]]

    arms = [{"name": "control"}, {"name": "popular", "learning": {"primary": "popularity"}}]
    begun = experiment_of({"name": "mine", "arms": arms, "starts": "2023-01-01"})
    start(state, made.settings.experiments, begun, begun.starts)
    made.fakes.online = Online(MemoryEventStore(), state, MemoryAnswerHours())
    made.run()

    assert list(made.fakes.store.pointer().arms) == [POPULAR]


def test_releases_that_arms_name_are_kept(installation):
    named = "2023-01-01-aaaaaaaa"
    arms = [{"name": "control"}, {"name": "old", "release": named}]
    experiments = ExperimentsConfig.model_validate({"declared": [{"name": "x", "arms": arms}]})
    kept = []

    class Store:
        def prune(self, keep, always=()):
            kept.append(always)
            return []

        def current(self):
            return None

    class Doors:
        settings = installation.settings.model_copy(update={"experiments": experiments})
        store, week, privacy, online, started = Store(), None, None, None, ""

    _removed(Doors())
    assert kept == [{named}]
