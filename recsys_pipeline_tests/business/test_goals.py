"""Goals: met, missed, or not to be told."""

import pytest

from recsys_pipeline.business.config import GoalsConfig
from recsys_pipeline.business.goals import Figure, from_json, goals, summary, to_json
from recsys_pipeline.errors import StorageError

CONFIG = GoalsConfig()
NAN = float("nan")


def status(name, *figure, config=CONFIG):
    found = {goal.name: goal for goal in goals(config, {name: Figure(*figure)})}
    return found[name].status


def test_the_seven_goals_of_the_start_are_there_and_unknown_at_first():
    found = goals(CONFIG, {})
    assert {goal.name: goal.target for goal in found} == {
        "click_through": 0.15,
        "watch_time": 0.20,
        "satisfaction": 4.2,
        "churn": 0.021,
        "response": 100.0,
        "availability": 0.999,
        "infrastructure": 50_000.0,
    }
    assert {goal.status for goal in found} == {"cannot tell"}
    assert all("cannot tell, as " in goal.sentence for goal in found)
    assert "2.50 %" in found[3].wanted


def test_a_time_beyond_what_can_be_told_is_missed_and_kept():
    for target, expected in ((100.0, "missed"), (9000.0, "cannot tell")):
        config = GoalsConfig(response_milliseconds=target)
        found = goals(config, {"response": Figure(5000.0, beyond=True)})
        (goal,) = [each for each in from_json(to_json(found)) if each.name == "response"]
        assert (goal.status, goal.value) == (expected, 5000.0)
        assert "more than 5,000 ms" in goal.sentence
        assert goal.shown("€") == "more than 5,000 ms"


@pytest.mark.parametrize(
    ("name", "figure", "expected"),
    [
        # more than
        ("click_through", (0.16, 0.151, 0.17), "met"),
        ("click_through", (0.16, 0.149, 0.17), "cannot tell"),
        ("click_through", (0.14, 0.13, 0.151), "cannot tell"),
        ("click_through", (0.14, 0.13, 0.149), "missed"),
        ("click_through", (0.15, 0.15, 0.15), "missed"),
        # at least
        ("watch_time", (0.25, 0.2, 0.3), "met"),
        ("watch_time", (-0.1, -0.2, 0.0), "missed"),
        # at most
        ("churn", (0.02, 0.019, 0.021), "met"),
        ("churn", (0.02, 0.019, 0.022), "cannot tell"),
        ("churn", (0.03, 0.022, 0.04), "missed"),
        # less than, exact
        ("response", (99.9,), "met"),
        ("response", (100.0,), "missed"),
        ("infrastructure", (146.1,), "met"),
        # nothing to judge by
        ("click_through", (0.5, NAN, NAN), "cannot tell"),
        ("click_through", (NAN, NAN, NAN), "cannot tell"),
    ],
)
def test_met_only_where_the_whole_interval_lies_beyond_the_target(name, figure, expected):
    assert status(name, *figure) == expected


def test_every_goal_says_its_figure():
    figures = {"churn": Figure(0.02, 0.019, 0.022), "response": Figure(11.2)}
    found = {goal.name: goal for goal in goals(CONFIG, figures)}
    assert found["churn"].sentence == (
        "Users who leave in a month, wanted at most 2.10 % (it was 2.50 %): cannot tell. The "
        "figure is 2.00 % (1.90 to 2.20 %): the target lies within the interval."
    )
    assert found["response"].sentence == (
        "Time of 99 of 100 answers, wanted less than 100 ms: met, with 11.2 ms."
    )


@pytest.mark.parametrize(
    "config", [GoalsConfig(satisfaction=None), GoalsConfig(left_out=("satisfaction",))]
)
def test_a_goal_without_a_target_is_none(config):
    found = goals(config, {"satisfaction": Figure(5.0)})
    assert "satisfaction" not in {goal.name for goal in found}
    assert len(found) == 6
    assert summary(()) == "No goals are set."


def test_a_figure_of_no_goal_is_refused():
    with pytest.raises(ValueError, match="no goal is called clicks"):
        goals(CONFIG, {"clicks": Figure(1.0)})


def test_goals_survive_their_file():
    found = goals(CONFIG, {"click_through": Figure(0.5, NAN, NAN), "response": Figure(11.2)})
    assert from_json(to_json(found)) == found


def test_a_broken_file_says_so():
    with pytest.raises(StorageError, match="The file of goals cannot be read"):
        from_json(b'[{"name": 1}]')
