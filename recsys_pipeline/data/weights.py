"""How much an interaction counts: by its type, its age, and its rating or share watched."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Float32Array
from recsys_pipeline.errors import SettingsError

_DAY = pd.Timedelta(days=1)
_WEIGHED_BY = {"rating": n.RATING, "watched": n.WATCH_FRACTION}

DISLIKED_TYPE: Final = "not_for_me"
"""Type of an event by which a user says that a movie is not for them."""

LEAST_WEIGHT = np.float32(1e-6)
"""What an event counts at least, however old it is: it stays a like."""


def event_weights(
    interactions: pd.DataFrame,
    likes: LikesConfig,
    *,
    told_apart: bool,
    newest: pd.Timestamp | None = None,
) -> Float32Array:
    """The weight of every interaction: float32 ``(n,)``, 0 only where its type has 0.

    The type `DISLIKED_TYPE` has 0 where likes and dislikes are not told apart: there, what is
    not weighed down counts as a like.

    The product of three factors: the weight of its type; ``0.5 ** (age / half life)`` with the
    age counted back from the newest interaction in the table, so that data of any age train
    alike (a missing time counts as the oldest); and `lowest_weight` to 1 by rating or share
    watched.

    Args:
        interactions: those known as of the moment that is looked from.
        told_apart: whether likes and dislikes are told apart. If not, its rating (or, without
            one, its share watched) weighs an interaction; if so, what `liked_by` says.
        newest: the moment that ages are counted back from, where the table is a part of a
            larger one; what is later has no age.

    Raises:
        SettingsError: a weight is asked for by a column that the interactions do not have.
    """
    weight = np.ones(len(interactions), dtype=np.float32)
    columns = _weighing_columns(interactions, likes, told_apart)
    if columns:
        weight *= _by_value(interactions, columns, likes.lowest_weight)
    if likes.weights.half_life_days is not None:
        weight *= _by_age(interactions, likes.weights.half_life_days, newest)
    if likes.weights.event_types:
        weight *= _by_type(interactions, likes.weights.event_types)
    if not told_apart and n.EVENT_TYPE in interactions.columns:
        types = interactions[n.EVENT_TYPE].astype("str")
        weight[(types == DISLIKED_TYPE).to_numpy(dtype=bool, na_value=False)] = 0
    return weight


def unmet_event_types(interactions: pd.DataFrame, likes: LikesConfig) -> tuple[str, ...]:
    """Event types that have a weight in the settings and no interaction, in ascending order."""
    named = set(likes.weights.event_types)
    if n.EVENT_TYPE in interactions.columns:
        named -= set(interactions[n.EVENT_TYPE].dropna().astype("str").unique())
    return tuple(sorted(named))


def _weighing_columns(
    interactions: pd.DataFrame, likes: LikesConfig, told_apart: bool
) -> list[str]:
    """The columns that weigh, the one that counts where both are given first."""
    if not told_apart:
        return [name for name in _WEIGHED_BY.values() if name in interactions.columns]
    if likes.weights.liked_by == "none":
        return []
    column = _WEIGHED_BY[likes.weights.liked_by]
    _require(interactions, column, f"liked_by = {likes.weights.liked_by!r}")
    return [column]


def _by_value(interactions: pd.DataFrame, columns: list[str], lowest: float) -> Float32Array:
    """From `lowest` at a column's minimum to 1 at its maximum; 1 where no column says anything."""
    share = np.full(len(interactions), np.nan, dtype=np.float32)
    for name in columns:
        column = INTERACTIONS.column(name)
        low, high = float(column.minimum or 0.0), float(column.maximum or 1.0)
        given = interactions[name].to_numpy(dtype=np.float32, na_value=np.nan)
        share = np.where(np.isnan(share), (given - low) / (high - low), share)
    return np.asarray(lowest + (1 - lowest) * np.nan_to_num(share, nan=1.0), dtype=np.float32)


def _by_age(
    interactions: pd.DataFrame, half_life_days: float, newest: pd.Timestamp | None
) -> Float32Array:
    _require(interactions, n.TIMESTAMP, f"half_life_days = {half_life_days:g}")
    times = interactions[n.TIMESTAMP]
    if not times.notna().any():
        return np.ones(len(interactions), dtype=np.float32)
    ages = (times.max() if newest is None else newest) - times.fillna(times.min())
    days: npt.NDArray[np.float64] = np.maximum((ages / _DAY).to_numpy(), 0.0)
    return np.maximum(np.exp2(-days / half_life_days).astype(np.float32), LEAST_WEIGHT)


def _by_type(interactions: pd.DataFrame, weights: dict[str, float]) -> Float32Array:
    _require(interactions, n.EVENT_TYPE, "event_types")
    types = interactions[n.EVENT_TYPE].astype("str")
    return np.asarray(types.map(weights).fillna(1.0), dtype=np.float32)


def _require(interactions: pd.DataFrame, column: str, setting: str) -> None:
    if column not in interactions.columns:
        raise SettingsError(
            f"learning.likes.weights.{setting} needs the column {column!r}, which the "
            "interactions do not have.",
            "Map that column in [source.files.interactions.columns], or leave the setting out.",
        )
