"""What the history says of a user, by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.derived import with_history_columns

DERIVED = [n.HISTORY_LENGTH, n.HISTORY_LIKED_SHARE, n.HISTORY_GENRES, n.HISTORY_LAST_AT]


@pytest.fixture
def tables(make_tables, day):
    return make_tables(
        {n.USER_ID: [3, 1, 2]},
        {
            n.MOVIE_ID: [10, 20, 30],
            n.GENRES: [["War", "Drama", "War"], ["Drama", "Comedy", "Action"], None],
        },
        {
            n.USER_ID: [1, 1, 1, 3, 1],
            n.MOVIE_ID: [10, 20, 30, 20, 10],
            n.TIMESTAMP: [day(1), day(2), day(3), day(4), day(9)],
            n.LIKED: [True, True, None, False, False],
        },
    )


def derived(tables, as_of):
    data = build_dataset(tables.users, tables.movies, tables.interactions, LikesConfig(), as_of)
    return with_history_columns(tables.users, data).set_index(n.USER_ID)


def test_history_columns(tables, day) -> None:
    found = derived(tables, day(5))
    assert found.index.tolist() == [3, 1, 2]
    assert found[n.HISTORY_LENGTH].to_dict() == {3: 0, 1: 2, 2: 0}
    assert found[n.HISTORY_LIKED_SHARE].fillna(-1).to_dict() == {3: 0.0, 1: 1.0, 2: -1}
    # Drama twice; of those that came once the first three by name, and War named twice counts once.
    assert list(found.loc[1, n.HISTORY_GENRES]) == ["Drama", "Action", "Comedy"]
    assert list(found.loc[3, n.HISTORY_GENRES]) == []
    assert found[n.HISTORY_LAST_AT].to_dict() == {3: day(4), 1: day(3), 2: pd.NaT}


def test_what_comes_later_changes_nothing(tables, day) -> None:
    later = derived(tables, day(10))
    assert later.loc[1, n.HISTORY_LIKED_SHARE] == pytest.approx(2 / 3)
    assert later.loc[1, n.HISTORY_LAST_AT] == day(9)
    earlier = derived(tables, day(5))
    without = replace(tables, interactions=tables.interactions.drop(index=4))
    pd.testing.assert_frame_equal(derived(without, day(5)), earlier)


def test_what_cannot_be_said_is_not_there(tables, day) -> None:
    del tables.interactions[n.TIMESTAMP], tables.interactions[n.LIKED], tables.movies[n.GENRES]
    found = derived(tables, None)
    assert [name for name in DERIVED if name in found.columns] == [n.HISTORY_LENGTH]
    assert found[n.HISTORY_LENGTH].to_dict() == {3: 1, 1: 3, 2: 0}


def test_nobody_liked_anything(tables, day) -> None:
    tables.interactions[n.LIKED] = pd.array([False] * 5, dtype="boolean")
    found = derived(tables, day(5))
    assert found[n.HISTORY_LENGTH].tolist() == [0, 0, 0]
    assert [list(each) for each in found[n.HISTORY_GENRES]] == [[], [], []]


def test_users_are_not_changed(tables, day) -> None:
    before = tables.users.copy()
    derived(tables, day(5))
    pd.testing.assert_frame_equal(before, tables.users)
