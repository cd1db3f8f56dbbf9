"""From rows of user × week to what may be said."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError
from recsys_pipeline.evaluation.style import png_of
from recsys_pipeline.experiments import results
from recsys_pipeline.experiments.analysis import analyse, analyse_holdout
from recsys_pipeline.experiments.config import (
    HOLDOUT,
    ArmConfig,
    ExperimentConfig,
    ExperimentsConfig,
    GuardrailConfig,
)
from recsys_pipeline.experiments.participants import participants, rows_of, sums_of
from recsys_pipeline.experiments.planning import outlook
from recsys_pipeline.experiments.plots import arms_beside
from recsys_pipeline.experiments.results import ExperimentResult

MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
WEEK = pd.Timedelta(days=7)


def experiment(arms=("control", "new"), **rest):
    rest.setdefault("least_effect", 0.1)
    return ExperimentConfig(name="lists", arms=tuple(ArmConfig(name=a) for a in arms), **rest)


def row(user, week, arm="", *, name="lists", answers=1, clicks=0, minutes=0.0, days=1, **rest):
    return {
        n.USER_ID: user,
        n.WEEK: MONDAY + week * WEEK,
        n.SEGMENT: rest.get("segment", ""),
        n.EXPERIMENT: name if arm else "",
        n.ARM: arm,
        n.ANSWERS: answers,
        n.ANSWERS_CLICKED: min(answers, clicks),
        n.IMPRESSIONS: 10 * answers,
        n.CLICKS: clicks,
        n.WATCH_MINUTES: minutes,
        n.RATINGS: rest.get("ratings", 0),
        n.RATING_SUM: rest.get("stars", 0.0),
        n.ACTIVE_DAYS: days,
    }


def frame(*rows):
    return pd.DataFrame(list(rows))


def world(lifts, *, users=900, before=4, weeks=6, seed=0, arms=("control", "new"), share=None):
    """Users of two segments who click by their taste; arms change it by `lifts`."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(len(arms), users, p=share)
    taste = rng.beta(4, 16, users)
    user, week = np.nonzero(rng.random((users, before + weeks)) < 0.8)
    on = week >= before
    p = taste[user] * (1 + on * np.asarray(lifts)[arm[user]])
    answers = rng.integers(1, 4, len(user))
    clicks = rng.binomial(10 * answers, np.minimum(p, 0.95))
    names = np.asarray(arms, dtype=object)[arm[user]]
    return pd.DataFrame(
        {
            n.USER_ID: user + 5000,
            n.WEEK: MONDAY + pd.to_timedelta(7 * week, unit="D"),
            n.SEGMENT: np.where(user % 2, "young", "adult"),
            n.EXPERIMENT: np.where(on, "lists", ""),
            n.ARM: np.where(on, names, ""),
            n.ANSWERS: answers,
            n.IMPRESSIONS: 10 * answers,
            n.CLICKS: clicks,
            n.WATCH_MINUTES: 20.0 * clicks,
            n.ACTIVE_DAYS: 1 + (clicks > 3),
        }
    )


# ------------------------------------------------------------------ who counts, and for how much


def sums(rows, metric, arms=("control", "new"), **rest):
    of_rows = rows_of(frame(*rows), **rest)
    labels = pd.Index(arms).get_indexer(of_rows.texts(n.ARM)).astype(np.int64)
    of = participants(of_rows, labels)
    found = sums_of(metric, of)
    ids = pd.unique(of_rows.frame[n.USER_ID])
    return {
        str(ids[user]): (arms[of.arm[user]], y, m, x)
        for user, y, m, x in zip(found.user, found.y, found.m, found.x, strict=True)
    }


def test_weeks_without_rows_count_as_zeros():
    rows = [row("ann", 1, "new", clicks=4), row("bob", 0, "control", clicks=2), row("cid", 3)]
    assert sums(rows, "clicks") == {"ann": ("new", 4, 3, 0), "bob": ("control", 2, 4, 0)}
    assert sums(rows, "click_through") == {"ann": ("new", 4, 10, 0), "bob": ("control", 2, 10, 0)}


def test_a_user_stays_where_they_were_drawn():
    rows = [
        row("ann", 0, "new", clicks=1),
        row("ann", 1, "control", clicks=2),
        row("ann", 2, clicks=4),
        row("bob", 0, "control", answers=0),
        row("bob", 2, "new", clicks=8),
    ]
    assert sums(rows, "clicks") == {"ann": ("new", 7, 3, 0), "bob": ("new", 8, 1, 0)}


def test_who_returns_is_counted_over_pairs_of_weeks():
    rows = [
        *(row("ann", week, "new") for week in (0, 1, 3)),
        *(row("bob", week, "control") for week in (0, 1, 2, 3)),
        row("cid", 3, "control"),
        row("dee", 0, "new", days=0),
    ]
    found = sums(rows, "return_rate")
    assert {user: each[1:3] for user, each in found.items()} == {
        "ann": (1, 2),
        "bob": (3, 3),
        "cid": (0, 0),
        "dee": (0, 0),
    }


def test_the_covariate_is_what_a_user_did_per_week_before():
    """ann clicked 3 a week for two weeks, bob 1 once in two weeks, cid came with the experiment."""
    rows = [
        *(row("ann", week, clicks=3) for week in (0, 1)),
        row("bob", 0, clicks=1),
        *(row(user, 2, "new") for user in ("ann", "bob", "cid")),
    ]
    x = {user: each[3] for user, each in sums(rows, "clicks").items()}
    assert x == pytest.approx({"ann": 1.25, "bob": -1.25, "cid": 0})


def test_robots_and_later_weeks_are_left_out():
    rows = [row(7, 0, "new", clicks=2), row(8, 0, "control"), row(7, 1, "new", clicks=9)]
    assert list(sums(rows, "clicks", robots={"7"})) == ["8"]
    until = MONDAY + 2 * WEEK - pd.Timedelta(seconds=1)
    assert sums(rows, "clicks", until=until)["7"][1:3] == (2, 1)


@pytest.mark.parametrize("column", [n.USER_ID, n.WEEK, n.EXPERIMENT, n.ARM])
def test_a_missing_column_is_named(column):
    with pytest.raises(DataError, match=column):
        analyse(world((0, 0)).drop(columns=column), experiment())


def test_nothing_to_look_at_is_said():
    with pytest.raises(DataError, match="no row"):
        analyse(world((0, 0)).iloc[:0], experiment())


# ------------------------------------------------------------------ what is found


def test_a_better_arm_is_found_in_words():
    found = analyse(world((0, 0.5)), experiment())
    effect = found.effect("click_through", "new")
    assert (found.verdict, found.winner) == ("better", "new")
    assert effect.relative_low > 0.3
    assert effect.relative_low < 0.5 < effect.relative_high
    assert effect.cuped_correlation > 0.5
    assert effect.arm_mean == pytest.approx(0.3, abs=0.02)
    assert found.weeks == 6
    assert (found.started, found.looked_at) == ("2024-01-29", "2024-03-11")
    assert found.sentence.startswith("“new” is better than “control”: click-through is ")
    assert "users over 6 weeks. This holds although it is looked at every week." in found.sentence
    assert not found.to_stop
    assert {each.segment: each.differs for each in found.by_segment} == {
        "adult": True,
        "young": True,
    }
    assert {each.metric for each in found.effects} == {
        *("click_through", "clicks", "watch_minutes", "active_days", "return_rate")
    }


def test_a_worse_arm_is_to_be_stopped_and_then_is():
    weeks = world((0, -0.4))
    rails = (GuardrailConfig(metric="watch_minutes", most_loss=0.05),)
    found = analyse(weeks, experiment(guardrails=rails))
    assert (found.verdict, found.winner, found.to_stop) == ("worse", "", ("new",))
    broken = {rail.metric: rail for rail in found.guardrails if rail.broken}
    assert set(broken) == {"watch_minutes", "click_through"}
    assert broken["watch_minutes"].text.startswith("“new” loses more than 5 % of time watched")
    assert broken["click_through"].text.startswith("“new” does harm: click-through is ")
    assert "% lower (between " in found.sentence
    after = analyse(weeks, experiment(guardrails=rails), stopped=["new"])
    assert (after.verdict, after.to_stop) == ("stopped", ())
    assert after.sentence.startswith("Stopped:")


def test_an_arm_that_wins_by_what_must_not_be_lost_does_not_win():
    weeks = world((0, 0.5))
    weeks.loc[weeks[n.ARM] == "new", n.WATCH_MINUTES] *= 0.3
    rails = (GuardrailConfig(metric="watch_minutes"),)
    assert analyse(weeks, experiment()).verdict == "better"
    found = analyse(weeks, experiment(guardrails=rails))
    assert (found.verdict, found.to_stop) == ("worse", ("new",))
    assert "time watched per user and week" in found.sentence


def test_no_difference_is_told_from_none_worth_having():
    weeks = world((0, 0), users=3000)
    assert analyse(weeks, experiment(least_effect=0.15)).verdict == "equivalent"
    found = analyse(weeks, experiment(least_effect=0.01))
    assert found.verdict == "no difference yet"
    assert "A change of 1 % " in found.sentence
    early = analyse(weeks, experiment(), until=MONDAY + 3 * WEEK)
    assert (early.verdict, early.weeks, early.started) == ("no difference yet", 0, "")
    assert early.sentence.startswith("Too early to tell: 0 users")


def test_users_that_are_lost_in_one_arm_forbid_a_verdict():
    found = analyse(world((0, 0.5), share=[0.6, 0.4]), experiment())
    assert (found.verdict, found.winner, found.sample_ratio.broken) == ("broken", "", True)
    assert found.sentence.startswith("Nothing may be said: ")


def test_of_several_arms_the_best_wins_at_a_stricter_level():
    arms = ("control", "new", "other")
    weeks = world((0, 0.3, 0.6), arms=arms)
    found = analyse(weeks, experiment(arms))
    assert found.winner == "other"
    alone = analyse(weeks[weeks[n.ARM] != "other"], experiment()).effect("click_through", "new")
    both = found.effect("click_through", "new")
    assert both.high - both.low > alone.high - alone.low
    assert analyse(weeks, experiment(arms), stopped=["other"]).winner == "new"


def test_an_earlier_use_of_the_name_does_not_count():
    weeks = world((0, 0.5))
    found = analyse(weeks, experiment(starts=date(2024, 2, 19)))
    assert (found.started, found.weeks) == ("2024-02-19", 3)


def test_the_order_of_rows_is_nothing():
    weeks = world((0, 0.1))
    shuffled = weeks.sample(frac=1, random_state=1)
    before = weeks.copy()
    one, other = (analyse(each, experiment()).effects for each in (weeks, shuffled))
    for a, b in zip(one, other, strict=True):
        assert (a.metric, a.low, a.high) == (b.metric, pytest.approx(b.low), pytest.approx(b.high))
    pd.testing.assert_frame_equal(weeks, before)


def test_the_holdout_is_compared_with_everybody_else():
    weeks = world((0, 0.5), share=[0.2, 0.8])
    held = weeks[n.ARM] == "control"
    weeks[n.EXPERIMENT] = np.where(held, HOLDOUT, "")
    weeks[n.ARM] = np.where(held, HOLDOUT, "")
    found = analyse_holdout(weeks, ExperimentsConfig(holdout=0.2))
    assert found.arms == (HOLDOUT, "everybody else")
    assert (found.verdict, found.weeks) == ("better", 6)
    assert found.sentence.startswith("The recommendations help: outside of the holdout")
    assert not found.sample_ratio.broken
    with pytest.raises(DataError, match="no permanent holdout"):
        analyse_holdout(weeks, ExperimentsConfig())


@pytest.mark.parametrize("whole", [True, False])
def test_a_holdout_that_starts_within_a_week_is_counted_from_the_next(whole):
    weeks = world((0, 0.5), share=[0.2, 0.8])
    held = (weeks[n.ARM] == "control").to_numpy()
    first = (weeks[n.WEEK] == MONDAY + 4 * WEEK).to_numpy()
    if not whole:
        # The first answers of half of them came before it began: such rows tell no arm.
        held = held & ~(first & (weeks[n.USER_ID] % 2 == 0).to_numpy())
    weeks[n.EXPERIMENT] = np.where(held, HOLDOUT, "")
    weeks[n.ARM] = np.where(held, HOLDOUT, "")
    found = analyse_holdout(weeks, ExperimentsConfig(holdout=0.2))
    assert (found.verdict, found.weeks) == ("better", 6 if whole else 5)
    assert not found.sample_ratio.broken
    assert found.sample_ratio.counts[HOLDOUT] == weeks[held][n.USER_ID].nunique()


def test_orders_about_the_holdout_are_orders_that_can_be_followed():
    weeks = world((0, -0.4), share=[0.2, 0.8])
    held = weeks[n.ARM] == "control"
    weeks[n.EXPERIMENT] = weeks[n.ARM] = np.where(held, HOLDOUT, "")
    found = analyse_holdout(weeks, ExperimentsConfig(holdout=0.2))
    assert found.verdict == "worse"
    (rail,) = [each for each in found.guardrails if each.broken]
    assert rail.text.startswith("The recommendations do harm: ")
    assert "Stop this arm" not in rail.text
    broken = analyse_holdout(weeks, ExperimentsConfig(holdout=0.5))
    assert broken.verdict == "broken"
    assert "another `salt`" in broken.sentence


@pytest.mark.parametrize(
    "over",
    [
        {"experiment": experiment(ends=date(2024, 2, 11))},
        {"experiment": experiment(), "over_since": date(2024, 2, 14)},
    ],
)
def test_weeks_after_the_end_change_nothing(over):
    weeks = world((0, 0.5))
    later = weeks[n.WEEK] >= MONDAY + 6 * WEEK
    spoilt = weeks.assign(**{n.CLICKS: weeks[n.CLICKS].where(~later, 0)})
    then = analyse(weeks[~later], experiment())
    for until in (None, MONDAY + 10 * WEEK):
        found = analyse(spoilt, until=until, **over)
        assert (found.effects, found.weeks) == (then.effects, 2)
        assert found.looked_at == then.looked_at == "2024-02-12"
        assert found.over in ("2024-02-12", "2024-02-14")
    running = analyse(spoilt, until=MONDAY + 6 * WEEK - pd.Timedelta(days=1), **over)
    assert running.over == ""


def test_what_is_over_asks_for_nothing():
    weeks = world((0, -0.4))
    found = analyse(weeks, experiment(ends=date(2024, 2, 11)))
    assert (found.verdict, found.to_stop) == ("worse", ())
    assert found.sentence.endswith("Keep the control.")
    few = analyse(world((0, 0)), experiment(ends=date(2024, 2, 4), least_effect=0.001))
    assert "It is over" in few.sentence
    assert "Let it run" not in few.sentence


def test_figures_of_fewer_than_twenty_users_are_not_told():
    weeks = world((0, 0.2), users=300)
    few = weeks[n.USER_ID] >= 5000 + 270
    weeks[n.SEGMENT] = np.where(few, "rare", weeks[n.SEGMENT])
    assert {each.segment for each in analyse(weeks, experiment()).by_segment} == {"young", "adult"}
    tiny = world((0, -0.6, -0.6), arms=("control", "a", "b"), share=[0.5, 0.49, 0.01])
    found = analyse(tiny, experiment(("control", "a", "b")))
    assert {each.arm for each in found.effects} == {"a"}
    assert found.verdict in ("no difference yet", "broken")


def test_what_decides_needs_no_guardrail():
    with pytest.raises(ValueError, match="click_through decides"):
        experiment(guardrails=(GuardrailConfig(metric="click_through"),))


def test_results_go_through_json_and_name_nobody():
    weeks = world((0, 0.2))
    weeks[n.USER_ID] = "person-" + weeks[n.USER_ID].astype(str)
    found = (analyse(weeks, experiment()), analyse(weeks, experiment(), until=MONDAY + 3 * WEEK))
    text = results.to_json(found)
    again = results.from_json(text)
    assert results.to_json(again) == text
    assert ExperimentResult.from_json(found[0].to_json()).effects == found[0].effects
    assert "person" not in text


# ------------------------------------------------------------------ before the start, and pictures


def test_more_users_and_larger_effects_need_less_time():
    weeks = world((0, 0), users=2000, before=12, weeks=0)
    ahead = outlook(weeks, experiment(least_effect=0.05))
    assert ahead.baseline == pytest.approx(0.2, abs=0.01)
    assert ahead.cuped_correlation > 0.5
    assert ahead.detectable(2) > ahead.detectable(8) > 0
    least = ahead.detectable(4)
    at_four = outlook(weeks, experiment(least_effect=least))
    assert at_four.weeks_needed in (4, 5)
    assert outlook(weeks, experiment(least_effect=2 * least)).weeks_needed < 4
    assert outlook(weeks, experiment(least_effect=2 * least), holdout=0.5).detectable(
        4
    ) == pytest.approx(least * np.sqrt(2), rel=0.1)
    assert np.isnan(outlook(weeks, experiment(least_effect=1e-4)).weeks_needed)
    with pytest.raises(DataError, match="too little to plan"):
        outlook(weeks[weeks[n.USER_ID] < 5050], experiment())


def test_the_weeks_of_the_experiment_itself_do_not_plan_it():
    weeks = world((0, 0.9), users=2000, before=8, weeks=4)
    before = weeks[weeks[n.EXPERIMENT] == ""]
    assert outlook(weeks, experiment()) == outlook(before, experiment())
    ends = experiment(starts=date(2024, 2, 26), ends=date(2024, 3, 24))
    planned = outlook(weeks, ends).planned(2)
    assert planned.weeks == 2
    assert planned.detectable == outlook(weeks, ends).detectable(4)


def test_pictures_are_drawn_whatever_is_known():
    weeks = world((0, 0.3, -0.1), arms=("control", "new", "other"))
    each = experiment(("control", "new", "other"))
    looks = [analyse(weeks, each, until=MONDAY + (4 + look) * WEEK) for look in range(7)]
    beside = arms_beside(looks[-1])
    assert beside.axes[0].get_yticklabels()[0].get_text() == "click-through (decides)"
    for made in (beside, arms_beside(looks[0])):
        assert png_of(made).startswith(b"\x89PNG")
