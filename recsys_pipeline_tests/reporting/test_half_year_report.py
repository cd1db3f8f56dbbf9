"""The report of the simulated half year."""

import dataclasses

import pytest

from recsys_pipeline.monitoring import names as m
from recsys_pipeline.reporting.half_year import half_year_report
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.markdown import markdown


@pytest.fixture(scope="module")
def document(half_year):
    return half_year_report(half_year)


@pytest.fixture(scope="module")
def text(document):
    return markdown(document).replace("\\", "")


def bare(half_year, **other):
    """Without whatever may be left out, and without anything to be drawn."""
    names = (
        *("before_after", "loops", "experiment", "shuffled", "goals", "impact"),
        *("agreement", "alarms", "releases", "seconds"),
    )
    kept = {**dict.fromkeys(names), "figures": half_year.figures.iloc[:0], **other}
    return dataclasses.replace(half_year, **kept)


def test_it_says_whether_the_recommendations_help(text):
    assert (
        "**Click-through with the recommender: +21.0 % (+18.0 to +24.0 %) against the control. "
        "The recommendations help.**"
    ) in text
    assert "With the same lists shuffled among users" in text


def test_the_last_week_of_each_arm_is_in_the_table(text, half_year):
    rows = half_year.figures
    last = rows[(rows[m.METRIC] == m.CLICK_THROUGH) & (rows["week"] == 26)]
    control, new = last.set_index(m.ARM)[m.VALUE][["control", "new"]]
    line = next(line for line in text.splitlines() if line.startswith("| Click-through | 11"))
    assert line == (
        f"| Click-through | {100 * control:.1f} % (10.6 to 11.4 %) "
        f"| {100 * new:.1f} % (12.2 to 13.0 %) |"
    )


def test_before_and_after_with_intervals(text):
    assert (
        "| Click-through | 11.0 % | 10.0 to 12.0 % | 16.0 % | 15.0 to 17.0 % | +5.00 points | "
        "+4.00 to +6.00 points |"
    ) in text


def test_feedback_loops_are_told_for_both_worlds(text):
    assert "with exploration: 0.60 in the first week, 0.60 in the last" in text
    assert "without exploration: 0.61 in the first week, 0.69 in the last" in text


def test_the_rule_and_the_command_are_there(text, half_year):
    assert all(sentence in text for sentence in half_year.choice_rule)
    assert f"```\n{half_year.command}\n```" in text


@pytest.mark.parametrize(("low", "high", "said"), [(-9, -1, "do harm"), (-1, 9, "cannot be told")])
def test_the_verdict_is_no_better_than_the_interval(half_year, low, high, said):
    effect = dataclasses.replace(half_year.experiment.effects[0], low=low, high=high)
    result = dataclasses.replace(half_year.experiment, effects=(effect,))
    lines = markdown(half_year_report(bare(half_year, experiment=result))).splitlines()
    assert said in lines[6]


def test_parts_that_were_not_simulated_are_said_to_be_missing(half_year):
    text = markdown(half_year_report(bare(half_year)))
    assert "Only one world was simulated" in text
    assert "No experiment was analysed" in text
    assert "minutes" not in text


def test_the_page_holds_all_pictures(document):
    names = [each.name for each in document.pictures]
    assert names == [
        *("weeks", "experiment", "shuffled", "loops"),
        *("goals", "result", "tornado", "offline-online"),
    ]
    assert html(document).count("<img ") == len(names)
