"""Who signs up and which movies appear, week by week."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import MOVIES, USERS, RuleContext, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import Life, LifeConfig, World, WorldConfig

WORLD = WorldConfig(users=500, movies=120, interactions=900)
LIFE = Life(LifeConfig(world=WORLD, joining=0.03, new_movies=4.0))
WEEK = pd.Timedelta(7, unit="D")


def test_week_nothing_is_the_end_of_the_first_year() -> None:
    world = World(WORLD)
    users, movies = LIFE.users(0), LIFE.movies(0)
    assert LIFE.ends(0) == pd.Timestamp("2024-01-01", tz="UTC")
    pd.testing.assert_frame_equal(users.drop(columns=n.SIGNUP_AT), world.users())
    pd.testing.assert_frame_equal(movies.drop(columns=n.AVAILABLE_FROM), world.movies())
    assert users[n.SIGNUP_AT].isna().all()
    assert movies[n.AVAILABLE_FROM].isna().all()
    pd.testing.assert_frame_equal(LIFE.history(), world.interactions())


def test_users_join_in_their_week_and_nobody_moves() -> None:
    before, after = LIFE.users(7), LIFE.users(8)
    old = after.iloc[: len(before)]
    months = n.SUBSCRIPTION_MONTHS
    pd.testing.assert_frame_equal(old.drop(columns=months), before.drop(columns=months))
    grown = (old[months] - before[months]).to_numpy()
    np.testing.assert_allclose(grown, 7 / (365.25 / 12), atol=0.101)
    new = after.iloc[len(before) :]
    assert len(new) > 0
    assert new[n.SIGNUP_AT].between(LIFE.ends(7), LIFE.ends(8), inclusive="left").all()
    assert new[months].between(0, 0.3).all()
    assert len(LIFE.users(40)) - WORLD.users == pytest.approx(40 * 15, rel=0.15)


def test_new_movies_are_of_their_year_and_as_good_as_new_ones_are() -> None:
    movies = LIFE.movies(60)
    pd.testing.assert_frame_equal(movies.iloc[: len(LIFE.movies(59))], LIFE.movies(59))
    new = movies.iloc[WORLD.movies :]
    assert len(new) == pytest.approx(240, rel=0.2)
    opened = new[n.AVAILABLE_FROM]
    assert opened.is_monotonic_increasing
    assert opened.between(LIFE.ends(0), LIFE.ends(60), inclusive="left").all()
    # By the first day of the week: the one over New Year belongs to the old one.
    first_days = [LIFE.ends(0) + WEEK * int((at - LIFE.ends(0)) // WEEK) for at in opened]
    assert new[n.YEAR].tolist() == [day.year for day in first_days]
    assert set(new[n.YEAR]) == {2024, 2025}
    assert not movies[n.TITLE].duplicated().any()
    drama = new[n.GENRES].map(lambda genres: genres[0] in ("Drama", "Documentary"))
    assert new.loc[~drama, n.MEAN_RATING].mean() == pytest.approx(3.75, abs=0.2)


def test_the_young_like_new_movies_in_later_years_too() -> None:
    life = Life(LifeConfig(world=WorldConfig(users=60, movies=9, interactions=9), new_movies=40))
    life.live(1, np.full((60, 0), -1))
    users, movies = life.users(0), life.movies(1).iloc[9:]
    young = np.flatnonzero(users[n.SEGMENT] == "young")
    plain = movies[movies[n.MEAN_RATING].between(2.5, 4)]
    horror = plain.index[[genres[0] == "Horror" for genres in plain[n.GENRES]]].to_numpy()
    assert len(young)
    assert len(horror)
    assert set(life.like_probability(young[:, None], horror).ravel()) == {0.5}


@pytest.mark.parametrize("week", [0, 9])
def test_the_tables_keep_their_contracts(week: int) -> None:
    context = RuleContext(as_of=LIFE.ends(week), keys={})
    for contract, frame in ((USERS, LIFE.users(week)), (MOVIES, LIFE.movies(week))):
        rules = rules_of(contract, frame)
        assert rules
        for rule in rules:
            assert not violations(contract, frame, rule, context).any(), rule


@pytest.mark.parametrize("week", [-1, 5_201])
def test_a_week_outside_life_is_refused(week: int) -> None:
    with pytest.raises(ValueError, match=f"week is {week}"):
        LIFE.users(week)
