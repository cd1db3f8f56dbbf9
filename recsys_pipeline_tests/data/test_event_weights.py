"""How much an interaction counts: by type, by age, by rating or share watched."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig, WeightsConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.weights import unmet_event_types
from recsys_pipeline.errors import SettingsError

USERS = pd.DataFrame({n.USER_ID: [1]})
MOVIES = pd.DataFrame({n.MOVIE_ID: [10, 20, 30, 40]})
DAY = pd.Timedelta(days=1)


@pytest.fixture
def events() -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.USER_ID: 1,
            n.MOVIE_ID: [10, 20, 30, 40],
            n.TIMESTAMP: pd.Timestamp("1998-05-05", tz="UTC") + DAY * np.array([0, 10, 20, 30]),
            n.EVENT_TYPE: pd.Series(["view", "purchase", None, "impression"], dtype="str"),
            n.RATING: [5.0, 0.5, 2.75, np.nan],
        }
    )


def built(events: pd.DataFrame, as_of: pd.Timestamp | None = None, **settings) -> Dataset:
    positive = settings.pop("positive", "auto")
    likes = LikesConfig(positive=positive, weights=WeightsConfig(**settings))
    return build_dataset(USERS, MOVIES, events, likes, as_of)


def test_without_settings_the_rating_alone_weighs(events) -> None:
    np.testing.assert_allclose(built(events).events.weight, [1, 0.3, 0.65, 1], rtol=1e-6)


def test_event_types_have_weights_and_those_not_named_have_one(events) -> None:
    data = built(events.drop(columns=n.RATING), event_types={"view": 0.5, "purchase": 3})
    np.testing.assert_allclose(data.events.weight, [0.5, 3, 1, 1])
    assert data.events.positive.all()


def test_a_type_that_does_not_count_is_seen_and_no_like(events) -> None:
    for frame in (events, events.assign(**{n.LIKED: [True, False, True, True]})):
        data = built(frame, event_types={"impression": 0})
        assert not data.events.positive[3]
        assert data.history[0, 3] == 0
        assert data.seen[0, 3] == 1
        assert (data.events.weight > 0).all()
        if data.events.label is not None:
            np.testing.assert_array_equal(data.events.label, [1, 0, 1, np.nan])


@pytest.mark.parametrize("years", [0, 20])
def test_age_is_counted_from_the_newest_event_whatever_the_year(events, years: int) -> None:
    moved = events.drop(columns=n.RATING)
    moved[n.TIMESTAMP] += DAY * 365 * years
    expected = np.exp2([-3, -2, -1, 0])
    np.testing.assert_allclose(built(moved, half_life_days=10).events.weight, expected, rtol=1e-5)
    late = moved[n.TIMESTAMP].max() + 1000 * DAY
    data = built(moved, as_of=late, half_life_days=10)
    np.testing.assert_allclose(data.events.weight, expected, rtol=1e-5)


def test_only_what_is_known_at_the_moment_is_the_newest(events) -> None:
    early = events[n.TIMESTAMP].iloc[1]
    data = built(events.drop(columns=n.RATING), as_of=early, half_life_days=10)
    np.testing.assert_allclose(data.events.weight, [0.5, 1], rtol=1e-5)


def test_a_missing_time_is_the_oldest_and_no_like_is_ever_lost(events) -> None:
    events.loc[3, n.TIMESTAMP] = pd.NaT
    data = built(events.drop(columns=n.RATING), half_life_days=0.01)
    assert data.events.weight.min() == np.float32(1e-6)
    assert data.history.nnz == 4
    assert data.events.weight[data.events.item == 3] == data.events.weight[0]


@pytest.mark.parametrize(("by", "column"), [("rating", n.RATING), ("watched", n.WATCH_FRACTION)])
def test_likes_that_are_told_apart_are_weighed_if_asked_for(events, by: str, column: str) -> None:
    events[n.LIKED] = True
    events[n.WATCH_FRACTION] = [1, 0, 0.5, np.nan]
    assert (built(events).events.weight == 1).all()
    np.testing.assert_allclose(built(events, liked_by=by).events.weight, [1, 0.3, 0.65, 1])
    with pytest.raises(SettingsError, match=f"liked_by = '{by}' needs the column '{column}'"):
        built(events.drop(columns=column), liked_by=by)


def test_all_weights_are_multiplied(events) -> None:
    data = built(events, half_life_days=10, event_types={"purchase": 2})
    np.testing.assert_allclose(data.events.weight, [0.125, 0.3 * 2 / 4, 0.325, 1], rtol=1e-5)


@pytest.mark.parametrize(
    ("setting", "column"),
    [({"half_life_days": 3}, n.TIMESTAMP), ({"event_types": {"view": 2}}, n.EVENT_TYPE)],
)
def test_a_weight_without_its_column_is_refused(events, setting, column: str) -> None:
    with pytest.raises(SettingsError, match=f"needs the column '{column}'"):
        built(events.drop(columns=column), **setting)


def test_times_that_are_all_missing_weigh_nothing(events) -> None:
    events[n.TIMESTAMP] = pd.Series([None] * 4, dtype=events[n.TIMESTAMP].dtype)
    data = built(events.drop(columns=n.RATING), half_life_days=10)
    assert (data.events.weight == 1).all()


def test_types_that_nobody_did_are_named(events) -> None:
    likes = LikesConfig(weights=WeightsConfig(event_types={"veiw": 2, "view": 2, "click": 0}))
    assert unmet_event_types(events, likes) == ("click", "veiw")
    assert unmet_event_types(events.drop(columns=n.EVENT_TYPE), likes) == ("click", "veiw", "view")


def test_without_a_rating_the_share_watched_weighs(events) -> None:
    events[n.WATCH_FRACTION] = [0, 1, 0.5, 0.5]
    np.testing.assert_allclose(built(events).events.weight, [1, 0.3, 0.65, 0.65], rtol=1e-6)


def test_not_for_me_is_never_a_like(events) -> None:
    events[n.EVENT_TYPE] = pd.Series(["view", "not_for_me", None, "useful"], dtype="str")
    data = built(events)
    assert data.events.positive.tolist() == [True, False, True, True]
    assert data.history.nnz == 3


def test_not_for_me_is_a_dislike_where_likes_are_told_apart(events) -> None:
    events[n.EVENT_TYPE] = pd.Series(["view", "not_for_me", None, "useful"], dtype="str")
    events[n.LIKED] = pd.Series([None, False, None, True], dtype="boolean")
    data = built(events)
    assert data.events.positive.tolist() == [False, False, False, True]
    np.testing.assert_equal(data.events.label, np.float32([np.nan, 0, np.nan, 1]))
