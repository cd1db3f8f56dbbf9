"""What is held out: new movies only, and nothing left out uncounted."""

import numpy as np
import pandas as pd

from recsys_pipeline.data.dataset import Dataset, Events
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.evaluation.held_out import hold_out

NAN = float("nan")


def events_of(rows: list[tuple[int, int, bool, float]], *, labelled: bool = True) -> Events:
    """Events of (user, item, positive, label)."""
    return Events(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int32),
        None,
        np.array([row[2] for row in rows], dtype=bool),
        np.ones(len(rows), dtype=np.float32),
        np.array([row[3] for row in rows], dtype=np.float32) if labelled else None,
    )


def train_of(rows: list[tuple[int, int, bool, float]]) -> Dataset:
    users, items = IdMap.of(range(6)), IdMap.of(range(5))
    frames = pd.DataFrame(index=range(6)), pd.DataFrame(index=range(5))
    return Dataset(users, items, events_of(rows), *frames, None)


TRAIN = train_of([(0, 0, True, 1.0), (4, 1, False, 0.0)])
TEST = events_of(
    [
        (4, 3, True, 1.0),
        (4, 3, True, 1.0),  # again: one relevant item, two exposures
        (4, 1, True, 1.0),  # met in training, though not liked there
        (2, 0, False, 0.0),
        (5, 2, False, NAN),  # says nothing
        (1, 4, True, NAN),  # liked, not labelled
    ]
)


def test_users_are_those_about_whom_the_test_says_something() -> None:
    found = hold_out(TRAIN, TEST)
    assert found.users.tolist() == [1, 2, 4]
    assert found.relevant.toarray().tolist() == [
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
    ]
    assert (found.n_repeated, found.n_excluded, found.n_items) == (1, 0, 5)


def test_exposures_are_the_labelled_events() -> None:
    exposures = hold_out(TRAIN, TEST).exposures
    assert exposures is not None
    assert exposures.row.tolist() == [2, 2, 1]
    assert exposures.item.tolist() == [3, 3, 0]
    assert exposures.liked.tolist() == [True, True, False]
    assert exposures.n_users == 3


def test_items_that_do_not_count_are_left_out_and_counted() -> None:
    counts = np.array([True, False, True, False, True])
    found = hold_out(TRAIN, TEST, counts=counts)
    assert found.users.tolist() == [1, 2]
    assert (found.n_repeated, found.n_excluded) == (1, 2)


def test_without_labels_there_are_no_exposures() -> None:
    test = events_of([(1, 4, True, NAN)], labelled=False)
    assert hold_out(TRAIN, test).exposures is None
    assert hold_out(TRAIN, events_of([(1, 4, True, NAN)])).exposures is None


def test_nothing_held_out() -> None:
    found = hold_out(TRAIN, events_of([]))
    assert found.users.shape == (0,)
    assert found.relevant.shape == (0, 5)
    assert found.exposures is None
