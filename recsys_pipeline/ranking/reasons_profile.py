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
    known = model.encoder_.of(users).known
    encoded = model.features(users)
    widest = max((encoder.width for encoder in encoders), default=1)
    for rows in row_blocks(len(users), 16 * widest * max(1, items.shape[1]), limit=_BLOCK_BYTES):
        shown, own = items[rows], encoded[rows].T[:, :, None]
        general[rows] = _usual(model, slice(0, 1), shown)[0]
        first = 1
        for number, encoder in enumerate(encoders):
            inside = slice(first, first + len(encoder.fill))
            mean = np.asarray(encoder.fill, dtype=np.float32)[:, None, None]
            usual = _usual(model, inside, shown)
            parts = (own[inside] - mean) * usual
            columns[rows, :, number] = parts.sum(axis=0)
            general[rows] += (mean * usual).sum(axis=0)
            has = (own[inside] > 0) & known[rows, number, None]
            best = np.where(has, parts, -np.inf).argmax(axis=0)
            features[rows, :, number] = np.where(has.any(axis=0), best, -1)
            if encoder.indicator:
                last = slice(inside.stop, inside.stop + 1)
                general[rows] += own[last][0] * _usual(model, last, shown)[0]
            first += encoder.width
    history, leanings, leading = _history(model, users, items, genres)
    nothing = items < 0
    columns[nothing], features[nothing], general[nothing], history[nothing] = 0, -1, 0, 0
    leanings[nothing], leading[nothing] = 0, -1
    names = tuple(encoder.column for encoder in encoders)
    return ProfileParts(names, columns, general, history, leanings, leading, features)


def _usual(model: Profile, features: slice, items: Int32Array) -> Float32Array:
    """Weights of features less their means over all movies: float32 ``(m, *items.shape)``."""
    mean = model.mean_weights_[features, None, None]
    return np.asarray(model.weights_[features][:, items] - mean, dtype=np.float32)


def _history(
    model: Profile, users: UserBatch, items: Int32Array, genres: sp.csr_matrix
) -> tuple[Float32Array, Float32Array, Int32Array]:
    """`history`, `leanings` and `genres` of `ProfileParts`.

    What the history adds to a score is taken less the user's mean of that over all movies.
    """
    leanings = np.zeros(items.shape, dtype=np.float32)
    leading = np.full(items.shape, -1, dtype=np.int32)
    parts = model.history_parts(users)
    if parts is None:
        return np.zeros(items.shape, dtype=np.float32), leanings, leading
    own, movies = parts
    shown = np.maximum(items, 0)
    middle = movies.mean(axis=0, dtype=np.float64)
    counts = np.bincount(genres.indices, minlength=genres.shape[1])[:, None]
    by_genre = own @ np.asarray((genres.T @ movies) / np.maximum(counts, 1) - middle).T
    history = np.empty(items.shape, dtype=np.float32)
    width = 8 * max(movies.shape[1], genres.shape[1]) * max(1, items.shape[1])
    for rows in row_blocks(len(users), width, limit=_BLOCK_BYTES):
        here = shown[rows]
        history[rows] = np.einsum("nq,nkq->nk", own[rows], movies[here] - middle)
        if not genres.shape[1]:
            continue
        has = genres[here.ravel()].toarray().reshape(*here.shape, genres.shape[1]) > 0
        each = np.where(has, by_genre[rows][:, None, :], -np.inf)
        some = has.any(axis=2)
        leading[rows] = np.where(some, each.argmax(axis=2), -1)
        leanings[rows] = np.where(some, each.max(axis=2), 0)
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
