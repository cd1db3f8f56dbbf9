"""Datasets from a matrix of weights."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.data.dataset import Dataset, Events
from recsys_pipeline.data.ids import IdMap


def dataset_of(
    weights: np.ndarray,
    *,
    time: np.ndarray | None = None,
    label: np.ndarray | None = None,
    as_of: pd.Timestamp | None = None,
    movies: pd.DataFrame | None = None,
    profiles: pd.DataFrame | None = None,
) -> Dataset:
    """One event for each cell of `weights` that is not 0, row by row; all are likes.

    `time` (µs) and `label` are matrices of the same shape; with a label, likes are where it is 1.
    """
    user, item = np.nonzero(weights)
    labels = None if label is None else label[user, item].astype(np.float32)
    events = Events(
        user.astype(np.int32),
        item.astype(np.int32),
        None if time is None else time[user, item].astype(np.int64),
        np.ones(len(user), dtype=bool) if labels is None else labels == 1,
        weights[user, item].astype(np.float32),
        labels,
    )
    n_users, n_items = weights.shape
    return Dataset(
        IdMap.of(range(n_users)),
        IdMap.of(range(n_items)),
        events,
        pd.DataFrame(index=range(n_users)) if profiles is None else profiles,
        pd.DataFrame(index=range(n_items)) if movies is None else movies,
        as_of,
    )


@pytest.fixture
def make_data() -> Callable[..., Dataset]:
    return dataset_of


@pytest.fixture
def sparse_weights() -> Callable[[int, int], np.ndarray]:
    """Random weights 0.3 to 1 in a fifth of the cells; the last item has none."""

    def build(n_users: int, n_items: int) -> np.ndarray:
        rng = np.random.default_rng(n_users * 1000 + n_items)
        cells = rng.random((n_users, n_items)) < 0.2
        cells[:, -1] = False
        return cells * rng.uniform(0.3, 1, cells.shape)

    return build
