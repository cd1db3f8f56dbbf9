"""Evidence: why each movie is at its place, as arrays."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import Float32Array, Int32Array


class Reason(IntEnum):
    """Why a movie is in a list; the number is what `Evidence` keeps.

    MOVIES_LIKED and MOVIES_MET name movies of the history, the other kinds none. The first is for
    data that say what was liked, the second for data that say only what was met. OTHER is for a
    movie that is there because nothing better is left.
    """

    NONE = 0
    MOVIES_LIKED = 1
    MOVIES_MET = 2
    HISTORY = 3
    PREFERRED_GENRE = 4
    GENRE_PEERS = 5
    AGE = 6
    SEGMENT = 7
    COUNTRY = 8
    COLUMN = 9
    PROFILE = 10
    POPULAR = 11
    GENERAL = 12
    NEW = 13
    RANDOM = 14
    FITS = 15
    HISTORY_GENRE = 16
    OTHER = 17
    HISTORY_LEANING = 18


@dataclass(frozen=True)
class Evidence:
    """Why each movie is at its place.

    Attributes:
        kinds: uint8 ``(n, k)``, numbers of `Reason`; NONE where there is no movie.
        movies: int32 ``(n, k, top)``, movies of the history that are the reason, −1 for none.
        shares: float32 ``(n, k, top)``, their shares of what speaks for the movie; where a genre of
            the history or a column of the profile is the reason, the first is its share.
        columns: object ``(n, k)``, the column of the profile that is the reason, else None.
        values: object ``(n, k)``, its value: a text, or a range of numbers ``(low, high)`` with
            None for an open end; a genre of the history or of a new movie; else None.
    """

    kinds: npt.NDArray[np.uint8]
    movies: Int32Array
    shares: Float32Array
    columns: npt.NDArray[np.object_]
    values: npt.NDArray[np.object_]

    @classmethod
    def of_nothing(cls, items: Int32Array, top: int) -> Self:
        """Evidence that says nothing yet of `items` ``(n, k)``; its arrays are to be filled."""
        nothing = np.full(items.shape, None, dtype=object)
        return cls(
            np.full(items.shape, Reason.NONE, dtype=np.uint8),
            np.full((*items.shape, top), -1, dtype=np.int32),
            np.zeros((*items.shape, top), dtype=np.float32),
            nothing,
            nothing.copy(),
        )
