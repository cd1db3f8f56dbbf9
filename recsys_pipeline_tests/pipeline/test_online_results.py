"""Which experiments a week tells of, and which of them still ask for something."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.assignment import plan_of
from recsys_pipeline.experiments.config import ExperimentConfig, ExperimentsConfig
from recsys_pipeline.experiments.results import Guardrail
from recsys_pipeline.pipeline.experimenting import NOTHING, ByHand, Stopped
from recsys_pipeline.pipeline.online_week import Experiments, _broken, results_of

MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
WEEK = pd.Timedelta(days=7)


def weeks_of(number):
    """One week of 100 users, of whom every other one is in the new arm."""
    arms = ["control", "new"] * 50
    return pd.DataFrame(
        {
            n.USER_ID: range(100),
            n.WEEK: MONDAY + number * WEEK,
            n.EXPERIMENT: "trial",
            n.ARM: arms,
            n.ANSWERS: 1,
            n.IMPRESSIONS: 10,
            n.CLICKS: [user % 7 for user in range(100)],
        }
    )


def told(hand=NOTHING, ends=None):
    trial = ExperimentConfig.model_validate(
        {"name": "trial", "arms": [{"name": "control"}, {"name": "new"}], "ends": ends}
    )
    config = ExperimentsConfig(declared=(trial,))
    experiments = Experiments(config, hand, plan_of(config, date(2024, 1, 22)))
    rows = [weeks_of(number) for number in range(3)]
    return results_of(rows, experiments, MONDAY + 3 * WEEK, set())


def stopped_on(day):
    return ByHand(stopped=(Stopped(experiment="trial", day=day),))


@pytest.mark.parametrize(
    ("over", "weeks", "since"),
    [
        ({}, 3, ""),
        ({"ends": date(2024, 1, 21)}, 3, "2024-01-22"),
        ({"ends": date(2024, 1, 20)}, 2, "2024-01-21"),
        ({"hand": stopped_on(date(2024, 1, 8))}, 1, "2024-01-08"),
    ],
)
def test_an_experiment_that_is_over_is_told_as_it_was_then(over, weeks, since):
    (found,) = told(**over)
    assert (found.weeks, found.over) == (weeks, since)


def test_one_that_was_over_within_its_first_week_is_not_told():
    assert told(hand=stopped_on(date(2024, 1, 7))) == ()


def test_only_an_arm_that_still_answers_does_harm():
    (found,) = told()
    harm = Guardrail("clicks", "new", 0.2, 0.05, True, "Fewer clicks.")
    harmful = replace(found, guardrails=(harm,))
    assert _broken([harmful]) == [("trial/new clicks", "Fewer clicks.")]
    assert not _broken([replace(harmful, stopped=("new",)), replace(harmful, over="2024-01-08")])
