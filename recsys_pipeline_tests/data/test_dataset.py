"""Matrices of a Dataset, by hand."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.data.dataset import Dataset, Events
from recsys_pipeline.data.ids import IdMap

ROWS = [
    # user, item, time, positive, weight, label
    (0, 1, 10, True, 0.4, 1.0),
    (2, 0, 20, False, 1.0, 0.0),
    (0, 1, 30, True, 0.9, 1.0),
    (0, 1, 40, True, 0.6, np.nan),
    (2, 2, 50, True, 0.5, 1.0),
]


@pytest.fixture
def data() -> Dataset:
    user, item, time, positive, weight, label = (
        np.array(column) for column in zip(*ROWS, strict=True)
    )
    events = Events(
        user.astype(np.int32),
        item.astype(np.int32),
        time.astype(np.int64),
        positive,
        weight.astype(np.float32),
        label.astype(np.float32),
    )
    profiles = pd.DataFrame({"age": [20.0, 30.0, 40.0]})
    as_of = pd.Timestamp("2023-05-01", tz="UTC")
    ids = IdMap.of([7, 8, 9])
    return Dataset(ids, ids, events, profiles, pd.DataFrame(index=range(3)), as_of)


def test_history_has_the_largest_weight_of_each_liked_pair(data: Dataset) -> None:
    expected = np.array([[0, 0.9, 0], [0, 0, 0], [0, 0, 0.5]], dtype=np.float32)
    assert (data.history.toarray() == expected).all()
    assert data.history.dtype == np.float32


def test_seen_has_what_was_disliked_too(data: Dataset) -> None:
    assert data.seen.toarray().tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_a_batch_has_the_users_that_were_asked_for_in_that_order(data: Dataset) -> None:
    batch = data.batch(np.array([2, 0]))
    assert batch.profiles["age"].tolist() == [40, 20]
    assert batch.history.toarray()[:, 1].tolist() == [0, np.float32(0.9)]
    assert batch.history_lengths.tolist() == [1, 1]
    assert batch.take(slice(1, 2)).profiles["age"].tolist() == [20]
    assert len(data.batch()) == 3
    assert data.batch().history_lengths.tolist() == [1, 0, 1]


def test_a_cut_has_its_own_matrices_and_leaves_the_whole_alone(data: Dataset) -> None:
    whole = data.history.toarray()
    earlier = data.cut(data.events.time < 25, pd.Timestamp("2023-04-01", tz="UTC"))
    assert earlier.history.toarray()[0].tolist() == [0, np.float32(0.4), 0]
    assert earlier.seen.toarray()[2].tolist() == [1, 0, 0]
    assert earlier.as_of < data.as_of
    assert len(earlier.events) == 2
    assert (data.history.toarray() == whole).all()
    assert len(data.events) == len(ROWS)


def test_without_events_the_matrices_are_empty(data: Dataset) -> None:
    nothing = data.cut(np.zeros(len(ROWS), dtype=bool), None)
    assert nothing.history.shape == nothing.seen.shape == (3, 3)
    assert nothing.history.nnz == nothing.seen.nnz == 0


def test_taking_events_takes_every_column(data: Dataset) -> None:
    taken = data.events.take(np.array([4, 0]))
    assert taken.user.tolist() == [2, 0]
    assert taken.item.tolist() == [2, 1]
    assert taken.time is not None
    assert taken.time.tolist() == [50, 10]
    assert taken.label is not None
    assert taken.label.tolist() == [1, 1]
    bare = Events(data.events.user, data.events.item, None, data.events.positive,
                  data.events.weight, None)  # fmt: skip
    assert bare.take(np.array([1])).time is None
    assert bare.take(np.array([1])).label is None
