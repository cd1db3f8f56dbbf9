"""Columns of the users table that come from their history as of a moment."""

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.genres import flat_lists

_TOP_GENRES = 3


def with_history_columns(users: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """`users` with what their history in `data` says of them.

    Adds history_length (movies liked), history_liked_share (of the events that say it; missing
    where none does), history_genres (up to three genres, most liked first, ties by name) and
    history_last_at. One row per user, in the order of `users`.
    """
    rows = data.users.index_of(users[n.USER_ID])
    lengths = np.diff(data.history.indptr)
    added = users.copy()
    added[n.HISTORY_LENGTH] = pd.array(lengths[rows], dtype="Int64")
    if data.events.label is not None:
        added[n.HISTORY_LIKED_SHARE] = _liked_share(data)[rows]
    if n.GENRES in data.movies.columns:
        added[n.HISTORY_GENRES] = _genres(data).take(rows)
    if data.events.time is not None:
        last = np.full(data.n_users, np.iinfo(np.int64).min, dtype=np.int64)
        np.maximum.at(last, data.events.user, data.events.time)
        moments = pd.Series(last.view("datetime64[us]")).dt.tz_localize("UTC")
        added[n.HISTORY_LAST_AT] = moments.take(rows).array
    return added


def _liked_share(data: Dataset) -> np.ndarray:
    label = data.events.label
    assert label is not None
    said = ~np.isnan(label)
    likes = np.bincount(data.events.user[said], weights=label[said], minlength=data.n_users)
    total = np.bincount(data.events.user[said], minlength=data.n_users)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(likes / total)


def _genres(data: Dataset) -> pd.api.extensions.ExtensionArray:
    """The most liked genres of each user, as an array of lists."""
    rows, texts = flat_lists(data.movies[n.GENRES])
    by_item = pd.DataFrame({"item": rows, "genre": texts}).drop_duplicates()
    history = data.history.tocoo()
    pairs = pd.DataFrame({"user": history.row, "item": history.col, "weight": history.data})
    counts = (
        pairs.merge(by_item, on="item")
        .groupby(["user", "genre"], as_index=False)["weight"]
        .sum()
        .sort_values(["user", "weight", "genre"], ascending=[True, False, True])
    )
    top = counts[counts.groupby("user").cumcount() < _TOP_GENRES]
    lengths = np.bincount(top["user"], minlength=data.n_users)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    genres = pa.array(top["genre"].to_numpy(dtype=object), type=pa.string())
    array = pa.ListArray.from_arrays(offsets, genres)
    return pd.array(array, dtype=PANDAS_DTYPES[Kind.TEXTS])
