"""From the clean tables to a Dataset."""

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import BoolArray, Dataset, Events, Float32Array
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import SettingsError

_RATING = INTERACTIONS.column(n.RATING)


def build_dataset(
    users: pd.DataFrame,
    movies: pd.DataFrame,
    interactions: pd.DataFrame,
    likes: LikesConfig,
    as_of: pd.Timestamp | None,
) -> Dataset:
    """The tables as arrays; interactions after `as_of` are left out.

    Users and movies are in ascending order of their ids, interactions in order of time, user and
    movie. A user with only dislikes has an empty history. `as_of` is kept where the interactions
    have no time too: it says which movies are available.

    Raises:
        SettingsError: `likes.positive` names a column that the interactions do not have.
    """
    user_ids, item_ids = IdMap.of(users[n.USER_ID]), IdMap.of(movies[n.MOVIE_ID])
    if n.TIMESTAMP in interactions.columns and as_of is not None:
        interactions = interactions[~(interactions[n.TIMESTAMP] > as_of)]
    positive, weight, label = _likes(interactions, likes)
    user = user_ids.index_of(interactions[n.USER_ID])
    item = item_ids.index_of(interactions[n.MOVIE_ID])
    time = None
    if n.TIMESTAMP in interactions.columns and interactions[n.TIMESTAMP].notna().any():
        moments = interactions[n.TIMESTAMP].fillna(interactions[n.TIMESTAMP].min())
        time = moments.dt.as_unit("us").to_numpy(dtype="datetime64[us]").astype(np.int64)
    order = np.lexsort((item, user) if time is None else (item, user, time))
    events = Events(user, item, time, positive, weight, label).take(order)
    return Dataset(
        users=user_ids,
        items=item_ids,
        events=events,
        profiles=_aligned(users, n.USER_ID, user_ids),
        movies=_aligned(movies, n.MOVIE_ID, item_ids),
        as_of=as_of,
    )


def _likes(
    interactions: pd.DataFrame, likes: LikesConfig
) -> tuple[BoolArray, Float32Array, Float32Array | None]:
    """Which events are positive, their weight, and the like/dislike label where one is known."""
    kind = likes.positive
    if kind == "auto":
        kind = "liked" if n.LIKED in interactions.columns else "all"
    column = {"liked": n.LIKED, "rating": n.RATING, "all": None}[kind]
    if column is not None and column not in interactions.columns:
        raise SettingsError(
            f"learning.likes.positive = {kind!r}, but the interactions have no column {column!r}.",
            "Map that column in [source.files.interactions.columns], or use positive = 'all'.",
        )
    everyone = np.ones(len(interactions), dtype=np.float32)
    if kind == "liked":
        label = interactions[n.LIKED].to_numpy(dtype=np.float32, na_value=np.nan)
        return label == 1, everyone, label
    if kind == "rating":
        rating = interactions[n.RATING].to_numpy(dtype=np.float32)
        known = np.where(np.isnan(rating), np.nan, rating >= likes.min_rating)
        return known == 1, everyone, known.astype(np.float32)
    weight = everyone
    if n.RATING in interactions.columns:
        rating = interactions[n.RATING].to_numpy(dtype=np.float32)
        low, high = float(_RATING.minimum or 0.5), float(_RATING.maximum or 5.0)
        share = (np.nan_to_num(rating, nan=high) - low) / (high - low)
        weight = (likes.lowest_weight + (1 - likes.lowest_weight) * share).astype(np.float32)
    return np.ones(len(interactions), dtype=bool), weight, None


def _aligned(frame: pd.DataFrame, key: str, ids: IdMap) -> pd.DataFrame:
    """Row i is the id at index i."""
    return frame.iloc[np.argsort(ids.index_of(frame[key]), kind="stable")].reset_index(drop=True)
