"""Which impression an action belongs to."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.attribution import (
    USUAL_MINUTES,
    attribute,
    places_of,
    watched_minutes,
)
from recsys_pipeline.monitoring.config import MonitoringConfig

CONFIG = MonitoringConfig(attribution_hours=3)
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from("uv"),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
        st.integers(0, 8),
    ),
    max_size=6,
)
ACTS = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from("abcd"),
        st.integers(0, 12),
        st.integers(-1, 6),
        st.sampled_from(["click", "view", "rating", "useful"]),
    ),
    max_size=8,
)


def by_force(shown: pd.DataFrame, act: pd.Series) -> int:
    """The rule, word by word."""
    best = -1
    for place, row in shown.iterrows():
        waited = act[n.TIMESTAMP] - row[n.SHOWN_AT]
        if (row[n.USER_ID], row[n.MOVIE_ID]) != (act[n.USER_ID], act[n.MOVIE_ID]):
            continue
        if not pd.Timedelta(0) <= waited <= pd.Timedelta(hours=CONFIG.attribution_hours):
            continue
        if act[n.REQUEST_ID] not in ("", row[n.REQUEST_ID]):
            continue
        newer = best < 0 or row[n.SHOWN_AT] > shown.loc[best, n.SHOWN_AT]
        level = best >= 0 and row[n.SHOWN_AT] == shown.loc[best, n.SHOWN_AT]
        if newer or (level and row[n.RANK] < shown.loc[best, n.RANK]):
            best = place
    return best


@settings(max_examples=20, deadline=None)
@given(answers=ANSWERS, acts=ACTS)
def test_the_rule_holds_for_whatever_happens(online, answers, acts):
    shown = online.impressions(
        *(online.shown(f"r{i}", *answer) for i, answer in enumerate(answers))
    )
    # Two answers at one moment with the movie at one place are alike: which one is no matter.
    shown = shown.drop_duplicates([n.USER_ID, n.MOVIE_ID, n.SHOWN_AT, n.RANK], ignore_index=True)
    actions = online.actions(
        *(
            online.done(user, movie, kind, hours, f"r{answer}" if answer >= 0 else "")
            for user, movie, hours, answer, kind in acts
        )
    )
    place = places_of(shown, actions, CONFIG)
    expected = [by_force(shown, act) for _, act in actions.iterrows()]
    assert place.tolist() == expected
    found = attribute(shown, actions, online.catalogue({"a": 90.0}, {}), CONFIG)
    chosen = actions[n.EVENT_TYPE].isin(["click", "view"]).to_numpy()
    for number in range(len(shown)):
        times = actions.loc[(place == number) & chosen, n.TIMESTAMP]
        clicked = found[n.CLICKED_AT].iloc[number]
        assert clicked == times.min() if len(times) else pd.isna(clicked)


def test_the_newest_of_several_impressions_is_taken_and_one_click_counts_once(online):
    shown = online.impressions(online.shown("r1", "u", ["a"], 0), online.shown("r2", "u", ["a"], 1))
    clicks = [online.done("u", "a", "click", hour) for hour in (1.5, 2, 3.9)]
    found = attribute(shown, online.actions(*clicks), online.catalogue({"a": 90.0}, {}), CONFIG)
    assert found[n.CLICKED_AT].isna().tolist() == [True, False]
    assert found[n.CLICKED_AT].iloc[1] == online.at(1.5)


def test_minutes_of_all_views_are_added_and_the_last_rating_stays(online):
    shown = online.impressions(online.shown("r1", "u", ["a", "b"], 0))
    actions = online.actions(
        online.done("u", "a", "rating", 2, **{n.RATING: 2.0}),
        online.done("u", "a", "rating", 1, **{n.RATING: 5.0}),
        online.done("u", "a", "view", 1, **{n.WATCH_FRACTION: 0.5}),
        online.done("u", "a", "view", 2, **{n.WATCH_FRACTION: 0.25}),
    )
    before = shown.copy()
    found = attribute(shown, actions, online.catalogue({"a": 100.0, "b": 50.0}, {}), CONFIG)
    assert found[n.WATCH_MINUTES].tolist() == [75.0, 0.0]
    assert found[n.RATING].fillna(0).tolist() == [2.0, 0.0]
    pd.testing.assert_frame_equal(shown, before)
    pd.testing.assert_frame_equal(
        found.drop(columns=[n.CLICKED_AT, n.WATCH_MINUTES, n.RATING]),
        shown.drop(columns=[n.CLICKED_AT, n.WATCH_MINUTES, n.RATING]),
    )


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ({"a": 90.0, "b": 110.0, "c": None}, [45.0, 50.0, 50.0]),
        ({"a": None, "b": 0.0, "c": None}, [USUAL_MINUTES / 2] * 3),
    ],
)
def test_a_movie_without_a_running_time_counts_as_the_others(online, minutes, expected):
    views = [
        online.done("u", movie, "view", 1, **{n.WATCH_FRACTION: 0.5})
        for movie in ("a", "c", "not in the catalogue")
    ]
    silent = online.done("u", "a", "view", 1)
    click = online.done("u", "a", "click", 1, **{n.WATCH_FRACTION: 0.5})
    found = watched_minutes(online.actions(*views, silent, click), online.catalogue(minutes, {}))
    assert found.tolist() == [*expected, 0.0, 0.0]


def test_nothing_shown_and_nothing_done(online):
    movies = online.catalogue({"a": 90.0}, {})
    shown = online.impressions(online.shown("r1", "u", ["a"], 0))
    alone = attribute(shown, online.actions(), movies, CONFIG)
    assert alone[n.CLICKED_AT].isna().all()
    assert alone[n.WATCH_MINUTES].tolist() == [0.0]
    click = online.actions(online.done("u", "a", "click", 1))
    nothing = attribute(online.impressions(), click, movies, CONFIG)
    assert len(nothing) == 0
    assert str(nothing[n.CLICKED_AT].dtype) == "datetime64[us, UTC]"
    assert np.array_equal(places_of(online.impressions(), click, CONFIG), [-1])
