"""From the clean tables to a Dataset."""

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import BoolArray, Dataset, Events, Float32Array
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.data.weights import event_weights
from recsys_pipeline.errors import SettingsError


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

    Weights by age are relative to the newest interaction at or before `as_of`. A cut of the
    Dataset keeps them: all are then smaller by one factor, of which EASE, item_knn and popularity
    take no notice, and ALS as of a slightly lower alpha.

    Raises:
        SettingsError: `likes.positive` or `likes.weights` names a column that the interactions do
            not have.
    """
    user_ids, item_ids = IdMap.of(users[n.USER_ID]), IdMap.of(movies[n.MOVIE_ID])
    if n.TIMESTAMP in interactions.columns and as_of is not None:
        interactions = interactions[~(interactions[n.TIMESTAMP] > as_of)]
    return Dataset(
        users=user_ids,
        items=item_ids,
        events=events_of(interactions, user_ids, item_ids, likes),
        profiles=_aligned(users, n.USER_ID, user_ids),
        movies=_aligned(movies, n.MOVIE_ID, item_ids),
        as_of=as_of,
        columns=tuple(
            column for column in INTERACTIONS.column_names if column in interactions.columns
        ),
    )


def events_of(
    interactions: pd.DataFrame,
    users: IdMap,
    items: IdMap,
    likes: LikesConfig,
    newest: pd.Timestamp | None = None,
) -> Events:
    """The interactions as arrays, in order of time, user and movie.

    Args:
        interactions: of these users with these movies.
        users, items: every id that the interactions have.
        likes: what counts as a like, and how much.
        newest: the moment that ages are counted back from; None is the newest interaction.

    Raises:
        SettingsError: as `build_dataset`.
    """
    positive, weight, label = _likes(interactions, likes, newest)
    user = users.index_of(interactions[n.USER_ID])
    item = items.index_of(interactions[n.MOVIE_ID])
    time = None
    if n.TIMESTAMP in interactions.columns and interactions[n.TIMESTAMP].notna().any():
        moments = interactions[n.TIMESTAMP].fillna(interactions[n.TIMESTAMP].min())
        time = moments.dt.as_unit("us").to_numpy(dtype="datetime64[us]").astype(np.int64)
    order = np.lexsort((item, user) if time is None else (item, user, time))
    return Events(user, item, time, positive, weight, label).take(order)


def _likes(
    interactions: pd.DataFrame, likes: LikesConfig, newest: pd.Timestamp | None
) -> tuple[BoolArray, Float32Array, Float32Array | None]:
    """Which events are positive, their weight, and the like/dislike label where one is known."""
    kind = likes.positive
    if kind == "auto":
        kind = "liked" if n.LIKED in interactions.columns else "all"
    column = {"liked": n.LIKED, "rating": n.RATING, "watched": n.WATCH_FRACTION}.get(kind)
    if column is not None and column not in interactions.columns:
        raise SettingsError(
            f"learning.likes.positive = {kind!r}, but the interactions have no column {column!r}.",
            "Map that column in [source.files.interactions.columns], or use positive = 'all'.",
        )
    weight = event_weights(interactions, likes, told_apart=column is not None, newest=newest)
    counts = weight > 0
    # What is no like has no weight; 1 keeps the promise of Events that all are above 0.
    weight = np.where(counts, weight, np.float32(1))
    if column is None:
        return counts, weight, None
    values = interactions[column].to_numpy(dtype=np.float32, na_value=np.nan)
    least = {"liked": 1.0, "rating": likes.min_rating, "watched": likes.min_watched}[kind]
    label = np.where(np.isnan(values), np.nan, values >= np.float32(least)).astype(np.float32)
    # A type of event that is not to count says nothing of what its user likes.
    label = np.where(counts, label, np.float32(np.nan))
    return label == 1, weight, label


def _aligned(frame: pd.DataFrame, key: str, ids: IdMap) -> pd.DataFrame:
    """Row i is the id at index i."""
    return frame.iloc[np.argsort(ids.index_of(frame[key]), kind="stable")].reset_index(drop=True)
