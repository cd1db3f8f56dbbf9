"""The tables of the world: contracts, titles, seeds, and worlds of very few rows."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    PANDAS_DTYPES,
    USERS,
    Contract,
    Kind,
    RuleContext,
    rules_of,
    violations,
)
from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import World, WorldConfig
from recsys_pipeline.simulation.rule import GENRES
from recsys_pipeline.simulation.titles import invent_titles

SMALL = WorldConfig(users=200, movies=120, interactions=2_000, weeks=3)
END = pd.Timestamp("2024-01-21 23:59:59", tz="UTC")


def tables(config: WorldConfig) -> dict[str, tuple[Contract, pd.DataFrame]]:
    world = World(config)
    return {
        "users": (USERS, world.users()),
        "movies": (MOVIES, world.movies()),
        "interactions": (INTERACTIONS, world.interactions()),
    }


@pytest.mark.parametrize("table", ["users", "movies", "interactions"])
def test_no_row_breaks_a_rule_of_its_contract(table: str) -> None:
    world = tables(SMALL)
    contract, frame = world[table]
    keys = {
        "users": pd.Index(world["users"][1][n.USER_ID]),
        "movies": pd.Index(world["movies"][1][n.MOVIE_ID]),
    }
    rules = rules_of(contract, frame)
    context = RuleContext(as_of=END, keys=keys)
    broken = {rule.name: int(violations(contract, frame, rule, context).sum()) for rule in rules}
    assert broken == dict.fromkeys(broken, 0)
    assert len(broken) >= 2


@pytest.mark.parametrize("table", ["users", "movies", "interactions"])
def test_columns_have_the_dtypes_and_the_order_of_the_contract(table: str) -> None:
    contract, frame = tables(SMALL)[table]
    assert list(frame.columns) == [name for name in contract.column_names if name in frame]
    for name in frame.columns:
        kind = contract.column(name).kind
        expected = np.dtype(np.int64) if kind is Kind.ID else PANDAS_DTYPES[kind]
        assert frame[name].dtype == expected, name
    assert frame.notna().all(axis=None)
    assert frame.index.equals(pd.RangeIndex(len(frame)))


def test_the_same_seed_gives_the_same_tables_and_another_one_does_not() -> None:
    first, again = tables(SMALL), tables(SMALL)
    other = tables(SMALL.model_copy(update={"seed": 43}))
    for name, (_, frame) in first.items():
        pd.testing.assert_frame_equal(frame, again[name][1], check_exact=True)
        assert not frame.equals(other[name][1])


def test_a_world_gives_the_same_tables_in_any_order_of_asking() -> None:
    world = World(SMALL)
    late = world.interactions()
    world.users(), world.movies(), world.newest_event()
    pd.testing.assert_frame_equal(late, world.interactions())
    pd.testing.assert_frame_equal(world.users(), World(SMALL).users())


def test_sizes_do_not_touch_what_they_do_not_concern() -> None:
    base = World(SMALL)
    more_events = World(SMALL.model_copy(update={"interactions": 5_000}))
    more_movies = World(SMALL.model_copy(update={"movies": 500}))
    more_users = World(SMALL.model_copy(update={"users": 500}))
    pd.testing.assert_frame_equal(base.users(), more_events.users())
    pd.testing.assert_frame_equal(base.movies(), more_events.movies())
    pd.testing.assert_frame_equal(base.users(), more_movies.users())
    pd.testing.assert_frame_equal(base.movies(), more_users.movies())


def test_changing_a_table_does_not_change_the_world() -> None:
    world = World(SMALL)
    users, movies = world.users(), world.movies()
    users.loc[:, n.AGE] = 0.0
    movies.loc[:, n.MEAN_RATING] = 0.0
    movies.loc[:, n.YEAR] = 1900
    pd.testing.assert_frame_equal(world.users(), World(SMALL).users())
    pd.testing.assert_frame_equal(world.movies(), World(SMALL).movies())


def test_titles_are_unique_readable_and_the_same_every_time() -> None:
    titles = World(WorldConfig()).movies()[n.TITLE]
    assert titles.is_unique
    assert titles.str.fullmatch(r"[A-Z][A-Za-zé' -]{5,40}").all()
    pd.testing.assert_series_equal(titles, World(WorldConfig()).movies()[n.TITLE])


def test_a_genre_that_runs_out_of_titles_goes_on_with_sequels() -> None:
    horror = np.full(6_000, GENRES.index("Horror"), dtype=np.int8)
    titles = pd.Series(invent_titles(horror, np.random.default_rng(0)))
    assert titles.is_unique
    assert titles.str.endswith(" 2").any()
    assert titles.str.removesuffix(" 2")[lambda title: title.duplicated()].any()


def test_a_large_catalogue_has_unique_titles() -> None:
    genre = np.random.default_rng(0).integers(9, size=100_000, dtype=np.int8)
    assert len(set(invent_titles(genre, np.random.default_rng(0)))) == 100_000


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 1, 400), (1, 5, 3), (5, 1, 3)])
def test_tiny_worlds(size: tuple[int, int, int]) -> None:
    users, movies, interactions = size
    world = World(WorldConfig(users=users, movies=movies, interactions=interactions))
    assert (len(world.users()), len(world.movies()), len(world.interactions())) == size
    assert world.interactions()[n.USER_ID].between(1, users).all()
    assert world.interactions()[n.MOVIE_ID].between(1, movies).all()
    assert world.best_possible(np.arange(users), 10).shape == (users,)


def test_one_pair_that_meets_all_the_time_never_does_so_twice_in_a_second() -> None:
    world = World(WorldConfig(users=1, movies=1, interactions=1_000_000))
    times = world.interactions()[n.TIMESTAMP]
    assert len(times) == 1_000_000
    assert times.is_monotonic_increasing
    assert times.is_unique


def test_the_calendar_moves_with_the_start() -> None:
    moved = World(SMALL.model_copy(update={"starts": date(2000, 3, 1)}))
    usual = World(SMALL)
    assert (usual.movies()[n.YEAR] - moved.movies()[n.YEAR] == 23).all()
    rows = np.arange(200)
    np.testing.assert_array_equal(moved.like_probabilities(rows), usual.like_probabilities(rows))
    shift = pd.Timestamp("2023-01-01", tz="UTC") - pd.Timestamp("2000-03-01", tz="UTC")
    times = moved.interactions()[n.TIMESTAMP] + shift
    pd.testing.assert_series_equal(times, usual.interactions()[n.TIMESTAMP])
