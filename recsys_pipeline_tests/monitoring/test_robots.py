"""Who is a robot, and who only does a lot."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.alarms import robot_alarms
from recsys_pipeline.monitoring.robots import Robots, find_robots, without_users
from recsys_pipeline.simulation import World, WorldConfig

MONDAY = pd.Timestamp("2024-01-01", tz="UTC")


def acting(user: int, seconds: np.ndarray) -> pd.DataFrame:
    when = MONDAY + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({n.USER_ID: user, n.MOVIE_ID: 1, n.TIMESTAMP: when})


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return World(WorldConfig(users=500, movies=50, interactions=20_000)).interactions()


HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize(
    ("seconds", "robot"),
    [
        (np.linspace(0, 7 * DAY - 1, 50_000), True),  # a click every twelve seconds, all week
        (np.linspace(0, HOUR - 1, 1_001), True),
        (np.linspace(0, HOUR - 1, 1_000), False),
        (np.linspace(0, 16 * HOUR - 1, 3_001), True),
        (np.linspace(0, 3 * DAY - 1, 300), True),  # four an hour, and no sleep for three days
        (np.linspace(0, 2 * DAY - 1, 300), False),
        # As much as the heaviest of MovieLens' people: 506 in an hour, 1,291 in a day.
        (np.concatenate([np.linspace(0, HOUR - 1, 506), np.linspace(HOUR, 9 * HOUR, 785)]), False),
    ],
)
def test_only_what_no_person_can_do_is_a_robot(
    people: pd.DataFrame, seconds: np.ndarray, robot: bool
) -> None:
    found = find_robots(people, acting(999, seconds))
    assert found.users == ((999,) if robot else ())
    assert found.of == len(people) + len(seconds)
    assert found.active == 501
    assert found.actions == (len(seconds) if robot else 0)


def test_nobody_in_the_simulated_world_is_a_robot(people: pd.DataFrame) -> None:
    found = find_robots(people)
    assert found.users == ()
    assert found.text == ""
    assert robot_alarms(found) == ()


def test_without_times_only_the_share_tells(people: pd.DataFrame) -> None:
    plain = people[[n.USER_ID, n.MOVIE_ID]]
    heavy = pd.DataFrame({n.USER_ID: [999] * 2_001, n.MOVIE_ID: 1})
    assert find_robots(plain, heavy).users == (999,)
    assert find_robots(plain, heavy.iloc[:2_000]).users == ()
    # Three people among themselves: one of them does most of it.
    assert find_robots(heavy, plain[plain[n.USER_ID] < 3]).users == ()


def test_nothing_done_is_no_robot(people: pd.DataFrame) -> None:
    assert find_robots(people.iloc[:0]) == Robots((), 0, 0, 0)


def test_the_alarm_says_how_much_and_never_who() -> None:
    (alarm,) = robot_alarms(Robots((987654,), 50_000, 62_500, 1_200))
    assert "1 of 1,200 active users did 50,000 of 62,500 actions (80%)" in alarm.text
    assert "987654" not in alarm.text


def test_robots_are_left_out(people: pd.DataFrame) -> None:
    left = without_users(people, (1, 2))
    assert set(people[n.USER_ID]) - set(left[n.USER_ID]) == {1, 2}
    assert without_users(people, ()) is people
