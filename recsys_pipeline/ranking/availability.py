"""Which movies may be recommended at a moment."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray

AVAILABILITY: Final = (n.AVAILABLE_FROM, n.AVAILABLE_UNTIL)
"""Columns of the movies that say when a movie may be recommended."""

_Moments = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Availability:
    """From when until when each movie may be recommended; both moments belong to it.

    Attributes:
        start, end: int64 ``(n_items,)``, microseconds since 1970 (UTC); the smallest and the
            largest number where nothing is said. None where no movie says it.
    """

    start: _Moments | None
    end: _Moments | None

    @classmethod
    def of(cls, movies: pd.DataFrame) -> Self:
        """What a movies table says; it needs neither column."""
        limits = np.iinfo(np.int64)
        return cls(
            _moments(movies, n.AVAILABLE_FROM, limits.min),
            _moments(movies, n.AVAILABLE_UNTIL, limits.max),
        )

    def at(self, moment: pd.Timestamp | None) -> BoolArray | None:
        """Which movies may be recommended at `moment`: bool ``(n_items,)``; None is all."""
        if moment is None or (self.start is None and self.end is None):
            return None
        now = moment.to_datetime64().astype("datetime64[us]").astype(np.int64)
        there = [self.start <= now] if self.start is not None else []
        there += [self.end >= now] if self.end is not None else []
        allowed = np.logical_and.reduce(there)
        return None if allowed.all() else allowed


def available(movies: pd.DataFrame, as_of: pd.Timestamp | None) -> BoolArray | None:
    """Which movies may be recommended at `as_of`: bool ``(n_items,)``; None is all."""
    return None if as_of is None else Availability.of(movies).at(as_of)


def _moments(movies: pd.DataFrame, column: str, unsaid: int) -> _Moments | None:
    if column not in movies.columns or not movies[column].notna().any():
        return None
    values = movies[column]
    moments = values.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return np.where(values.isna().to_numpy(), unsaid, moments)
