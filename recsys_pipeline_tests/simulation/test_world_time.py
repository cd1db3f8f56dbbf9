"""The world in time: as_of, weeks that follow, and the newest event."""

from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.simulation import World, WorldConfig

WORLD = World(WorldConfig(users=30, movies=20, interactions=3_000, weeks=8))
START = pd.Timestamp("2023-01-01", tz="UTC")
YEAR_END = pd.Timestamp("2024-01-01", tz="UTC")
WEEK = pd.Timedelta(7, unit="D")


@cache
def whole_life() -> pd.DataFrame:
    return WORLD.interactions()


@pytest.fixture
def life() -> pd.DataFrame:
    return whole_life().copy()


def upto(frame: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    return frame[frame[n.TIMESTAMP] <= as_of].reset_index(drop=True)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(seconds=st.integers(-86_400, (365 + 56) * 86_400 - 1), fraction=st.integers(0, 999_999_999))
def test_an_earlier_as_of_gives_the_beginning_of_a_later_one(seconds: int, fraction: int) -> None:
    as_of = START + pd.Timedelta(seconds, unit="s") + pd.Timedelta(fraction, unit="ns")
    expected = upto(whole_life(), as_of)
    pd.testing.assert_frame_equal(WORLD.interactions(as_of), expected)
    newest = None if expected.empty else expected[n.TIMESTAMP].max()
    assert WORLD.newest_event(as_of) == newest


def test_an_event_at_as_of_is_known_and_one_a_second_later_is_not(life: pd.DataFrame) -> None:
    at = life[n.TIMESTAMP][1_234]
    assert WORLD.interactions(at)[n.TIMESTAMP].max() == at
    assert WORLD.interactions(at - pd.Timedelta(1, unit="us"))[n.TIMESTAMP].max() < at


def test_rows_are_in_order_of_time_user_and_movie() -> None:
    crowded = World(WorldConfig(users=3, movies=3, interactions=2_000_000)).interactions(
        START + pd.Timedelta(2, unit="D")
    )
    key = [n.TIMESTAMP, n.USER_ID, n.MOVIE_ID]
    assert crowded[n.TIMESTAMP].duplicated().any()
    assert not crowded.duplicated(key).any()
    pd.testing.assert_frame_equal(crowded, crowded.sort_values(key, ignore_index=True))


def test_without_as_of_the_first_year_and_the_weeks_are_lived(life: pd.DataFrame) -> None:
    assert len(upto(life, YEAR_END - pd.Timedelta(1, unit="s"))) == 3_000
    assert life[n.TIMESTAMP].max() < YEAR_END + 8 * WEEK
    first_year = World(WORLD.config.model_copy(update={"weeks": 0})).interactions()
    pd.testing.assert_frame_equal(first_year, life.head(3_000))


def test_weeks_keep_the_pace_of_the_first_year(life: pd.DataFrame) -> None:
    week = (life[n.TIMESTAMP] - YEAR_END) // WEEK
    sizes = week[week >= 0].value_counts().sort_index()
    assert sizes.index.tolist() == list(range(8))
    assert sizes.between(57, 58).all()
    assert sizes.sum() == 3_000 * 56 // 365


def test_the_world_goes_on_beyond_its_weeks_when_asked(life: pd.DataFrame) -> None:
    later = WORLD.interactions(YEAR_END + 20 * WEEK)
    assert (later[n.TIMESTAMP] >= YEAR_END + 19 * WEEK).any()
    pd.testing.assert_frame_equal(later.head(len(life)), life)


def test_weeks_differ_from_each_other(life: pd.DataFrame) -> None:
    pairs = [
        life.loc[(life[n.TIMESTAMP] - YEAR_END) // WEEK == week, [n.USER_ID, n.MOVIE_ID]]
        for week in range(8)
    ]
    assert len({tuple(map(tuple, week.to_numpy().tolist())) for week in pairs}) == 8


def test_a_world_of_one_event_a_year_has_one_a_year() -> None:
    config = WorldConfig(users=2, movies=2, interactions=1, weeks=105)
    assert len(World(config).interactions()) == 1 + 2
    assert World(config).newest_event() == World(config).interactions()[n.TIMESTAMP].max()


def test_before_the_start_there_is_nothing_yet() -> None:
    before = START - pd.Timedelta(1, unit="us")
    empty = WORLD.interactions(before)
    assert empty.empty
    assert empty.dtypes.to_dict() == WORLD.interactions().dtypes.to_dict()
    assert WORLD.newest_event(before) is None


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    as_of = pd.Timestamp("2023-06-15 01:30", tz="Asia/Tokyo")
    pd.testing.assert_frame_equal(
        WORLD.interactions(as_of), WORLD.interactions(as_of.tz_convert("UTC"))
    )


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        WORLD.interactions(pd.Timestamp("2023-06-15"))


def test_a_moment_after_the_end_of_the_world_is_refused() -> None:
    with pytest.raises(SettingsError, match="2150-01-01 lies after the end"):
        WORLD.newest_event(pd.Timestamp("2150-01-01", tz="UTC"))
