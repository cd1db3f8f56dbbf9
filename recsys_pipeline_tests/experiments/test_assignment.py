"""Who is in which arm: sticky, shared out as declared, moved as little as can be."""

from datetime import date

import numpy as np
import pytest

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.experiments.assignment import (
    NONE,
    WHOLE,
    Assignment,
    assign,
    assign_all,
    plan_of,
    recipe_key,
)
from recsys_pipeline.experiments.config import (
    HOLDOUT,
    ArmConfig,
    EligibleConfig,
    ExperimentConfig,
    ExperimentsConfig,
)

DAY = date(2024, 3, 4)
USERS = np.arange(8_000)


def experiment(name="lists", weights=(1.0, 1.0), **rest):
    arms = [ArmConfig(name="control", weight=weights[0])]
    arms += [
        ArmConfig(name=f"arm{i}", weight=weight, learning={"primary": f"model{i}"})
        for i, weight in enumerate(weights[1:], 1)
    ]
    return ExperimentConfig(name=name, arms=tuple(arms), **rest)


def plan(*declared, day=DAY, holdout=0.0, **rest):
    return plan_of(ExperimentsConfig(declared=declared, holdout=holdout), day, **rest)


def arms_of(made, users=USERS):
    return np.array([f"{each.experiment}/{each.arm}" for each in assign_all(users, made)])


def test_an_assignment_is_for_ever():
    """Users would move if the hash ever changed: these are what it says."""
    made = plan(experiment(share=0.8), holdout=0.2)
    assert arms_of(made, ["ann", "bob", "cid", "dee", "eve", "fay", "gus", "hal"]).tolist() == [
        "lists/control",
        "lists/arm1",
        "lists/arm1",
        "lists/control",
        "lists/arm1",
        "lists/arm1",
        "holdout/holdout",
        "lists/control",
    ]


def test_one_user_is_one_text():
    made = plan(experiment())
    assert len({assign(each, made) for each in (7, "7", " 7", "7 ", np.int64(7))}) == 1


def test_strange_ids_are_assigned():
    made = plan(experiment())
    assert all(assign(each, made).arm for each in ("", "é", "\ud800", "x" * 10_000, None))


def test_many_are_assigned_as_one_by_one():
    made = plan(
        experiment(eligible=EligibleConfig(segments=("young",), min_history=3)),
        experiment("second", (1, 2, 3)),
        holdout=0.1,
    )
    segments = np.where(USERS % 3 == 0, "young", "adult")
    histories = USERS % 5
    assert assign_all(USERS, made, segments=segments, histories=histories) == [
        assign(int(u), made, segment=str(s), history=int(h))
        for u, s, h in zip(USERS, segments, histories, strict=True)
    ]


def test_users_are_shared_out_as_declared():
    made = plan(experiment(weights=(1, 2, 1), share=0.5), experiment("second"), holdout=0.1)
    names, counts = np.unique(arms_of(made), return_counts=True)
    shares = dict(zip(names.tolist(), (counts / len(USERS)).tolist(), strict=True))
    expected = {
        "holdout/holdout": 0.1,
        "lists/control": 0.1125,
        "lists/arm1": 0.225,
        "lists/arm2": 0.1125,
        "second/control": 0.225,
        "second/arm1": 0.225,
    }
    assert shares == pytest.approx(expected, abs=0.02)


def test_draws_do_not_hang_together():
    """Whoever is in the first experiment's arm is not likelier to be in the second's."""
    first, second = (arms_of(plan(experiment(name))) for name in ("lists", "second"))
    both = np.mean(np.char.endswith(first, "arm1") & np.char.endswith(second, "arm1"))
    assert both == pytest.approx(0.25, abs=0.02)


def test_the_holdout_is_kept_whatever_is_declared_and_only_grows():
    small = arms_of(plan(holdout=0.05)) == "holdout/holdout"
    large = arms_of(plan(experiment(), day=date(2025, 1, 1), holdout=0.2)) == "holdout/holdout"
    assert small.sum() < large.sum()
    assert large[small].all()
    assert assign(USERS[small][0], plan(holdout=0.05)) == Assignment(
        HOLDOUT, HOLDOUT, "", recipe_key({"primary": "popularity"})
    )


def test_a_larger_share_keeps_those_who_are_in():
    before, after = (arms_of(plan(experiment(share=share))) for share in (0.3, 0.6))
    inside = before != "/"
    assert (after[inside] == before[inside]).all()
    assert (after != "/").mean() == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("before", "after", "into"),
    [((1, 1, 1), (1, 3, 1), "arm1"), ((1, 1), (1, 1, 1), "arm2"), ((2, 2, 2), (2, 1, 2), "")],
)
def test_a_changed_weight_moves_users_one_way_only(before, after, into):
    was, now = (arms_of(plan(experiment(weights=weights))) for weights in (before, after))
    moved = was != now
    assert 0 < moved.mean() < 0.35
    if into:
        assert (now[moved] == f"lists/{into}").all()
    else:
        assert (was[moved] == "lists/arm1").all()


def test_a_user_is_in_the_first_experiment_that_they_fit():
    young = experiment(eligible=EligibleConfig(segments=("young",)))
    long = experiment("long", eligible=EligibleConfig(min_history=10))
    made = plan(young, long)
    assert assign(1, made, segment="young").experiment == "lists"
    assert assign(1, made, segment="senior", history=10).experiment == "long"
    assert assign(1, made, history=9) == NONE
    assert assign(1, made) == NONE


@pytest.mark.parametrize(
    ("day", "runs"),
    [((2024, 2, 29), False), ((2024, 3, 1), True), ((2024, 3, 9), True), ((2024, 3, 10), False)],
)
def test_first_and_last_day_count(day, runs):
    each = experiment(starts=date(2024, 3, 1), ends=date(2024, 3, 9))
    made = plan(each, day=date(*day))
    assert (assign(1, made) != NONE) is runs
    assert made.empty is not runs


def test_a_stopped_arm_keeps_its_users_and_answers_with_the_control():
    before = assign_all(USERS, plan(experiment(weights=(1, 1, 1))))
    made = plan(experiment(weights=(1, 1, 1)), stopped=[("lists", "arm1")])
    after = assign_all(USERS, made)
    assert [each.arm for each in after] == [each.arm for each in before]
    assert {each.recipe for each in after if each.arm == "arm1"} == {""}
    assert {each.recipe for each in after if each.arm == "arm2"} == {'{"primary":"model2"}'}
    assert list(made.recipes()) == ['{"primary":"model2"}']


def test_a_stopped_experiment_is_over():
    made = plan(experiment(), stopped=[("lists", WHOLE)])
    assert made.empty
    assert assign_all([1, 2], made) == [NONE, NONE]


def test_started_by_hand_comes_after_what_is_declared():
    declared = plan(experiment(share=0.5))
    both = plan(experiment(share=0.5), started=[experiment("hand")])
    before, after = arms_of(declared), arms_of(both)
    inside = before != "/"
    assert (after[inside] == before[inside]).all()
    assert np.char.startswith(after[~inside], "hand/").all()


@pytest.mark.parametrize(
    ("rest", "match"),
    [
        ({"started": [experiment()]}, "two experiments are called 'lists'"),
        ({"stopped": [("lists", "control")]}, "'control' is its control"),
        ({"stopped": [("lists", "nobody")]}, "has no arm 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused(rest, match):
    with pytest.raises(SettingsError, match=match):
        plan(experiment(), **rest)


def test_equal_recipes_have_one_release():
    arms = (
        ArmConfig(name="control"),
        ArmConfig(name="a", learning={"primary": "ease", "reranking": {"diversity": 0.1, "k": 2}}),
        ArmConfig(name="b", learning={"reranking": {"k": 2, "diversity": 0.1}, "primary": "ease"}),
        ArmConfig(name="c", release="2024-01-01"),
    )
    made = plan(ExperimentConfig(name="lists", arms=arms), holdout=0.01)
    (of_holdout, of_both) = made.recipes()
    assert of_holdout == recipe_key({"primary": "popularity"})
    found = {each.arm: each for each in assign_all(USERS, made)}
    assert found["a"].recipe == found["b"].recipe == of_both
    releases = {of_both: "arm-1"}
    assert [found[arm].answered_by(releases) for arm in ("control", "a", "b", "c")] == [
        "",
        "arm-1",
        "arm-1",
        "2024-01-01",
    ]
    assert found["holdout"].answered_by(releases) is None
