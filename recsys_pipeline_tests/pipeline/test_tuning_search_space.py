"""What tuning may change lies within what the settings allow."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.models import RECOMMENDERS
from recsys_pipeline.pipeline.config import GeneratorName, LearningConfig
from recsys_pipeline.pipeline.search_space import (
    HALF_LIFE,
    LOWEST_WEIGHT,
    SPACE,
    Numbers,
    Options,
    changed,
    knobs_of,
    knobs_of_likes,
    value_at,
)

ALL = [(name, key) for name, knobs in SPACE.items() for key in knobs]


def ends(knob: Numbers | Options) -> tuple[Any, ...]:
    if isinstance(knob, Options):
        return knob.values
    return knob.settled(knob.low), knob.settled(knob.high)


@pytest.mark.parametrize(("name", "key"), ALL)
def test_every_value_of_a_knob_is_a_valid_setting(name, key):
    knob, (_, config) = SPACE[name][key], RECOMMENDERS[name]

    for value in ends(knob):
        assert knob.holds(value)
        assert getattr(config.model_validate({key: value}), key) == value


def test_every_recommender_that_can_be_trained_can_be_tuned():
    assert set(SPACE) >= set(get_args(GeneratorName))
    for name in get_args(GeneratorName):
        for key in knobs_of(name):
            value_at(LearningConfig(), key)


@given(
    st.integers(1, 999),
    st.integers(0, 999),
    st.sampled_from([0.001, 1.0, 1_000.0]),
    st.floats(-1e7, 1e7, allow_nan=False),
    st.booleans(),
)
def test_a_settled_value_lies_in_the_range_and_stays(low, width, unit, value, whole):
    unit = max(unit, 1.0) if whole else unit
    knob = Numbers(low * unit, (low + width) * unit, whole=whole)

    settled = knob.settled(value)

    assert knob.holds(settled)
    assert knob.settled(settled) == pytest.approx(settled, rel=0.005)
    assert isinstance(settled, int if whole else float)
    if not whole and knob.low < settled < knob.high:
        assert knob.settled(settled) == settled
        assert settled == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize("value", ["auto", None, True, 0.5, 11])
def test_what_is_not_in_the_range(value):
    assert not Numbers(1, 10).holds(value)
    assert not Numbers(1, 100, whole=True).holds(2.5)


def test_a_change_leaves_everything_else_and_the_settings_themselves():
    before = LearningConfig()
    factors = value_at(before, "recommenders.als.factors")
    after = changed(before, {"recommenders.als.factors": 77, HALF_LIFE: 30.0})

    assert before == LearningConfig()
    assert value_at(after, "recommenders.als.factors") == 77
    assert value_at(after, HALF_LIFE) == 30
    back = changed(after, {"recommenders.als.factors": factors, HALF_LIFE: None})
    assert back == before


def test_weights_of_likes_are_varied_where_the_data_can_say_them(run, make_run, tables, as_of):
    labelled = knobs_of_likes(run.cuts.everything)
    rated = changed(run.learning, {"likes.positive": "all"})
    both = knobs_of_likes(make_run(tables, as_of, rated).cuts.everything)

    assert set(labelled) == {HALF_LIFE}
    assert set(both) == {HALF_LIFE, LOWEST_WEIGHT}
    days = [value for value in labelled[HALF_LIFE].values if value is not None]
    assert labelled[HALF_LIFE].values[0] is None
    assert days == sorted(days)
    assert days[-2] == pytest.approx(365, rel=0.1)
    for key, knob in both.items():
        for value in ends(knob):
            assert value_at(changed(rated, {key: value}), key) == value


def test_without_times_there_is_no_half_life(run):
    data = run.cuts.everything
    undated = replace(data, events=replace(data.events, time=None))
    assert knobs_of_likes(undated) == {}
