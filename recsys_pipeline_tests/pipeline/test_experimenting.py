"""Experiments of the settings and those of people, side by side."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from recsys_pipeline.errors import SettingsError, StorageError
from recsys_pipeline.experiments.assignment import assign
from recsys_pipeline.experiments.config import ExperimentsConfig
from recsys_pipeline.pipeline.experimenting import (
    NOTHING,
    STATE_KEY,
    by_hand,
    experiment_of,
    experiments_of,
    recipes_wanted,
    releases_named,
    running,
    start,
    stop,
    stop_arm,
)
from recsys_pipeline.storage.memory_state import MemoryStateStore

MONDAY, TUESDAY, NEXT = date(2024, 1, 8), date(2024, 1, 9), date(2024, 1, 15)
EASE = {"primary": "ease"}


def fields(name, **more):
    arms = [{"name": "control"}, {"name": "new", "learning": EASE}]
    return {"name": name, "arms": arms, **more}


DECLARED = ExperimentsConfig.model_validate({"declared": [fields("shown")]})


@pytest.fixture
def state():
    return MemoryStateStore()


def names(plan):
    return [each.name for each in plan.running]


def test_without_a_state_store_there_are_those_of_the_settings():
    assert by_hand(None) == NOTHING
    assert names(running(DECLARED, NOTHING, MONDAY)) == ["shown"]


def test_one_that_is_over_already_is_not_started(state):
    with pytest.raises(SettingsError, match="ends lies before starts"):
        start(state, DECLARED, experiment_of(fields("more", ends=MONDAY)), TUESDAY)
    early = fields("more", starts=date(2024, 1, 1), ends=MONDAY)
    with pytest.raises(SettingsError, match="which is over"):
        start(state, DECLARED, experiment_of(early), TUESDAY)
    assert by_hand(state) == NOTHING


def test_one_started_by_hand_runs_from_its_day_on_after_the_declared(state):
    begun = start(state, DECLARED, experiment_of(fields("more")), TUESDAY)
    hand = by_hand(state)

    assert begun.starts == TUESDAY
    assert names(running(DECLARED, hand, MONDAY)) == ["shown"]
    assert names(running(DECLARED, hand, TUESDAY)) == ["shown", "more"]


def test_a_name_is_used_once(state):
    start(state, DECLARED, experiment_of(fields("more")), MONDAY)
    stop(state, DECLARED, "more", TUESDAY)
    for taken in ("more", "shown"):
        with pytest.raises(SettingsError, match=f"'{taken}'"):
            start(state, DECLARED, experiment_of(fields(taken)), TUESDAY)


def test_a_name_that_the_settings_declare_later_is_theirs(state):
    start(state, ExperimentsConfig(), experiment_of(fields("shown", share=0.5)), MONDAY)
    assert experiments_of(DECLARED, by_hand(state)) == DECLARED.declared
    assert names(running(DECLARED, by_hand(state), MONDAY)) == ["shown"]


def test_a_stopped_experiment_runs_no_more(state):
    stop(state, DECLARED, "shown", TUESDAY, "it is done")
    stop(state, DECLARED, "shown", NEXT, "again")
    hand = by_hand(state)

    assert hand.over_since("shown") == TUESDAY
    assert names(running(DECLARED, hand, TUESDAY)) == []
    assert recipes_wanted(DECLARED, hand, TUESDAY) == {}


def test_a_stopped_arm_keeps_its_users_with_the_recipe_of_the_control(state):
    before = running(DECLARED, NOTHING, MONDAY)
    stop_arm(state, DECLARED, "shown", "new", MONDAY, "fewer clicks")
    stop_arm(state, DECLARED, "shown", "new", NEXT)
    after = running(DECLARED, by_hand(state), MONDAY)

    assert by_hand(state).stopped_arms("shown") == ("new",)
    assert len(by_hand(state).stopped) == 1
    arms = {user: assign(user, before) for user in range(50)}
    assert {each.arm for each in arms.values()} == {"control", "new"}
    for user, was in arms.items():
        now = assign(user, after)
        assert (now.arm, now.recipe, now.release) == (was.arm, "", "")
    assert recipes_wanted(DECLARED, by_hand(state), MONDAY) == {}


@pytest.mark.parametrize(
    ("experiment", "arm", "message", "hint"),
    [
        ("shwon", "new", "no experiment 'shwon'", "'shown'"),
        ("shown", "nwe", "no arm 'nwe'", "'new'"),
        ("shown", "control", "control of experiment", "recsys experiment stop shown"),
    ],
)
def test_what_is_not_there_is_not_stopped(state, experiment, arm, message, hint):
    with pytest.raises(SettingsError, match=message) as refused:
        stop_arm(state, DECLARED, experiment, arm, MONDAY)
    assert hint in refused.value.hint
    assert by_hand(state) == NOTHING


def test_an_arm_that_left_the_settings_after_it_was_stopped_hurts_nobody(state):
    stop_arm(state, DECLARED, "shown", "new", MONDAY)
    swapped = {"name": "shown", "arms": [{"name": "new"}, {"name": "newer", "learning": EASE}]}
    config = ExperimentsConfig.model_validate({"declared": [swapped]})
    assert names(running(config, by_hand(state), MONDAY)) == ["shown"]


def test_arms_that_start_within_a_week_want_lists_already():
    config = ExperimentsConfig.model_validate({"declared": [fields("later", starts=NEXT)]})
    key = '{"primary":"ease"}'
    assert recipes_wanted(config, NOTHING, MONDAY) == {key: EASE}
    assert recipes_wanted(config, NOTHING, date(2024, 1, 7)) == {}
    assert recipes_wanted(config, NOTHING, MONDAY, ahead=0) == {}


def test_the_holdout_wants_lists_too():
    config = ExperimentsConfig(holdout=0.1)
    assert list(recipes_wanted(config, NOTHING, MONDAY)) == ['{"primary":"popularity"}']


def test_releases_that_arms_name_are_wanted_until_the_experiment_is_over(state):
    arms = [{"name": "control"}, {"name": "old", "release": "2024-01-01-aaaaaaaa"}]
    start(state, DECLARED, experiment_of(fields("fixed") | {"arms": arms}), MONDAY)
    assert releases_named(DECLARED, by_hand(state)) == {"2024-01-01-aaaaaaaa"}
    stop(state, DECLARED, "fixed", TUESDAY)
    assert releases_named(DECLARED, by_hand(state)) == frozenset()


def test_of_many_who_start_at_once_nobody_is_lost(state):
    def begin(number):
        return start(state, DECLARED, experiment_of(fields(f"trial-{number}")), MONDAY)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(begin, range(12)))
    assert {each.name for each in by_hand(state).started} == {f"trial-{i}" for i in range(12)}


def test_what_another_version_kept_is_named(state):
    state.put(STATE_KEY, '{"a_key_of_tomorrow": 1}')
    with pytest.raises(StorageError, match="another version"):
        by_hand(state)


def test_a_wrong_experiment_is_named_by_its_key():
    with pytest.raises(SettingsError, match=r"experiment: metric: .*click_through"):
        experiment_of(fields("more", metric="clickthrough"))
    with pytest.raises(SettingsError, match="permanent holdout"):
        experiment_of(fields("holdout"))
