"""Profiles of a week, and the tastes and patterns that they hold."""

import json

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.drift import compare
from recsys_pipeline.monitoring.patterns import CLICKED, DID, patterns
from recsys_pipeline.monitoring.profile import Profile, Volume, profile
from recsys_pipeline.monitoring.tastes import EVERYBODY, FEWEST_USERS, Count
from recsys_pipeline.monitoring.week_rates import Rate, rates_of

START = pd.Timestamp("2024-01-01", tz="UTC")
END = START + pd.Timedelta(7, unit="D")
USERS = 200
RARE = 190
"""From this row on users are in a segment of their own, too small to be told of."""


def users() -> pd.DataFrame:
    number = np.arange(USERS)
    segment = np.where(number >= RARE, "few", np.where(number % 2, "young", "adult"))
    # Numbers like no other, so that one of them would show wherever it was written.
    return pd.DataFrame(
        {n.USER_ID: 7_654_321_000 + number, n.SEGMENT: pd.array(segment, dtype="str")}
    )


def movies() -> pd.DataFrame:
    genres = [["Drama"], ["War"], ["Drama", "War"], ["Horror"]]
    return pd.DataFrame(
        {
            n.MOVIE_ID: [1, 2, 3, 4],
            n.GENRES: pd.Series(genres, dtype=PANDAS_DTYPES[Kind.TEXTS]),
            n.YEAR: pd.array([1990, 2000, 2010, 2020], dtype="Int64"),
        }
    )


def events(of_young: list[int], of_adults: list[int]) -> pd.DataFrame:
    """Each user of both large segments watches these movies, once each."""
    everybody = users().iloc[:RARE]
    parts = [
        pd.DataFrame({n.USER_ID: user, n.MOVIE_ID: of_young if place % 2 else of_adults})
        for place, user in enumerate(everybody[n.USER_ID])
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(**{n.TIMESTAMP: START + pd.Timedelta(1, unit="h"), n.WATCH_FRACTION: 0.5})


def week(
    table: pd.DataFrame, reference: Profile | None = None, shown: pd.DataFrame | None = None
) -> Profile:
    return profile(
        users(), movies(), table, start=START, as_of=END, impressions=shown, reference=reference
    )


def shown(clicked: list[int]) -> pd.DataFrame:
    """Everybody is shown all movies and clicks some."""
    table = events([1, 2, 3, 4], [1, 2, 3, 4])
    time = table[n.TIMESTAMP].where(table[n.MOVIE_ID].isin(clicked))
    return table[[n.USER_ID, n.MOVIE_ID]].assign(**{n.CLICKED_AT: time})


def test_a_profile_counts_what_came_in_the_week() -> None:
    table = events([1, 2], [3])
    early = table.iloc[:10].assign(**{n.TIMESTAMP: START})
    found = week(pd.concat([table, early], ignore_index=True))
    rows = 95 * 2 + 95
    assert found.volumes["interactions.rows"] == Volume(rows, (95 * 4 + 95) / rows)
    assert found.volumes["interactions.all_rows"] == Volume(rows + 10)
    assert found.volumes["interactions.user_id"] == Volume(RARE)
    genres = found.shapes["behaviour.genres"]
    assert dict(zip(genres.values, genres.counts, strict=True)) == {
        "Drama": 190,
        "Horror": 0,
        "War": 190,
    }


def test_lists_are_counted_by_source_genre_year_and_popularity() -> None:
    top_n = pd.DataFrame({n.USER_ID: [1, 1, 2], n.MOVIE_ID: [4, 2, 4], n.RANK: [1, 2, 1]})
    top_n = top_n.assign(**{n.SCORE: [0.5, 0.25, 0.75], n.SOURCE: ["ease", "ease", "als"]})
    found = profile(users(), movies(), events([1, 2], [1, 3]), start=START, as_of=END, top_n=top_n)
    assert found.volumes["top_n.different_movies"].count == 2
    assert found.shapes["top_n.source"].counts == (2, 1)
    assert found.shapes["top_n.score"].mean == 0.5
    assert found.shapes["top_n.genres"].counts == (0, 2, 1)
    # Of four movies the one that nobody met is the least popular, the one that all met the most.
    assert found.shapes["top_n.popularity"].counts == (2, 0, 1, 0, 0, 0, 0, 0, 0, 0)


def test_the_text_says_nothing_of_anybody_and_comes_back_as_it_was() -> None:
    table = events([1, 2], [3])
    before = table.copy()
    found = week(table, shown=shown([1]))
    text = found.to_json()
    assert Profile.from_json(text) == found
    assert Profile.from_json(text).to_json() == text
    assert "7654321" not in text
    assert '"few"' not in text
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("text", ["[]", "{}", json.dumps({"format": 2}), "no json"])
def test_another_text_is_no_profile(text: str) -> None:
    with pytest.raises(ValueError, match=r"profile of a week|Expecting value"):
        Profile.from_json(text)


def test_tastes_are_shares_with_the_spread_of_users() -> None:
    found = {(each.segment, each.genre): each for each in week(events([1, 2], [3])).tastes}
    assert {segment for segment, _ in found} == {EVERYBODY, "young", "adult"}
    assert found["young", "Drama"].actions == Count(95, 190, 0, 95)
    everybody = found[EVERYBODY, "Drama"].actions
    # 190 of 285 have it: of the 95 who did one of one, of the others one of two.
    assert (everybody.part, everybody.whole, everybody.users) == (190, 285, RARE)
    assert everybody.spread == pytest.approx(95 * (1 - 2 / 3) ** 2 + 95 * (1 - 4 / 3) ** 2)
    assert everybody.variance == pytest.approx(everybody.spread / 285**2 * 190 / 189)


def test_a_small_segment_is_not_told_of() -> None:
    few = events([1], [1]).iloc[: FEWEST_USERS - 1]
    assert week(few).tastes == ()


def test_a_segment_that_turns_to_a_genre_is_told_in_a_sentence() -> None:
    calm = week(events([1, 2, 3], [1, 2, 3]), shown=shown([1]))
    now = week(events([1, 2, 4], [1, 2, 3]), shown=shown([1, 4]))
    found = patterns(now, [calm, calm])
    rows = found.rows
    told = {(row.what, row.segment, row.genre) for row in rows[rows["moved"]].itertuples()}
    assert (DID, "young", "Horror") in told
    assert (DID, "adult", "Horror") not in told
    assert (CLICKED, "adult", "Horror") in told
    assert (CLICKED, "adult", "Drama") not in told
    assert any(
        text.startswith("Segment young watched more Horror: 33.3% after 0.0% in the weeks before")
        for text in found.sentences
    )
    assert len(found.sentences) == int(rows["moved"].sum())


def test_without_a_change_or_weeks_before_nothing_moved() -> None:
    calm = week(events([1, 2, 3], [1, 2, 3]))
    assert patterns(calm, [calm]).sentences == ()
    assert patterns(calm, []).rows.empty


def test_tastes_that_only_vary_between_users_do_not_move() -> None:
    rng = np.random.default_rng(2)
    favourite = rng.integers(1, 5, USERS)
    moved = 0
    weeks: list[Profile] = []
    for _ in range(15):
        user = np.repeat(np.arange(USERS), rng.poisson(5, USERS))
        movie = np.where(rng.random(len(user)) < 0.6, favourite[user],
                         rng.integers(1, 5, len(user)))  # fmt: skip
        table = pd.DataFrame({n.USER_ID: users()[n.USER_ID].to_numpy()[user], n.MOVIE_ID: movie})
        weeks.append(week(table))
        moved += bool(patterns(weeks[-1], weeks[:-1]).sentences)
    assert moved <= 3


def test_rates_are_the_figures_of_everybody() -> None:
    figures = pd.DataFrame(
        [
            ["click_through", "all", 0.1, 0.09, 0.11, 50],
            ["click_through", "segment", 0.2, 0.1, 0.3, 20],
            ["churn_rate", "all", np.nan, np.nan, np.nan, 0],
            ["coverage", "all", 0.4, np.nan, np.nan, 60],
        ],
        columns=[names.METRIC, names.BY, names.VALUE, names.LOW, names.HIGH, names.N],
    )
    found = rates_of(figures)
    assert set(found) == {"click_through", "coverage"}
    assert found["click_through"].error == pytest.approx(0.02 / 3.92)
    assert found["coverage"] == Rate(0.4, 0.0, 60)


def test_a_week_in_which_nothing_came_is_counted_and_told() -> None:
    full = week(events([1, 2], [3]), shown=shown([1]))
    empty = week(events([1, 2], [3]).iloc[:0], full, shown([1]).iloc[:0])
    assert Profile.from_json(empty.to_json()) == empty
    found = compare(empty, full, [full] * 3, MonitoringConfig()).alarms
    assert set(found["subject"]) == {
        "interactions.rows",
        "interactions.all_rows",
        "interactions.user_id",
        "impressions.rows",
    }
    assert compare(full, empty, [empty], MonitoringConfig()).alarms.empty
    assert patterns(empty, [full]).sentences == ()


def test_columns_that_are_optional_may_be_absent() -> None:
    known = events([1], [2])[[n.USER_ID, n.MOVIE_ID]]
    found = profile(users()[[n.USER_ID]], movies()[[n.MOVIE_ID]], known, start=START, as_of=END)
    # Without a time all interactions are those of the week.
    assert found.volumes["interactions.rows"].count == len(known)
    assert set(found.shapes) == {"behaviour.per_user"}
    assert found.tastes == ()
