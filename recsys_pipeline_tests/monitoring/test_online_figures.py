"""The tidy figures of a week: every metric, by everything."""

import re

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import USER_WEEKS
from recsys_pipeline.evaluation.lists import gini
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.catalogue_figures import catalogue_rates, open_movies
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.counted import Counted
from recsys_pipeline.monitoring.figures import figures
from recsys_pipeline.monitoring.logged import logged
from recsys_pipeline.monitoring.online_week import online_week
from recsys_pipeline.monitoring.plots import (
    click_through_by_rank,
    metric_by_day,
    metric_over_weeks,
    over_weeks,
    variety_over_weeks,
)

CONFIG = MonitoringConfig()
N_USERS, N_MOVIES, K = 100, 12, 4
KEY = [names.METRIC, names.BY, names.GROUP]


@pytest.fixture(scope="module")
def movies(online):
    genres = {f"m{i}": [["Drama"], ["Comedy"], ["Drama", "War"]][i % 3] for i in range(N_MOVIES)}
    return online.catalogue({f"m{i}": 100.0 for i in range(N_MOVIES)}, genres).assign(
        **{n.TITLE: ["Same" if i < 2 else f"Title {i}" for i in range(N_MOVIES)]}
    )


@pytest.fixture(scope="module")
def users(online):
    # Segment c has 19 users.
    segments = {f"u{i}": "c" if i < 19 else "ab"[i % 2] for i in range(N_USERS)}
    frame = online.people(segments)
    signed = pd.Series([online.at(5)] * 10 + [online.at(-5)] * 10 + [pd.NaT] * (N_USERS - 20))
    return frame.assign(**{n.SIGNUP_AT: signed.astype("datetime64[us, UTC]")})


@pytest.fixture(scope="module")
def weeks(online, movies, users):
    return [made_week(online, movies, users, number) for number in (0, 1)]


def made_week(online, movies, users, number, order=None, **options):
    """Two answers a user, of which one in five impressions is clicked and one in ten watched."""
    rng = np.random.default_rng(number)
    answers, actions = [], []
    for answer in range(2 * N_USERS):
        user = f"u{answer // 2}"
        listed = [f"m{place}" for place in rng.choice(N_MOVIES - 2, K, replace=False)]
        hours = 168 * number + float(rng.uniform(0, 140))
        arm = "ab"[answer // 2 % 2] if answer < N_USERS else ""
        answers.append(
            online.shown(
                f"{number}-{answer}",
                user,
                listed,
                hours,
                **{
                    n.ARM: arm,
                    n.EXPERIMENT: "x" if arm else "",
                    n.RELEASE: "r1" if hours < 168 * number + 70 else "r2",
                    n.PERSONAL: bool(answer % 4),
                },
            )
        )
        for movie in listed:
            if rng.random() < 0.2:
                given = {n.RATING: float(rng.integers(1, 6))}
                actions.append(online.done(user, movie, "click", hours + 1))
                actions.append(online.done(user, movie, "rating", hours + 2, **given))
            elif rng.random() < 0.1:
                watched = {n.WATCH_FRACTION: float(rng.random())}
                actions.append(online.done(user, movie, "view", hours + 1, **watched))
    shown, done = online.impressions(*answers), online.actions(*actions)
    if order is not None:
        shown = shown.sample(frac=1, random_state=order, ignore_index=True)
        done = done.sample(frac=1, random_state=order, ignore_index=True)
    return online_week(
        online.monday + pd.Timedelta(days=7 * number),
        shown,
        done,
        movies=movies,
        users=users,
        config=CONFIG,
        **options,
    )


@pytest.fixture(scope="module")
def found(weeks, movies, users):
    before, now = weeks
    return figures(now, before, movies=movies, users=users, config=CONFIG)


def value(found, metric, by=names.ALL, group="", column=names.VALUE):
    return found.set_index(KEY)[column].loc[(metric, by, group)]


def test_the_frame_is_tidy(found):
    assert list(found.columns) == list(names.COLUMNS)
    assert not found.duplicated(KEY).any()
    assert set(found[names.METRIC]) == set(names.LABELS)
    low, middle, high = found[names.LOW], found[names.VALUE], found[names.HIGH]
    known = low.notna()
    assert known.sum() > 40
    assert ((low <= middle) & (middle <= high))[known].all()
    shares = found[found[names.METRIC].isin(names.SHARES)].dropna(subset=[names.VALUE])
    assert shares[names.VALUE].between(0, 1).all()


def test_figures_are_those_of_a_plain_count(found, weeks):
    before, now = weeks
    shown = now.impressions
    clicked = shown[n.CLICKED_AT].notna()
    assert value(found, names.CLICK_THROUGH) == pytest.approx(clicked.mean())
    old = before.impressions[n.CLICKED_AT].notna().mean()
    assert value(found, names.CLICK_THROUGH, column=names.BEFORE) == pytest.approx(old)
    change = value(found, names.CLICK_THROUGH, column=names.CHANGE)
    assert change == pytest.approx(clicked.mean() - old)
    for by, column in ((names.RELEASE, n.RELEASE), (names.RANK, n.RANK)):
        for group, share in clicked.groupby(shown[column]).mean().items():
            assert value(found, names.CLICK_THROUGH, by, str(group)) == pytest.approx(share)
    old = before.impressions[n.RELEASE].value_counts()
    for release, many in shown[n.RELEASE].value_counts().items():
        of_release = (found, names.IMPRESSIONS, names.RELEASE, str(release))
        assert value(*of_release) == many
        assert value(*of_release, column=names.BEFORE) == old.get(release, 0)
    by_answer = clicked.groupby(shown[n.REQUEST_ID]).any()
    assert value(found, names.LIST_CLICK_THROUGH) == pytest.approx(by_answer.mean())
    assert value(found, names.FALLBACK_SHARE) == pytest.approx(0.25)
    assert value(found, names.SATISFACTION) == pytest.approx(shown[n.RATING].mean())
    minutes = now.user_weeks[n.WATCH_MINUTES].mean()
    assert value(found, names.WATCH_MINUTES) == pytest.approx(minutes)
    days = found[(found[names.METRIC] == names.WATCH_MINUTES) & (found[names.BY] == names.DAY)]
    assert days[names.VALUE].sum() == pytest.approx(minutes)
    assert days[names.GROUP].tolist() == [f"2024-01-{day:02d}" for day in range(8, 15)]


def test_a_movie_counts_in_each_of_its_genres(found, weeks, movies):
    shown = weeks[1].impressions.merge(movies, on=n.MOVIE_ID)
    for genre in ("Comedy", "Drama", "War"):
        own = shown[[genre in listed for listed in shown[n.GENRES]]]
        expected = own[n.CLICKED_AT].notna().mean()
        assert value(found, names.CLICK_THROUGH, names.GENRE, genre) == pytest.approx(expected)


def test_groups_of_few_users_are_left_out(found):
    groups = found.groupby(names.BY)[names.GROUP].agg(set)
    assert groups[names.SEGMENT] == {"a", "b"}
    assert groups[names.ARM] == {"x/a", "x/b"}
    grouped = found[found[names.BY].isin([names.SEGMENT, names.ARM, names.DAY, names.RANK])]
    assert (grouped[names.N] >= 20).all()


def test_new_users_are_those_who_signed_up_in_the_week(weeks, movies, users):
    first = figures(weeks[0], None, movies=movies, users=users, config=CONFIG)
    assert value(first, names.NEW_USERS) == pytest.approx(10 / N_USERS)


def test_the_catalogue_is_counted_as_in_evaluation(found, weeks, movies):
    rows = movies[n.MOVIE_ID].tolist()
    shown = np.array([[rows.index(movie)] for movie in weeks[1].impressions[n.MOVIE_ID]])
    assert value(found, names.CONCENTRATION) == pytest.approx(gini(shown, N_MOVIES))
    assert value(found, names.COVERAGE) == pytest.approx((N_MOVIES - 2) / N_MOVIES)
    top = np.bincount(shown.ravel()).max() / len(shown)
    assert value(found, names.TOP_SHARE) == pytest.approx(top)


def test_a_movie_that_may_not_be_shown_is_none_of_the_catalogue(online, movies):
    none = pd.Series([pd.NaT] * N_MOVIES, dtype="datetime64[us, UTC]")
    first, last = none.copy(), none.copy()
    first.iloc[0], first.iloc[1] = online.at(168), online.at(167)
    last.iloc[2], last.iloc[3] = online.at(-1), online.at(0)
    frame = movies.assign(**{n.AVAILABLE_FROM: first, n.AVAILABLE_UNTIL: last})
    there = open_movies(frame, online.monday, online.at(168))
    assert there.tolist() == [1, *range(3, N_MOVIES)]


def test_most_and_least_shown_are_named_by_titles_that_tell_them_apart(found, weeks, movies):
    counts = weeks[1].impressions[n.MOVIE_ID].value_counts()
    shown = found[
        (found[names.METRIC] == names.IMPRESSIONS) & (found[names.BY] == names.MOST_SHOWN)
    ]
    assert shown[names.VALUE].tolist() == sorted(counts.tolist(), reverse=True)
    titles = {f"Same ({movie})" for movie in ("m0", "m1")}
    assert titles <= set(shown[names.GROUP])
    # Ten movies were shown, and all of them are among the most shown.
    assert not (found[names.BY] == names.LEAST_SHOWN).any()


def test_the_order_of_rows_does_not_matter(online, weeks, found, movies, users):
    again = made_week(online, movies, users, 1, order=7)
    pd.testing.assert_frame_equal(again.user_weeks, weeks[1].user_weeks)
    other = figures(again, weeks[0], movies=movies, users=users, config=CONFIG)
    pd.testing.assert_frame_equal(other, found)


def test_users_left_out_count_nowhere(online, movies, users):
    week = made_week(online, movies, users, 1, left_out=["u3", "u4"])
    assert len(week.user_weeks) == N_USERS - 2
    for frame in (week.impressions, week.actions, week.user_weeks):
        assert not frame[n.USER_ID].isin(["u3", "u4"]).any()


def test_user_weeks_keep_their_contract_and_their_sums(online, weeks, movies, users):
    rows = weeks[0].user_weeks
    kinds = online_week(
        online.monday,
        online.impressions(),
        online.actions(),
        movies=movies,
        users=users,
        config=CONFIG,
    ).user_weeks.dtypes
    assert list(rows.columns) == list(USER_WEEKS.column_names)
    pd.testing.assert_series_equal(rows.dtypes, kinds)
    shown, done = weeks[0].impressions, weeks[0].actions
    assert rows[n.IMPRESSIONS].sum() == len(shown)
    assert rows[n.CLICKS].sum() == shown[n.CLICKED_AT].notna().sum()
    assert rows[n.ACTIONS].sum() == len(done)
    by_user = done.assign(day=done[n.TIMESTAMP].dt.date).groupby(n.USER_ID)["day"].nunique()
    own = rows.set_index(n.USER_ID)[n.ACTIVE_DAYS]
    assert own[own > 0].to_dict() == by_user.to_dict()
    first = shown.sort_values(n.SHOWN_AT).groupby(n.USER_ID)[n.ARM].first()
    assert rows.set_index(n.USER_ID)[n.ARM].to_dict() == first.to_dict()


def test_a_week_in_which_nothing_happens_has_figures_that_say_so(online, weeks, movies, users):
    start = online.monday + pd.Timedelta(days=14)
    empty = online_week(
        start,
        online.impressions(),
        online.actions(),
        movies=movies,
        users=users,
        config=CONFIG,
    )
    alone = figures(empty, None, movies=movies, users=users, config=CONFIG)
    assert set(alone[names.BY]) == {names.ALL}
    assert value(alone, names.IMPRESSIONS) == 0
    assert np.isnan(value(alone, names.CLICK_THROUGH))
    after = figures(empty, weeks[1], movies=movies, users=users, config=CONFIG)
    assert value(after, names.IMPRESSIONS, column=names.CHANGE) == -2 * K * N_USERS


def test_what_is_logged_has_names_that_a_log_takes(found):
    numbers = logged(found)
    assert numbers["online_click_through"] == pytest.approx(value(found, names.CLICK_THROUGH))
    assert "online_click_through_by_arm_x_a" in numbers
    assert "online_availability" not in numbers
    of_segments = found[(found[names.BY] == names.SEGMENT) & (found[names.METRIC] == "clicks")]
    kinds = pd.concat([of_segments.iloc[:1]] * 3).assign(group=["дети", "семьи", "café 1"])
    apart = sorted(logged(kinds))
    assert len(apart) == 3
    assert all(re.fullmatch(r"online_clicks_by_segment_\w+", name, re.ASCII) for name in apart)
    assert any(name.startswith("online_clicks_by_segment_caf_1_") for name in apart)
    assert all(np.isfinite(list(numbers.values())))


def test_an_experiment_that_nobody_met_this_week_has_no_arms(weeks, movies, users):
    before, now = weeks
    met = now.user_weeks[n.EXPERIMENT].max()
    told = {}
    for name in (met, "waiting"):
        assigned = pd.DataFrame({n.USER_ID: users[n.USER_ID], n.EXPERIMENT: name, n.ARM: "a"})
        options = {"movies": movies, "users": users, "config": MonitoringConfig()}
        made = figures(
            now, before, active=before.actions, since=before.start, assigned=assigned, **options
        )
        rows = made[(made[names.BY] == names.ARM) & (made[names.METRIC] == names.RETURN_RATE)]
        told[name] = rows[names.GROUP].tolist()
    assert told == {met: [f"{met}/a"], "waiting": []}


def test_no_figure_names_a_user(found, users):
    texts = " ".join(found[names.GROUP])
    assert not any(f" {user} " in f" {texts} " for user in users[n.USER_ID])


def test_parts_of_users_tell_how_sure_the_concentration_is(weeks, movies, users):
    ids = pd.Index(users[n.USER_ID]).sort_values()
    counted = Counted.of(weeks[1], ids, pd.Index(movies[n.MOVIE_ID]))
    nobody = np.zeros(len(counted.weeks_user), dtype=np.int64)
    one = catalogue_rates(counted, counted, movies, nobody, nobody, 1)[names.CONCENTRATION]
    assert one.low[0] < one.value[0] < one.high[0]
    assert one.change[0] == 0
    few = np.where(np.arange(len(nobody)) < 19, 0, -1)
    unsure = catalogue_rates(counted, None, movies, few, None, 1)[names.CONCENTRATION]
    assert np.isnan(unsure.low[0])
    assert unsure.value[0] > 0


def test_pictures_are_drawn_also_of_nothing(found):
    history = over_weeks({"2024-01-08": found, "2024-01-15": found})
    arms = metric_over_weeks(history, baseline="x/a")
    lines = [line.get_label() for line in arms.axes[0].get_lines()]
    assert lines == ["x/a", "x/b"]
    assert len(variety_over_weeks(history).axes) == 3
    assert len(click_through_by_rank(found).axes[0].get_lines()[0].get_xdata()) == K
    assert len(metric_by_day(found).axes[0].get_lines()[0].get_xdata()) > 3
    nothing = found.iloc[:0]
    for made in (
        metric_over_weeks(over_weeks({})),
        variety_over_weeks(over_weeks({"2024-01-08": nothing})),
        click_through_by_rank(nothing),
        metric_by_day(nothing),
    ):
        assert len(made.axes) == 1
