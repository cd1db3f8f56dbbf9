"""What is known of the users between two runs: stored, read again, and brought up to now."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig, WeightsConfig
from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.data.people import People
from recsys_pipeline.data.stored import EVENTS_FILE, load_dataset, save_dataset, without_user
from recsys_pipeline.errors import ModelError

AS_OF = pd.Timestamp("2024-02-01", tz="UTC")
LIKES = LikesConfig(weights=WeightsConfig(half_life_days=30))


def at(day: int) -> pd.Timestamp:
    return pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=day)


def tables(users: list[object] | None = None) -> dict[str, pd.DataFrame]:
    users = users or [3, 5, 8, 9]
    return {
        "users": pd.DataFrame({n.USER_ID: users, n.AGE: [30.0, 41.0, None, 22.0]}),
        "movies": pd.DataFrame({n.MOVIE_ID: [10, 11, 12, 13]}),
        "interactions": pd.DataFrame(
            {
                n.USER_ID: [users[0], users[0], users[1], users[2], users[0]],
                n.MOVIE_ID: [10, 12, 10, 13, 11],
                n.TIMESTAMP: [at(1), at(5), at(2), at(9), at(3)],
                n.LIKED: [True, True, False, True, False],
            }
        ),
    }


@pytest.fixture
def data() -> Dataset:
    return build_dataset(**tables(), likes=LIKES, as_of=AS_OF)


def same(one: UserBatch, other: UserBatch) -> None:
    for name in ("history", "seen", "recency"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine.toarray(), theirs.toarray())
    pd.testing.assert_frame_equal(
        one.profiles.reset_index(drop=True), other.profiles.reset_index(drop=True)
    )


def test_what_is_stored_comes_back(data, tmp_path) -> None:
    save_dataset(data, tmp_path)
    back = load_dataset(tmp_path, data.movies)
    assert back.as_of == data.as_of
    assert back.columns == data.columns == (n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.LIKED)
    assert back.users.values.tolist() == [3, 5, 8, 9]
    for field in fields(data.events):
        np.testing.assert_array_equal(
            getattr(back.events, field.name), getattr(data.events, field.name)
        )
    pd.testing.assert_frame_equal(back.profiles, data.profiles)


def test_times_and_labels_may_be_missing(tmp_path) -> None:
    given = tables()
    given["interactions"] = given["interactions"][[n.USER_ID, n.MOVIE_ID]]
    data = build_dataset(**given, likes=LikesConfig(), as_of=None)
    save_dataset(data, tmp_path)
    back = load_dataset(tmp_path, data.movies)
    assert (back.events.time, back.events.label, back.as_of) == (None, None, None)


def test_a_damaged_file_is_told(data, tmp_path) -> None:
    save_dataset(data, tmp_path)
    (tmp_path / EVENTS_FILE).write_bytes(b"no parquet")
    with pytest.raises(ModelError, match="cannot be read"):
        load_dataset(tmp_path, data.movies)


def test_each_user_is_known_as_in_the_dataset(data) -> None:
    people = People.of(data, LIKES)
    same(people.batch([0, 1, 2, 3]), data.batch())
    same(people.batch([2]), data.batch(np.array([2])))


@pytest.mark.parametrize("since", [4, 40])
def test_what_came_in_since_counts_as_if_it_had_been_there(data, since) -> None:
    """The weight of a like is its age before the newest event of the last run."""
    later = pd.DataFrame(
        {n.MOVIE_ID: [13, 11], n.TIMESTAMP: [at(since), at(since + 1)], n.LIKED: [True, False]}
    )
    given = tables()
    known = given["interactions"]
    given["interactions"] = pd.concat([known, later.assign(**{n.USER_ID: 3})])
    whole = build_dataset(**given, likes=LIKES, as_of=at(60))
    people = People.of(data, LIKES)
    found = people.batch([0], [later])
    expected = whole.batch(np.array([0]))
    np.testing.assert_array_equal(found.seen.toarray(), expected.seen.toarray())
    np.testing.assert_array_equal(found.recency.toarray(), expected.recency.toarray())
    if since < 9:
        np.testing.assert_allclose(found.history.toarray(), expected.history.toarray(), rtol=1e-6)
    else:
        assert found.history.toarray()[0, 3] == 1


def test_somebody_unknown_is_known_by_what_came_in(data) -> None:
    people = People.of(data, LIKES)
    later = pd.DataFrame({n.MOVIE_ID: [12], n.TIMESTAMP: [at(30)], n.LIKED: [True]})
    found = people.batch([-1, 1], [later, None])
    assert found.history.toarray().tolist()[0] == [0, 0, 1, 0]
    assert found.profiles[n.AGE].isna().tolist() == [True, False]
    assert len(people.batch([-1]).seen.data) == 0


@pytest.mark.parametrize(
    ("ids", "text", "row"),
    [
        ([3, 5, 8, 9], "5", 1),
        ([3, 5, 8, 9], "05", -1),
        ([3, 5, 8, 9], "x", -1),
        ([3, 5, 8, 9], "9" * 40, -1),
        ([3, 5, 8, 9], "٣", -1),
        ([-3, 5, 8, 9], "-3", 0),
        (["a", "b", "c", "d"], "b", 1),
        (["a", "b", "c", "d"], "5", -1),
    ],
)
def test_ids_are_found_as_texts(ids, text, row) -> None:
    data = build_dataset(**tables(ids), likes=LIKES, as_of=AS_OF)
    assert People.of(data, LIKES).row_of(text) == row


def test_without_a_user_the_others_are_as_before(data) -> None:
    left = without_user(data, 5)
    assert left.users.values.tolist() == [3, 8, 9]
    same(left.batch(), data.batch(np.array([0, 2, 3])))
    assert without_user(data, 77) is data
