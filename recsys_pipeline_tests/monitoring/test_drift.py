"""Stable weeks stay quiet, and each broken one is caught by the check that names it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.alarms import drift_alarms, robot_alarms
from recsys_pipeline.monitoring.checks import CHECKS, RATE_CHECKS, RETRAINING_CHECKS
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.drift import COLUMNS, compare, holm
from recsys_pipeline.monitoring.names import LABELS
from recsys_pipeline.monitoring.profile import Profile, profile
from recsys_pipeline.monitoring.robots import find_robots
from recsys_pipeline.monitoring.week_rates import Rate
from recsys_pipeline.simulation import World, WorldConfig

CONFIG = MonitoringConfig()
WEEK = pd.Timedelta(7, unit="D")
WEEKS = 8
K = 10

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def world() -> tuple[World, Tables, pd.Timestamp]:
    made = World(WorldConfig(users=1_000, movies=300, interactions=45_000, weeks=WEEKS))
    movies = made.movies()
    movies = movies.assign(price=5.0 + movies[n.MOVIE_ID] % 11)
    tables = {"users": made.users(), "movies": movies, "interactions": made.interactions()}
    return made, tables, tables["interactions"][n.TIMESTAMP].max()


def lists(world: World, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = world.like_probabilities(np.arange(world.config.users)) / 2
    score = score + rng.normal(0.2, 0.05, score.shape)
    movie = np.argsort(-score, axis=1)[:, :K]
    best = np.take_along_axis(score, movie, 1).clip(0, 1)
    return pd.DataFrame(
        {
            n.USER_ID: np.repeat(np.arange(len(score)) + 1, K),
            n.MOVIE_ID: movie.ravel() + 1,
            n.SCORE: best.ravel().astype(np.float64),
            n.SOURCE: pd.array(["panel"] * movie.size, dtype="str"),
        }
    )


def week_of(
    tables: Tables, as_of: pd.Timestamp, reference: Profile | None, **others: object
) -> Profile:
    known = tables["interactions"]
    known = known[(known[n.TIMESTAMP] <= as_of).to_numpy()]
    given: dict[str, object] = {"rates": {"click_through": Rate(0.1, 0.002)}, **others}
    return profile(
        tables["users"],
        tables["movies"],
        known,
        start=as_of - WEEK,
        as_of=as_of,
        reference=reference,
        **given,  # type: ignore[arg-type]  # what a test breaks is its own business
    )


@pytest.fixture(scope="module")
def weeks(world: tuple[World, Tables, pd.Timestamp]) -> list[Profile]:
    made, tables, end = world
    found: list[Profile] = []
    for number in range(WEEKS):
        reference = found[-1] if found else None
        as_of = end - (WEEKS - number) * WEEK
        found.append(week_of(tables, as_of, reference, top_n=lists(made, number)))
    return found


def test_stable_weeks_raise_no_alarm(
    world: tuple[World, Tables, pd.Timestamp], weeks: list[Profile]
) -> None:
    for number in range(1, WEEKS):
        rows = compare(weeks[number], weeks[number - 1], weeks[:number], CONFIG).rows
        assert not rows["alarm"].any()
        assert tuple(rows.columns) == COLUMNS
        assert set(rows["check"]) <= set(CHECKS)
    assert {"scores_shifted", "lists_shifted", "behaviour_shifted"} <= set(rows["check"])


def test_movies_and_users_who_come_and_go_raise_no_alarm(
    world: tuple[World, Tables, pd.Timestamp],
) -> None:
    _, tables, end = world
    found: list[Profile] = []
    for number in range(WEEKS):
        now = {
            **tables,
            "movies": tables["movies"].iloc[: 260 + 5 * number],
            "users": tables["users"].iloc[10 * number : 900 + 12 * number],
        }
        reference = found[-1] if found else None
        found.append(week_of(now, end - (WEEKS - number) * WEEK, reference))
        assert compare(found[-1], reference, found[:-1], CONFIG).alarms.empty


def in_week(table: pd.DataFrame) -> pd.Series:
    return table[n.TIMESTAMP] > table[n.TIMESTAMP].max() - WEEK


def half(tables: Tables) -> Tables:
    table = tables["interactions"]
    lost = in_week(table) & (np.random.default_rng(1).random(len(table)) < 0.5)
    return {**tables, "interactions": table[~lost]}


def movies_with(column: str, values: object) -> Callable[[Tables], Tables]:
    def broken(tables: Tables) -> Tables:
        table = tables["movies"]
        made = values(table[column]) if callable(values) else values
        return {**tables, "movies": table.assign(**{column: made})}

    return broken


def renamed(genres: pd.Series) -> pd.Series:
    return pd.Series([[f"{name}s" for name in each] for each in genres], dtype=genres.dtype)


def with_five_westerns(genres: pd.Series) -> pd.Series:
    return pd.Series([*genres.tolist()[:-5], *[["Western"]] * 5], dtype=genres.dtype)


def twice_the_drama(genres: pd.Series) -> pd.Series:
    draws = np.random.default_rng(1).random(len(genres))
    made = [["Drama"] if draw < 0.15 else each for draw, each in zip(draws, genres, strict=True)]
    return pd.Series(made, dtype=genres.dtype)


def watched_twice(tables: Tables) -> Tables:
    table = tables["interactions"]
    twice = (2 * table[n.WATCH_FRACTION]).clip(upper=1)
    watched = table[n.WATCH_FRACTION].mask(in_week(table), twice)
    return {**tables, "interactions": table.assign(**{n.WATCH_FRACTION: watched})}


def unsaid(tables: Tables) -> Tables:
    table = tables["interactions"]
    lost = in_week(table) & (np.arange(len(table)) % 8 == 0)
    return {**tables, "interactions": table.assign(**{n.LIKED: table[n.LIKED].mask(lost)})}


@pytest.mark.parametrize(
    ("breaks", "check", "subject"),
    [
        (half, "interactions_volume", "interactions.rows"),
        (
            movies_with(n.GENRES, lambda each: each.array.take(np.roll(np.arange(len(each)), 1))),
            "movies_genres_shifted",
            "movies.genres",
        ),
        (movies_with(n.GENRES, renamed), "movies_genres_shifted", "movies.genres"),
        (movies_with(n.GENRES, twice_the_drama), "movies_genres_shifted", "movies.genres"),
        (movies_with(n.GENRES, with_five_westerns), "movies_values_new", "movies.genres"),
        (movies_with("price", lambda each: 2 * each), "movies_price_shifted", "movies.price"),
        (movies_with("price", lambda each: each.astype("str")), "movies_price_shifted",
         "movies.price"),
        (movies_with(n.YEAR, lambda each: each.mask(each > 2010)), "movies_missing", "movies.year"),
        (lambda tables: {**tables, "movies": tables["movies"].drop(columns="price")},
         "movies_missing", "movies.price"),
        (watched_twice, "interactions_shifted", "interactions.watch_fraction"),
        (unsaid, "interactions_missing", "interactions.liked"),
        (lambda tables: {**tables, "users": tables["users"].iloc[:450]}, "users_volume",
         "users.rows"),
        (lambda tables: {**tables, "users": tables["users"].assign(segment="adult")},
         "users_shifted", "users.segment"),
    ],
)  # fmt: skip
def test_a_broken_week_is_caught_by_name(
    world: tuple[World, Tables, pd.Timestamp],
    weeks: list[Profile],
    breaks: Callable[[Tables], Tables],
    check: str,
    subject: str,
) -> None:
    made, tables, end = world
    now = week_of(breaks(tables), end, weeks[-1], top_n=lists(made, WEEKS))
    alarms = drift_alarms(compare(now, weeks[-1], weeks, CONFIG))
    assert (check, subject) in {(alarm.check, alarm.subject) for alarm in alarms}


def test_lists_and_rates_that_change_are_caught_by_name(
    world: tuple[World, Tables, pd.Timestamp], weeks: list[Profile]
) -> None:
    made, tables, end = world
    top_n = lists(made, WEEKS)
    alike = np.tile(top_n[n.MOVIE_ID].to_numpy()[:K], len(top_n) // K)
    top_n = top_n.assign(**{n.MOVIE_ID: alike, n.SCORE: top_n[n.SCORE] / 2})
    now = week_of(tables, end, weeks[-1], top_n=top_n, rates={"click_through": Rate(0.05, 0.002)})
    alarms = drift_alarms(compare(now, weeks[-1], weeks, CONFIG))
    assert {alarm.check for alarm in alarms} == {
        "click_through_fell",
        "lists_shifted",
        "scores_shifted",
    }
    assert alarms[0].level == "error"
    assert "-50%" in alarms[0].text


def test_another_recommender_is_one_alarm_and_only_where_it_is_new(
    world: tuple[World, Tables, pd.Timestamp], weeks: list[Profile]
) -> None:
    made, tables, end = world
    top_n = lists(made, WEEKS).assign(**{n.SOURCE: "ease"})
    alike = np.tile(top_n[n.MOVIE_ID].to_numpy()[:K], len(top_n) // K)
    now = week_of(tables, end, weeks[-1], top_n=top_n.assign(**{n.MOVIE_ID: alike}))
    (alarm,) = drift_alarms(compare(now, weeks[-1], weeks, CONFIG))
    assert (alarm.check, alarm.subject, alarm.level) == (
        "lists_shifted", "top_n.source", "warning",
    )  # fmt: skip
    assert "“ease” after “panel”" in alarm.text
    back = [*weeks[:-2], now, weeks[-1]]
    assert compare(now, weeks[-1], back, CONFIG).alarms.empty


def test_rates_of_zero_are_neither_overlooked_nor_certain(weeks: list[Profile]) -> None:
    def told(metric: str, usual: Rate, now: Rate) -> set[str]:
        recent = [replace(each, rates={metric: usual}) for each in weeks[:-1]]
        rows = compare(replace(weeks[-1], rates={metric: now}), None, recent, CONFIG).alarms
        return set(rows["check"])

    assert told("fallback_share", Rate(0, 0.001, 1_000), Rate(1, 0.001, 1_000)) == {
        "fallback_share_rose"
    }
    assert told("clicks", Rate(0.5, 0.02, 1_000), Rate(0, 0, 5)) == set()
    assert told("clicks", Rate(0.5, 0.02, 1_000), Rate(0, 0, 1_000)) == {"clicks_fell"}


def test_a_robot_is_caught_and_hides_nothing_else(
    world: tuple[World, Tables, pd.Timestamp], weeks: list[Profile]
) -> None:
    _, tables, end = world
    table = half(tables)["interactions"]
    clicks = table.iloc[np.zeros(50_000, dtype=int)].assign(
        **{n.USER_ID: 7, n.TIMESTAMP: end - pd.to_timedelta(np.arange(50_000) * 10, unit="s")}
    )
    both = pd.concat([table, clicks], ignore_index=True)
    robots = find_robots(both[in_week(both)])
    now = week_of({**tables, "interactions": both}, end, weeks[-1], robots=robots.users)
    found = [*robot_alarms(robots), *drift_alarms(compare(now, weeks[-1], weeks, CONFIG))]
    # Half of the rows is also half of what each person does.
    expected = {"robots", "interactions_volume", "behaviour_shifted"}
    assert {alarm.check for alarm in found} == expected


def test_without_a_reference_only_levels_are_compared(weeks: list[Profile]) -> None:
    rows = compare(weeks[-1], None, weeks[:-1], CONFIG).rows
    assert set(rows["statistic"]) == {"volume", "rate"}
    assert compare(weeks[0], None, [], CONFIG).rows.empty
    first = compare(weeks[1], weeks[0], [], CONFIG).rows
    assert set(first["statistic"]) >= {"volume", "rate", "distribution"}


def test_small_changes_are_no_alarm_however_sure(weeks: list[Profile]) -> None:
    found = compare(weeks[1], weeks[0], weeks[:1], MonitoringConfig(least_change=1)).rows
    assert not found["alarm"].any()


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_is_the_textbooks(p: np.ndarray) -> None:
    expected = np.empty(len(p))
    worst = 0.0
    for place, at in enumerate(sorted(range(len(p)), key=lambda each: p[each])):
        worst = max(worst, min(1.0, (len(p) - place) * p[at]))
        expected[at] = worst
    assert holm(p) == pytest.approx(expected)


def test_every_check_has_a_name_and_every_rate_is_a_figure() -> None:
    assert set(RATE_CHECKS) <= set(CHECKS)
    assert set(CHECKS) >= RETRAINING_CHECKS
    assert {metric for metric, _ in RATE_CHECKS.values()} <= set(LABELS)
    assert all(text.endswith(".") for text in CHECKS.values())


def test_the_page_lists_every_check() -> None:
    page = Path(__file__).parents[2] / "docs" / "drift.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if "` | " in line]
    assert rows == [f"| `{check}` | {text} |" for check, text in CHECKS.items()]
