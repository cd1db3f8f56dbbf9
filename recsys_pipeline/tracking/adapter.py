"""DataFrame in, DataFrame out: how a released model is asked through the registry.

A request has one row per user. All columns but `HISTORY` may be left out:

- `HISTORY`: ids of the movies that the user liked, oldest first: a list, or a text with a JSON
  list. Ids may be texts or numbers; they are cast to the type of the catalogue's.
- `HISTORY_WEIGHTS`: how much each of them counts (> 0), a list of the same length; 1 by default.
- `SEEN`: ids of further movies that the user met and that are not to be recommended.
- `K`: length of this user's list; wins over the param of the call.
- the columns of the users table, such as age and preferred_genres, and any further one that the
  model was trained with. A user id is not needed and not used.
"""

import re
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError
from recsys_pipeline.tracking.request_values import is_null, lists_of, profiles_of

HISTORY: Final = "history"
HISTORY_WEIGHTS: Final = "history_weights"
SEEN: Final = "seen"
K: Final = "k"
REQUEST_COLUMNS: Final = (HISTORY, HISTORY_WEIGHTS, SEEN, K)
UNKNOWN_MOVIES: Final = "unknown_movies"
DEFAULT_K: Final = 10

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


class Lists(Protocol):
    """What `Released.recommend` returns: see `recsys_pipeline.ranking`."""

    @property
    def items(self) -> Int32Array: ...

    @property
    def scores(self) -> Float32Array: ...

    @property
    def sources(self) -> npt.NDArray[Any]: ...


class Released(Protocol):
    """What is needed of a released model: see `recsys_pipeline.ranking`."""

    @property
    def items(self) -> IdMap: ...

    @property
    def movies(self) -> pd.DataFrame: ...

    def recommend(self, users: UserBatch, k: int, allowed: BoolArray | None = None) -> Lists: ...


def recommend_frame(model: Released, requests: pd.DataFrame, k: int = DEFAULT_K) -> pd.DataFrame:
    """The lists of the users in `requests`, one row per user and rank.

    Args:
        requests: one row per user; see the module.
        k: length of a list where the request does not say.

    Returns:
        columns row (int64, position of the user in `requests`, from 0), rank (from 1), movie_id,
        score (float64, 0 to 1), source, title (null where the catalogue has none) and
        unknown_movies (int64, how many ids of that user's request the catalogue does not know;
        they are ignored). In order of row and rank; no rows for a user with an empty list.

    Raises:
        ModelError: a value cannot be read; the message names row and column.
    """
    users, unknown = user_batch(requests, model.items)
    # No list is longer than the catalogue, whatever is asked for.
    lengths = np.minimum(_list_lengths(requests, k), max(1, len(model.items)))
    shape = (len(requests), int(lengths.max(initial=0)))
    items = np.full(shape, -1, dtype=np.int32)
    scores = np.zeros(shape, dtype=np.float64)
    sources = np.full(shape, "", dtype=object)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        lists = model.recommend(users.take(rows), int(length))
        width = lists.items.shape[1]
        items[rows, :width] = lists.items
        scores[rows, :width] = lists.scores
        sources[rows, :width] = lists.sources
    row, place = np.nonzero(items >= 0)
    index = items[row, place]
    return pd.DataFrame(
        {
            n.ROW: row,
            n.RANK: place + 1,
            n.MOVIE_ID: model.items.id_of(index),
            n.SCORE: scores[row, place],
            n.SOURCE: pd.Series(sources[row, place], dtype="str"),
            n.TITLE: _titles(model.movies, index),
            UNKNOWN_MOVIES: unknown[row],
        }
    )


def user_batch(requests: pd.DataFrame, items: IdMap) -> tuple[UserBatch, npt.NDArray[np.int64]]:
    """What `requests` say of their users, as a recommender takes it.

    Args:
        requests: one row per user; see the module.
        items: the catalogue.

    Returns:
        the batch, and how many ids of each request the catalogue does not know, int64 ``(n,)``.
        Profile columns that are not given are null; given ones have the dtype of the contract.

    Raises:
        ModelError: a value cannot be read; the message names row and column.
    """
    liked = lists_of(requests, HISTORY)
    weights = [
        _weights(row, cell, len(liked[row]))
        for row, cell in enumerate(lists_of(requests, HISTORY_WEIGHTS))
    ]
    met = [[*ids, *more] for ids, more in zip(liked, lists_of(requests, SEEN), strict=True)]
    rows, index = _pairs(met, items)
    unknown = np.bincount(rows[index < 0], minlength=len(met)).astype(np.int64)
    seen = _matrix(rows, index, np.ones(len(rows)), (len(met), len(items)))
    rows, index = _pairs(liked, items)
    history = _matrix(
        rows, index, np.concatenate([np.empty(0), *weights]), (len(liked), len(items))
    )
    places = [np.arange(1, len(ids) + 1) / max(len(ids), 1) for ids in liked]
    recency = _matrix(rows, index, np.concatenate([np.empty(0), *places]), (len(liked), len(items)))
    profiles = profiles_of(requests.drop(columns=list(REQUEST_COLUMNS), errors="ignore"))
    return UserBatch(history, seen, profiles, recency), unknown


def _weights(row: int, cell: list[Any], length: int) -> npt.NDArray[np.float64]:
    """The weights of a history of `length` movies; ones where none are given."""
    if not cell:
        return np.ones(length)
    try:
        weights = np.asarray(cell, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.full(length, np.nan)
    if weights.shape != (length,) or not (np.isfinite(weights) & (weights > 0)).all():
        raise ModelError(
            f"Row {row} of the request: {HISTORY_WEIGHTS} does not fit {HISTORY}.",
            f"Give one number above 0 for each of its {length} movies, or leave it out.",
        )
    return weights


def _pairs(lists: list[list[Any]], items: IdMap) -> tuple[npt.NDArray[np.int64], Int32Array]:
    """Row and index in the catalogue of every id in `lists`; −1 for an unknown one."""
    rows = np.repeat(np.arange(len(lists)), [len(ids) for ids in lists])
    return rows, _index_of([entry for ids in lists for entry in ids], items)


def _matrix(
    rows: npt.NDArray[np.int64],
    index: Int32Array,
    values: npt.NDArray[np.float64],
    shape: tuple[int, int],
) -> sp.csr_matrix:
    """CSR float32 with the largest value of each known pair; column indices sorted."""
    known = index >= 0
    pairs, place = np.unique(rows[known] * shape[1] + index[known], return_inverse=True)
    largest = np.zeros(len(pairs), dtype=np.float32)
    np.maximum.at(largest, place, values[known].astype(np.float32))
    return sp.csr_matrix((largest, (pairs // shape[1], pairs % shape[1])), shape=shape)


def _index_of(ids: list[Any], items: IdMap) -> Int32Array:
    """Index of each id in the catalogue, int32, −1 for an unknown one, whatever type it has."""
    if not ids:
        return np.empty(0, dtype=np.int32)
    if pd.api.types.is_integer_dtype(items.values.dtype):
        numbers = [_whole(entry) for entry in ids]
        index = items.index_of(pd.Index([0 if x is None else x for x in numbers], dtype="int64"))
        index[[x is None for x in numbers]] = -1
        return index
    texts = [_text_id(entry) for entry in ids]
    return items.index_of(pd.Index(texts, dtype=items.values.dtype))


def _whole(value: Any) -> int | None:
    """`value` as a whole number, or None if it is none that fits 64 bits."""
    text = _text_id(value)
    number = int(text) if _WHOLE.fullmatch(text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _text_id(value: Any) -> str:
    """`value` as the text of an id: JSON and pandas turn 12 into 12.0; empty for a null."""
    if is_null(value):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _list_lengths(requests: pd.DataFrame, k: int) -> npt.NDArray[np.int64]:
    """Wanted length of each list, int64 ``(n,)``."""
    given = requests[K] if K in requests.columns else [None] * len(requests)
    lengths = [k if is_null(value) else _whole(value) for value in given]
    for row, length in enumerate(lengths):
        if length is None or length < 1:
            raise ModelError(
                f"Row {row} of the request: {K} is no whole number above 0.",
                f"Leave it out for the usual {DEFAULT_K}.",
            )
    return np.array(lengths, dtype=np.int64)


def _titles(movies: pd.DataFrame, index: Int32Array) -> pd.Series:
    """Titles as objects, so that a missing one is None: JSON has no NaN."""
    if n.TITLE not in movies.columns:
        return pd.Series([None] * len(index), dtype=object)
    titles = movies[n.TITLE].iloc[index]
    return pd.Series([None if is_null(title) else str(title) for title in titles], dtype=object)
