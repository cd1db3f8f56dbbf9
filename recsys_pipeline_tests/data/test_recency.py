"""Recency: in which order a user liked movies, and histories in which older likes count less."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.data.dataset import Dataset, Events
from recsys_pipeline.data.ids import IdMap

N_USERS, N_ITEMS = 3, 4

Row = tuple[int, int, int, bool, float]
ROWS: tuple[Row, ...] = (
    # user, item, time, positive, weight
    (0, 3, 10, True, 1.0),
    (0, 1, 20, False, 1.0),
    (0, 2, 30, True, 0.5),
    (0, 0, 40, True, 1.0),
    (0, 1, 50, True, 0.8),
    (2, 3, 60, True, 1.0),
    (2, 1, 60, True, 1.0),
)


def dataset(rows: Sequence[Row], *, timed: bool = True) -> Dataset:
    user, item, time, positive, weight = (
        np.array([row[column] for row in rows]) for column in range(5)
    )
    events = Events(
        user.astype(np.int32),
        item.astype(np.int32),
        time.astype(np.int64) if timed else None,
        positive.astype(bool),
        weight.astype(np.float32),
        None,
    )
    profiles = pd.DataFrame(index=range(N_USERS))
    return Dataset(
        IdMap.of(range(N_USERS)), IdMap.of(range(N_ITEMS)), events, profiles, profiles, None
    )


def test_the_newest_like_has_1_and_the_oldest_of_four_a_quarter() -> None:
    data = dataset(ROWS)
    assert data.recency is not None
    expected = np.float32([[0.75, 1, 0.5, 0.25], [0, 0, 0, 0], [0, 0.5, 0, 1]])
    np.testing.assert_array_equal(data.recency.toarray(), expected)
    assert data.recency.dtype == np.float32


def test_it_has_the_entries_of_the_history() -> None:
    data = dataset(ROWS)
    assert data.recency is not None
    np.testing.assert_array_equal(data.recency.indptr, data.history.indptr)
    np.testing.assert_array_equal(data.recency.indices, data.history.indices)


def test_a_cut_knows_the_order_up_to_it_only() -> None:
    data = dataset(ROWS)
    earlier = data.cut(data.events.time <= 30, None)
    assert earlier.recency is not None
    assert earlier.recency.toarray()[0].tolist() == [0, 0, 1, 0.5]
    assert earlier.recency.nnz == 2


def test_what_is_liked_again_is_new_again() -> None:
    again = dataset([*ROWS, (0, 3, 70, True, 1.0)])
    assert again.recency is not None
    newest = again.recency.toarray()[0]
    assert newest[3] == 1
    assert newest[2] < newest[0] < newest[1] < 1


def test_without_times_nobody_knows_the_order() -> None:
    data = dataset(ROWS, timed=False)
    assert data.recency is None
    batch = data.batch()
    assert batch.recency is None
    assert batch.take(slice(0, 1)).recency is None
    assert batch.aged(0.5) is batch.history


def test_an_older_like_counts_less() -> None:
    aged = dataset(ROWS).batch().aged(0.5)
    # Each weight times one half plus half of the recency.
    expected = np.float32([[0.875, 0.8, 0.375, 0.625], [0, 0, 0, 0], [0, 0.75, 0, 1]])
    np.testing.assert_allclose(aged.toarray(), expected, rtol=1e-6)
    assert aged.dtype == np.float32


def test_with_1_the_history_stays_as_it_is() -> None:
    batch = dataset(ROWS).batch()
    assert batch.aged(1.0) is batch.history


def test_ageing_changes_nothing_that_it_was_handed() -> None:
    batch = dataset(ROWS).batch()
    before = batch.history.toarray()
    batch.aged(0.1)
    np.testing.assert_array_equal(batch.history.toarray(), before)


@pytest.mark.parametrize("user", range(N_USERS))
def test_one_user_is_a_batch_of_one(user: int) -> None:
    data = dataset(ROWS)
    whole, alone = data.batch(), data.batch(np.array([user]))
    for batch in (alone, whole.take(np.array([user]))):
        assert batch.recency is not None
        np.testing.assert_array_equal(batch.recency.toarray(), data.recency[[user]].toarray())
        np.testing.assert_array_equal(batch.aged(0.3).toarray(), whole.aged(0.3)[[user]].toarray())


rows = st.lists(
    st.tuples(
        st.integers(0, N_USERS - 1),
        st.integers(0, N_ITEMS - 1),
        st.integers(0, 5),
        st.booleans(),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=20,
)


@given(rows)
def test_the_newest_has_1_everything_lies_above_0_and_order_is_kept(found: list[Row]) -> None:
    data = dataset(found)
    assert data.recency is not None
    assert data.recency.nnz == data.history.nnz
    for user in range(N_USERS):
        last: dict[int, tuple[int, int]] = {}
        for who, item, time, positive, _ in found:
            if who == user and positive:
                last[item] = max(last.get(item, (-1, -1)), (time, item))
        shares = data.recency[[user]].toarray()[0]
        ordered = [shares[item] for item in sorted(last, key=last.__getitem__)]
        assert ordered == sorted(ordered)
        assert len(set(ordered)) == len(ordered)
        assert ordered[-1:] in ([], [1.0])
        assert (shares[list(last)] > 0).all()
