"""From clean tables to arrays: order, time, and what counts as a like."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import SettingsError

LIKES = LikesConfig()


def built(tables, likes: LikesConfig = LIKES, as_of: pd.Timestamp | None = None) -> Dataset:
    return build_dataset(tables.users, tables.movies, tables.interactions, likes, as_of)


@pytest.fixture
def tables(make_tables, day):
    return make_tables(
        {n.USER_ID: ["v", "u"], n.AGE: [50, 20]},
        {n.MOVIE_ID: [30, 10, 20], n.TITLE: ["c", "a", "b"]},
        {
            n.USER_ID: ["v", "u", "u", "v"],
            n.MOVIE_ID: [10, 30, 20, 30],
            n.TIMESTAMP: [day(3), day(2), day(2), day(1)],
            n.LIKED: [True, False, None, True],
            n.RATING: [5.0, 0.5, None, 3.0],
        },
    )


def test_rows_are_in_order_of_ids_and_events_in_order_of_time_user_item(tables, day) -> None:
    data = built(tables, as_of=day(9))
    assert data.profiles[n.AGE].tolist() == [20, 50]
    assert data.movies[n.TITLE].tolist() == ["a", "b", "c"]
    assert data.events.user.tolist() == [1, 0, 0, 1]
    assert data.events.item.tolist() == [2, 1, 2, 0]
    assert data.events.time.tolist() == [day(d).value // 1000 for d in (1, 2, 2, 3)]
    assert data.as_of == day(9)


def test_the_order_of_the_rows_does_not_matter(tables, day) -> None:
    first = built(tables, as_of=day(9))
    shuffled = built(
        type(tables)(tables.users[::-1], tables.movies[::-1], tables.interactions[::-1]),
        as_of=day(9),
    )
    for name in ("user", "item", "time", "positive", "weight", "label"):
        np.testing.assert_array_equal(getattr(first.events, name), getattr(shuffled.events, name))
    pd.testing.assert_frame_equal(first.profiles, shuffled.profiles)


def test_what_comes_after_as_of_is_not_known(tables, day) -> None:
    assert built(tables, as_of=day(2)).events.item.tolist() == [2, 1, 2]
    assert built(tables, as_of=day(1)).events.item.tolist() == [2]
    assert len(built(tables, as_of=None).events) == 4


def test_a_missing_time_counts_as_the_earliest(tables, day) -> None:
    tables.interactions.loc[0, n.TIMESTAMP] = pd.NaT
    data = built(tables, as_of=day(9))
    assert data.events.time.min() == day(1).value // 1000
    assert len(data.events) == 4


@pytest.mark.parametrize("without", ["column", "values"])
def test_without_times_the_moment_is_kept_for_what_is_available(tables, day, without: str) -> None:
    if without == "column":
        del tables.interactions[n.TIMESTAMP]
    else:
        tables.interactions[n.TIMESTAMP] = pd.Series(
            [None] * 4, dtype=tables.interactions[n.TIMESTAMP].dtype
        )
    data = built(tables, as_of=day(9))
    assert data.events.time is None
    assert data.as_of == day(9)
    assert built(tables).as_of is None
    assert data.events.user.tolist() == [0, 0, 1, 1]
    assert data.events.item.tolist() == [1, 2, 0, 2]


def by_pair(data: Dataset, values: np.ndarray) -> dict[tuple[str, int], float]:
    pairs = zip(data.users.id_of(data.events.user), data.items.id_of(data.events.item), strict=True)
    return dict(zip(pairs, values.tolist(), strict=True))


def test_liked_decides_where_it_is(tables) -> None:
    data = built(tables)
    assert by_pair(data, data.events.positive) == {
        ("v", 10): True, ("u", 30): False, ("u", 20): False, ("v", 30): True
    }  # fmt: skip
    label = by_pair(data, data.events.label)
    assert (label["v", 10], label["u", 30]) == (1, 0)
    assert np.isnan(label["u", 20])
    assert set(data.events.weight) == {1.0}


def test_without_liked_everything_counts_by_its_rating(tables) -> None:
    del tables.interactions[n.LIKED]
    data = built(tables, LikesConfig(lowest_weight=0.4))
    assert data.events.positive.all()
    assert data.events.label is None
    weight = by_pair(data, data.events.weight)
    # 0.5 stars weigh 0.4, 5 stars and no rating 1, and 3 stars lie 5/9 of the way between.
    expected = {("u", 30): 0.4, ("v", 10): 1, ("u", 20): 1, ("v", 30): 0.4 + 0.6 * 5 / 9}
    assert weight == pytest.approx(expected)


def test_without_liked_and_rating_everything_counts_alike(tables) -> None:
    del tables.interactions[n.LIKED], tables.interactions[n.RATING]
    data = built(tables)
    assert data.events.positive.all()
    assert set(data.events.weight) == {1.0}


def test_a_rating_likes_from_the_least_rating_on(tables) -> None:
    data = built(tables, LikesConfig(positive="rating", min_rating=3))
    assert by_pair(data, data.events.positive) == {
        ("v", 10): True, ("u", 30): False, ("u", 20): False, ("v", 30): True
    }  # fmt: skip
    assert np.isnan(by_pair(data, data.events.label)["u", 20])


@pytest.mark.parametrize("column", [n.LIKED, n.RATING])
def test_likes_by_a_column_that_is_not_there_are_refused(tables, column: str) -> None:
    del tables.interactions[column]
    with pytest.raises(SettingsError, match=column) as caught:
        built(tables, LikesConfig(positive=column))
    assert "positive = 'all'" in caught.value.hint


def test_the_tables_are_not_changed(tables, day) -> None:
    before = [tables.table(name).copy() for name in ("users", "movies", "interactions")]
    built(tables, as_of=day(2))
    for old, name in zip(before, ("users", "movies", "interactions"), strict=True):
        pd.testing.assert_frame_equal(old, tables.table(name))
