"""A small half year by the real pipeline: releases, arms, figures, and the same again."""

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import ACTIONS, IMPRESSIONS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.half_year.config import CONTROL, EXPERIMENT, TREATMENT
from recsys_pipeline.half_year.facts import facts_of, week_facts_of
from recsys_pipeline.half_year.loops import WITH, WITHOUT, WORLD, feedback_loops
from recsys_pipeline.half_year.record import ARM, EVERYBODY
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.pipeline.reports import ALARMS, EXPERIMENTS, FIGURES, GOALS, IMPACT, PROFILE
from recsys_pipeline.reporting.facts import WATCHED
from recsys_pipeline.reporting.half_year import half_year_report
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.weekly import weekly_report
from recsys_pipeline_tests.half_year.conftest import Lived, plain_doors


def test_each_week_is_a_release_and_a_report(lived):
    releases = [week.week.in_service.release for week, _ in lived.weeks]
    assert len(set(releases)) == lived.config.weeks
    assert len(lived.reports.weeks()) == lived.config.weeks
    for name in (FIGURES, ALARMS, EXPERIMENTS, GOALS, IMPACT, PROFILE):
        assert lived.reports.read(lived.found.week, name)


def test_what_was_shown_and_done_meets_the_contracts(lived):
    week, _ = lived.weeks[-1]
    for contract, frame in (
        (IMPRESSIONS, week.online.impressions),
        (ACTIONS, week.online.actions),
    ):
        assert set(frame.columns) >= set(contract.column_names)
        assert not frame.duplicated(list(contract.key)).any()


def test_people_are_shown_the_lists_of_their_arm(lived):
    """The first movies of each list, but those watched since, in their order."""
    week, _ = lived.weeks[-1]
    impressions = week.online.impressions
    first = impressions.sort_values(n.SHOWN_AT, kind="stable").drop_duplicates(n.USER_ID)
    whole = impressions[impressions[n.REQUEST_ID].isin(first[n.REQUEST_ID])]
    for user, shown in whole.groupby(n.USER_ID):
        listed = week.lists.items[user - 1] + 1
        places = [np.flatnonzero(listed == movie)[0] for movie in shown[n.MOVIE_ID]]
        assert places == sorted(places)
    popular = impressions[impressions[n.ARM] == CONTROL]
    personal = impressions[impressions[n.ARM] == TREATMENT]
    assert popular[n.RELEASE].nunique() == personal[n.RELEASE].nunique() == 1
    assert popular[n.RELEASE].iloc[0] != personal[n.RELEASE].iloc[0]
    assert not popular[n.PERSONAL].any()
    assert personal[n.PERSONAL].all()


def test_nobody_changes_arms(lived):
    arms = [pd.Series(week.lists.labels.arm) for week, _ in lived.weeks[lived.config.before :]]
    for later in arms[1:]:
        pd.testing.assert_series_equal(later[: len(arms[0])], arms[0], check_names=False)


def test_personal_lists_are_clicked_more_and_shuffled_ones_are_not(lived, shuffled):
    effect = lived.found.experiment.effect(names.CLICK_THROUGH, TREATMENT)
    assert effect.low > 0
    assert lived.found.experiment.verdict == "better"
    placebo = shuffled.found.experiment.effect(names.CLICK_THROUGH, TREATMENT)
    assert placebo.low < 0


def test_before_the_experiment_everybody_gets_popular_movies(lived):
    for week, review in lived.weeks[: lived.config.before]:
        assert week.week.made.trained.facts.chosen == "popularity"
        assert EXPERIMENT not in set(week.online.user_weeks[n.EXPERIMENT])
        assert not any(result.name == EXPERIMENT for result in review.experiments)


def test_the_same_seed_gives_the_same_figures(lived, tmp_path):
    again = Lived(tmp_path, weeks=3)
    for (_, first), (_, second) in zip(lived.weeks, again.weeks, strict=False):
        pd.testing.assert_frame_equal(first.figures, second.figures)
        assert first.profile.to_json() == second.profile.to_json()
    week = again.found.week
    assert lived.reports.read(week, IMPACT) == again.reports.read(week, IMPACT)


def test_the_reports_say_what_was_found(lived, shuffled):
    loops = pd.DataFrame(
        {
            WORLD: [WITH, WITHOUT],
            names.METRIC: [names.CONCENTRATION] * 2,
            n.WEEK: [1, 1],
            names.VALUE: [0.8, 0.9],
        }
    )
    placebo = shuffled.found.experiment
    facts = facts_of(lived.found, lived.config, "recsys simulate", loops, placebo, "€")
    page = html(half_year_report(facts))
    assert "recsys simulate" in page
    assert "measured" in page
    weekly = html(weekly_report(week_facts_of(lived.found, "€")))
    assert lived.found.week in weekly


def test_figures_by_arm_cover_every_week(lived):
    rows = lived.found.record.by_arm()
    clicks = rows[rows[names.METRIC] == names.CLICK_THROUGH]
    assert set(clicks[clicks[ARM] == EVERYBODY][n.WEEK]) == {1, 2}
    assert set(clicks[clicks[ARM] == TREATMENT][n.WEEK]) == {3, 4, 5, 6}
    left = rows[rows[names.METRIC] == names.CHURN_RATE]
    assert ((left[names.LOW] <= left[names.VALUE]) & (left[names.VALUE] <= left[names.HIGH])).all()


def test_without_exploration_what_is_watched_is_more_concentrated(lived):
    config = lived.config.model_copy(update={"loop_users": 300, "weeks": 2})
    loops = feedback_loops(config, plain_doors, MonitoringConfig())
    last = loops[(loops[names.METRIC] == WATCHED) & (loops[n.WEEK] == 2)]
    value = last.set_index(WORLD)[names.VALUE]
    assert value[WITHOUT] > value[WITH]
