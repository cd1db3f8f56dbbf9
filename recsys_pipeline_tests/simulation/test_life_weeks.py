"""Weeks lived: what is shown, chosen and watched, and what may never happen."""

from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import (
    EVENT_TYPES,
    ORGANIC,
    Browsed,
    Impressions,
    Life,
    LifeConfig,
    LivedWeek,
    Watched,
    WorldConfig,
)

WORLD = WorldConfig(users=150, movies=60, interactions=450, seed=5)
CONFIG = LifeConfig(
    world=WORLD,
    places=4,
    looks=0.4,
    browses=0.9,
    plays=0.9,
    leaving=0.05,
    joining=0.05,
    new_movies=3,
    rates=0.5,
)
Lists = npt.NDArray[np.int32]


def random_lists(life: Life, week: int, m: int = 9, seed: int = 0) -> Lists:
    """Lists that differ, with movies that appear in the week itself and gaps at the end."""
    rng = np.random.default_rng([seed, week])
    users, movies = len(life.users(week - 1)), len(life.movies(week))
    lists = rng.permuted(np.tile(np.arange(movies, dtype=np.int32), (users, 1)), axis=1)[:, :m]
    lists[::7, m - 2 :] = -1
    lists[3] = -1
    return lists


def lived(config: LifeConfig, weeks: int = 4, seed: int = 0) -> list[tuple[Lists, LivedWeek]]:
    life = Life(config)
    story = []
    for week in range(1, weeks + 1):
        lists = random_lists(life, week, seed=seed)
        kept = lists.copy()
        story.append((lists, life.live(week, lists)))
        np.testing.assert_array_equal(lists, kept)
    return story


@pytest.fixture(scope="module")
def life() -> Life:
    return Life(CONFIG)


@pytest.fixture(scope="module")
def story() -> list[tuple[Lists, LivedWeek]]:
    return lived(CONFIG)


def flat(week: LivedWeek) -> list[npt.NDArray[np.generic]]:
    parts = week.impressions, week.watched, week.browsed
    return [getattr(part, field.name) for part in parts for field in fields(part)] + [week.left]


def test_pages_are_the_first_places_not_watched_since_the_list_was_made(
    life: Life, story: list[tuple[Lists, LivedWeek]]
) -> None:
    """Told again, page by page, from the list and what was watched before."""
    moved_on = late = 0
    for lists, week in story:
        opened = life.movies(week.week)[n.AVAILABLE_FROM].dt.tz_localize(None)
        opens = opened.to_numpy().astype("datetime64[s]").astype(np.int64)
        shown, seen = week.impressions, week.watched
        for answer in range(shown.answer[-1] + 1):
            rows = shown.answer == answer
            (user,), (second,) = set(shown.user[rows]), set(shown.second[rows])
            known = set(seen.movie[(seen.user == user) & (seen.second < second)].tolist())
            there = [m for m in lists[user].tolist() if m >= 0 and opens[m] <= second]
            expected = [movie for movie in there if movie not in known][:4]
            assert shown.movie[rows].tolist() == expected
            assert shown.rank[rows].tolist() == list(range(1, len(expected) + 1))
            moved_on += expected != there[:4]
            late += len(there) < np.count_nonzero(lists[user] >= 0)
        assert 3 not in shown.user
    assert moved_on
    assert late


def test_what_is_watched(life: Life, story: list[tuple[Lists, LivedWeek]]) -> None:
    history = life.history()
    before = {*zip(history[n.USER_ID] - 1, history[n.MOVIE_ID] - 1, strict=True)}
    gone: set[int] = set()
    for _, week in story:
        seen, shown = week.watched, week.impressions
        start, end = (int(life.ends(at).timestamp()) for at in (week.week - 1, week.week))
        for second in (shown.second, seen.second):
            assert start <= second.min() <= second.max() < end
            assert (np.diff(second) >= 0).all()
        pairs = list(zip(seen.user.tolist(), seen.movie.tolist(), strict=True))
        assert len({*pairs}) == len(pairs)
        assert not before & {*pairs}
        before |= {*pairs}
        assert not gone & ({*seen.user.tolist()} | {*shown.user.tolist()})
        gone_before = gone.copy()
        gone |= {*week.left.tolist()}
        assert seen.user.max() < len(life.users(week.week - 1))
        opened = life.movies(week.week)[n.AVAILABLE_FROM].iloc[seen.movie]
        assert not (opened > pd.to_datetime(seen.second, unit="s", utc=True)).any()
        clicked = seen.answer != ORGANIC
        assert 0 < clicked.sum() < len(seen)
        on_page = {*zip(shown.answer, shown.rank, shown.user, shown.movie, strict=True)}
        of = seen.answer, seen.rank, seen.user, seen.movie
        assert {*zip(*(column[clicked] for column in of), strict=True)} <= on_page
        assert not seen.rank[~clicked].any()
        assert (seen.watch_fraction[~seen.liked] <= 0.4).all()
        assert 0.3 < np.isnan(seen.rating).mean() < 0.7
        assert len(week.browsed) > 0
        assert not gone_before & {*week.browsed.user.tolist()}
    assert gone


def test_equal_seeds_live_equal_weeks(story: list[tuple[Lists, LivedWeek]]) -> None:
    for (_, week), (_, again) in zip(story, lived(CONFIG), strict=True):
        assert [each.tobytes() for each in flat(week)] == [each.tobytes() for each in flat(again)]
    other = CONFIG.model_copy(update={"world": WORLD.model_copy(update={"seed": 6})})
    assert len(lived(other, 1)[0][1].watched) != len(story[0][1].watched)


def test_another_list_moves_nobody_elses_week() -> None:
    """Without talk, users live apart: only the one whose list is another lives another week."""
    alone = CONFIG.model_copy(update={"friends": 0.0})
    stories = []
    for changed in (False, True):
        life, weeks = Life(alone), []
        for week in (1, 2):
            lists = random_lists(life, week)
            if changed:
                lists[8] = lists[8][::-1]
            weeks.append(life.live(week, lists))
        stories.append(weeks)
    differs = False
    for week, other in zip(*stories, strict=True):
        rest = [
            np.stack([w.user, w.movie, w.second, w.rank, w.liked, w.watch_fraction], axis=1)
            for w in (week.watched, other.watched)
        ]
        differs |= not np.array_equal(*(each[each[:, 0] == 8] for each in rest))
        np.testing.assert_array_equal(*(each[each[:, 0] != 8] for each in rest))
        np.testing.assert_array_equal(week.left[week.left != 8], other.left[other.left != 8])
    assert differs


def test_other_lists_meet_the_same_sessions() -> None:
    """Where satisfaction does not pull, pages are asked for at the same moments by the same."""
    steady = CONFIG.model_copy(update={"pull": 0.0, "leaving": 0.0})
    pages = [
        {*zip(week.impressions.user, week.impressions.second, strict=True)}
        for seed in (0, 1)
        for _, week in lived(steady, 2, seed=seed)
    ]
    # A page may be empty with one list and not with another.
    assert len(pages[0] ^ pages[2]) < 0.05 * len(pages[0])
    assert len(pages[1] ^ pages[3]) < 0.05 * len(pages[1])


def test_what_was_shown_in_vain_is_not_chosen_by_those_who_tire_at_once() -> None:
    week = lived(CONFIG.model_copy(update={"fatigue": 1.0}), 1)[0][1]
    first: dict[tuple[int, int], int] = {}
    shown, seen = week.impressions, week.watched
    for user, movie, answer in zip(shown.user, shown.movie, shown.answer, strict=True):
        first.setdefault((user, movie), answer)
    chosen = [row for row in range(len(seen)) if seen.answer[row] != ORGANIC]
    assert chosen
    assert len(shown) > len(first)
    for row in chosen:
        assert seen.answer[row] == first[seen.user[row], seen.movie[row]]


def test_a_genre_watched_is_not_chosen_again_by_those_who_are_bored_at_once(life: Life) -> None:
    week = lived(CONFIG.model_copy(update={"boredom": 1.0, "looks": 1.0}), 1)[0][1]
    genre = np.array([genres[0] for genres in life.movies(1)[n.GENRES]])
    pages: dict[tuple[int, str], int] = {}
    for user, movie, answer in zip(
        week.watched.user, genre[week.watched.movie], week.watched.answer, strict=True
    ):
        assert pages.setdefault((user, movie), answer) == answer
    assert len(pages) > 100


def test_people_leave_and_others_join() -> None:
    life = Life(CONFIG.model_copy(update={"leaving": 1.0, "loyalty": 0.0}))
    week = life.live(1, random_lists(life, 1))
    assert week.left.tolist() == list(range(150))
    present = life.present()
    assert present.tolist() == [False] * 150 + [True] * (len(life.users(1)) - 150)
    assert present.any()
    assert (life.sessions() > 0).tolist() == present.tolist()
    later = life.live(2, random_lists(life, 2))
    assert later.impressions.user.min() >= 150


def test_who_finds_nothing_gets_unhappy_and_comes_less() -> None:
    life = Life(CONFIG)
    lists = random_lists(life, 1)
    lists[:75] = -1
    seen = life.live(1, lists).watched
    satisfied, sessions = life.satisfaction()[:150], life.sessions()[:150]
    looks = np.log(satisfied[:75] / 0.55) / np.log(0.75)
    np.testing.assert_allclose(looks, looks.round(), atol=1e-9)
    happier = {*np.flatnonzero(satisfied > CONFIG.satisfaction_start).tolist()}
    assert happier
    assert happier <= {*seen.user[seen.liked & (seen.answer != ORGANIC)].tolist()}
    usual = life.users(0)[n.SESSIONS_PER_WEEK].to_numpy()
    due = 0.4 * usual[:75].sum() * (1 + 0.4 * 0.05)
    assert looks.sum() == pytest.approx(due, abs=3 * due**0.5)
    here = life.present()[:150]
    expected = usual * (1 + 0.4 * (satisfied - 0.5))
    np.testing.assert_allclose(sessions[here], expected[here])


def test_the_unhappy_leave_sooner() -> None:
    """Satisfaction that jumps to 0 or 1, and loyalty that keeps everybody but those at 0."""
    rates = {"satisfaction_pace": 1.0, "leaving": 1.0, "loyalty": 20.0}
    life = Life(CONFIG.model_copy(update=rates))
    week = life.live(1, random_lists(life, 1))
    satisfied = life.satisfaction()[:150]
    assert set(satisfied) == {0.0, 0.55, 1.0}
    assert week.left.tolist() == np.flatnonzero(satisfied == 0).tolist()


def test_tastes_change_and_the_table_does_not_follow() -> None:
    life = Life(CONFIG.model_copy(update={"taste_change": 1.0, "taste_surprise": 0.0}))
    users, movies = np.arange(150)[:, None], np.arange(60)
    before, stated = life.like_probability(users, movies), life.users(0)
    life.live(1, random_lists(life, 1))
    after = life.like_probability(users, movies)
    pd.testing.assert_series_equal(
        life.users(1)[n.PREFERRED_GENRES].iloc[:150], stated[n.PREFERRED_GENRES]
    )
    changed = (before != after).any(axis=1).mean()
    # The genre drawn anew is another one in two of three; where both were the same one stays.
    assert 0.4 < changed < 0.8
    own = {
        "young": ("Action", "Animation", "Sci-Fi"),
        "adult": ("Drama", "Comedy", "Thriller"),
        "senior": ("Drama", "Romance", "Documentary"),
    }
    genre = [genres[0] for genres in life.movies(0)[n.GENRES]]
    for row, segment in enumerate(stated[n.SEGMENT]):
        outside = [movie for movie, name in enumerate(genre) if name not in own[segment]]
        assert before[row, outside].tolist() == after[row, outside].tolist()


def test_clicks_views_and_ratings_of_what_was_watched() -> None:
    none = np.empty(0, dtype=np.int64)
    week = LivedWeek(
        3,
        Impressions(none, none, none, none, none),
        Watched(
            user=np.array([4, 0]),
            movie=np.array([7, 2]),
            second=np.array([1000, 1001]),
            answer=np.array([5, ORGANIC]),
            rank=np.array([2, 0]),
            liked=np.array([True, False]),
            watch_fraction=np.array([0.9, 0.1]),
            rating=np.array([4.5, np.nan]),
        ),
        Browsed(np.array([9]), np.array([1]), np.array([1002])),
        none,
    )
    done = week.actions()
    told = zip(
        done.second.tolist(),
        done.user.tolist(),
        done.movie.tolist(),
        [EVENT_TYPES[place] for place in done.event_type],
        done.answer.tolist(),
        strict=True,
    )
    assert list(told) == [
        (1000, 4, 7, "click", 5),
        (1001, 0, 2, "click", ORGANIC),
        (1001, 4, 7, "view", 5),
        (1002, 0, 2, "view", ORGANIC),
        (1002, 4, 7, "rating", 5),
        (1002, 9, 1, "click", ORGANIC),
    ]
    nan = np.nan
    np.testing.assert_array_equal(done.watch_fraction, [nan, nan, 0.9, 0.1, nan, nan])
    np.testing.assert_array_equal(done.rating, [*[nan] * 4, 4.5, nan])
    rows = week.interactions()
    assert rows[n.USER_ID].tolist() == [5, 1]
    assert rows[n.MOVIE_ID].tolist() == [8, 3]
    assert rows[n.LIKED].tolist() == [True, False]
    assert rows[n.TIMESTAMP].iloc[0] == pd.Timestamp(1001, unit="s", tz="UTC")
    assert rows[n.RATING].isna().tolist() == [False, True]


def test_a_week_looks_like_the_first_year(life: Life, story: list[tuple[Lists, LivedWeek]]) -> None:
    pd.testing.assert_series_equal(story[0][1].interactions().dtypes, life.history().dtypes)


@pytest.mark.parametrize(
    ("lists", "error", "words"),
    [
        (np.zeros((149, 1), dtype=np.int32), ValueError, r"\(149, 1\)"),
        (np.zeros(150, dtype=np.int32), ValueError, r"\(150,\)"),
        (np.tile([1, 2, 1], (150, 1)), ValueError, "twice"),
        (np.full((150, 1), 500), IndexError, "500"),
        (np.full((150, 1), -2), IndexError, "-2"),
    ],
)
def test_lists_that_cannot_be_are_refused(
    life: Life, lists: Lists, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        life.live(1, lists)
    assert life.week == 0


@pytest.mark.parametrize("week", [0, 2])
def test_weeks_come_one_after_the_other(life: Life, week: int) -> None:
    with pytest.raises(ValueError, match=f"week is {week}; the week to live next is 1"):
        life.live(week, random_lists(life, 1))


def test_lists_may_be_empty() -> None:
    quiet = Life(CONFIG.model_copy(update={"browses": 0.0}))
    week = quiet.live(1, np.empty((150, 0), dtype=np.int32))
    assert len(week.impressions) == len(week.watched) == len(week.actions()) == 0
    assert week.interactions().empty
    assert quiet.satisfaction()[:150].mean() < CONFIG.satisfaction_start
