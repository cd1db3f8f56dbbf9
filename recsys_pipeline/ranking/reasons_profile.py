"""What each column of a profile adds to the score of a recommended movie."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.data.dataset import Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import row_blocks
from recsys_pipeline.models.columns import ColumnEncoder, Hats, MultiHot, OneHot, numbers
from recsys_pipeline.models.profile import Profile

_BLOCK_BYTES = 32_000_000


@dataclass(frozen=True)
class ProfileParts:
    """The parts of the scores of some places, compared with the average user and movie.

    The score of `Profile` is ``Σ_f u_f W_fj``. Less the user's mean over all movies, it is the sum
    of `general`, `history` and `columns`: a column's part is ``Σ (u_f − ū_f)(W_fj − mean_j W_fj)``
    over its features, with ū the average user's. So a part says why this movie rather than another
    is ranked here for this user rather than for another.

    Attributes:
        names: the profile's columns.
        columns: float32 ``(n, k, n_columns)``; where the user has no value, what is expected of
            the column's from the others'; 0 where no movie is there.
        general: float32 ``(n, k)``, what holds for the average user.
        history: float32 ``(n, k)``, what a model that corrects the profile by the history adds.
        leanings: float32 ``(n, k)``, the mean of what it adds over all movies of one genre: of
            that genre of the movie for which it is largest; 0 without a genre.
        genres: int32 ``(n, k)``, number of that genre, −1 without one.
        features: int32 ``(n, k, n_columns)``, the feature of the column, among those that the user
            has, that adds most; −1 where the user has no value.
    """

    names: tuple[str, ...]
    columns: Float32Array
    general: Float32Array
    history: Float32Array
    leanings: Float32Array
    genres: Int32Array
    features: Int32Array


def profile_parts(
    model: Profile, users: UserBatch, items: Int32Array, genres: sp.csr_matrix
) -> ProfileParts:
    """The parts of the scores of `items` ``(n, k)``, −1 where there is no movie.

    Args:
        model: fitted; `Profile`, or a model that adds to it.
        users: the n users.
        items: whose scores.
        genres: CSR ``(n_items, n_genres)``, 1 where a movie has a genre.
    """
    encoders = model.encoder_.encoders
    shape = (*items.shape, len(encoders))
    columns = np.zeros(shape, dtype=np.float32)
    features = np.full(shape, -1, dtype=np.int32)
    general = np.zeros(items.shape, dtype=np.float32)
    average = model.weights_.mean(axis=1, keepdims=True, dtype=np.float64)
    weights = (model.weights_ - average).astype(np.float32)
    known = [encoder.known(users.profiles) for encoder in encoders]
    encoded = model.features(users)
    for rows in row_blocks(len(users), 16 * max(1, items.shape[1]), limit=_BLOCK_BYTES):
        shown = items[rows]
        general[rows] = weights[0][shown]
        first = 1
        for number, encoder in enumerate(encoders):
            best = np.full(shown.shape, -np.inf, dtype=np.float32)
            for place, mean in enumerate(np.asarray(encoder.fill, dtype=np.float32)):
                usual = weights[first + place][shown]
                value = encoded[rows, first + place, None]
                part = (value - mean) * usual
                columns[rows, :, number] += part
                general[rows] += mean * usual
                better = (value > 0) & known[number][rows, None] & (part > best)
                best[better] = part[better]
                features[rows, :, number][better] = place
            if encoder.indicator:
                last = first + len(encoder.fill)
                general[rows] += encoded[rows, last, None] * weights[last][shown]
            first += len(encoder.names)
    history, leanings, leading = _history(model, users, items, encoded, genres)
    nothing = items < 0
    columns[nothing], features[nothing], general[nothing], history[nothing] = 0, -1, 0, 0
    leanings[nothing], leading[nothing] = 0, -1
    names = tuple(encoder.column for encoder in encoders)
    return ProfileParts(names, columns, general, history, leanings, leading, features)


def _history(
    model: Profile,
    users: UserBatch,
    items: Int32Array,
    encoded: Float32Array,
    genres: sp.csr_matrix,
) -> tuple[Float32Array, Float32Array, Int32Array]:
    """`history`, `leanings` and `genres` of `ProfileParts`.

    What the history adds is how far the score is from that of the profile alone, less the user's
    mean of that over all movies.
    """
    history = np.zeros(items.shape, dtype=np.float32)
    leanings = np.zeros(items.shape, dtype=np.float32)
    leading = np.full(items.shape, -1, dtype=np.int32)
    if type(model) is Profile:
        return history, leanings, leading
    counts = np.asarray(genres.sum(axis=0), dtype=np.float32).ravel()
    for rows in row_blocks(len(users), 12 * model.weights_.shape[1], limit=_BLOCK_BYTES):
        shown = np.maximum(items[rows], 0)
        added = model.score(users.take(rows)) - encoded[rows] @ model.weights_
        added -= added.mean(axis=1, keepdims=True)
        history[rows] = np.take_along_axis(added, shown, axis=1)
        if not len(counts):
            continue
        by_genre = np.asarray(added @ genres) / np.maximum(counts, 1)
        has = genres[shown.ravel()].toarray().reshape(*shown.shape, len(counts)) > 0
        own = np.where(has, by_genre[:, None, :], -np.inf)
        some = has.any(axis=2)
        leading[rows] = np.where(some, own.argmax(axis=2), -1)
        leanings[rows] = np.where(some, own.max(axis=2), 0)
    return history, leanings, leading


def feature_values(
    encoder: ColumnEncoder, profiles: pd.DataFrame, rows: npt.NDArray[Any], feature: Int32Array
) -> npt.NDArray[np.object_]:
    """What a feature of a user says, for people: object ``(len(rows),)``.

    A text of a list or column as it is; a number as the range ``(low, high)`` between the knots
    around it, open where None; None where it cannot be said.

    Args:
        encoder: of the column.
        profiles: the users' profiles.
        rows: the users' rows.
        feature: number of the feature within the column, at least 0.
    """
    values = np.full(len(rows), None, dtype=object)
    if isinstance(encoder, MultiHot):
        values[:] = np.array(encoder.vocabulary, dtype=object)[feature]
    elif isinstance(encoder, OneHot):
        texts = np.array([*encoder.categories, None], dtype=object)
        values[:] = texts[np.minimum(feature, len(encoder.categories))]
    elif isinstance(encoder, Hats) and not encoder.log:
        grid = np.asarray(encoder.knots)
        right = np.searchsorted(grid, numbers(profiles[encoder.column])[rows], side="right")
        for place, after in enumerate(right):
            low = float(grid[after - 1]) if after > 0 else None
            values[place] = (low, float(grid[after]) if after < len(grid) else None)
    return values
