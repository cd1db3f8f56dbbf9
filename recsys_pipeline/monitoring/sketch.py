"""Sketch: what the values of some movies were, so that changed rows show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import MOVIES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import flat_lists
from recsys_pipeline.monitoring.columns import kind_of
from recsys_pipeline.monitoring.shapes import Shape

MOST_MOVIES: Final = 1_000

_CODES: Final = 2**31
"""Codes of texts lie below it, so that they stay exact in every reader of JSON."""
_NONE: Final = -1


@dataclass(frozen=True)
class Sketch:
    """The values of at most `MOST_MOVIES` movies, as codes.

    Genres that were moved down by one row are distributed as before: only the movies tell. Those
    with the smallest hashes of their ids are kept, so that two sketches have as many in common as
    their catalogues do.

    Attributes:
        movies: hashes of the ids, ascending.
        codes: for each column a code per movie: the cell of a number, a hash of a text or of a
            list whatever its order, −1 for a missing one.
    """

    movies: tuple[int, ...] = ()
    codes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, movies: pd.DataFrame, shapes: Mapping[str, Shape]) -> Self:
        """From the movies table (contract MOVIES) and the shapes of its columns by subject."""
        hashes = _hashes(movies[n.MOVIE_ID].astype("str"))
        rows = np.argsort(hashes, kind="stable")[:MOST_MOVIES]
        kept = movies.iloc[rows]
        kinds = {column.name: column.kind for column in MOVIES.columns}
        codes = {}
        for name in [*MOVIES.column_names, *MOVIES.extra_columns(movies)]:
            subject = f"{MOVIES.name}.{name}"
            if name in kept.columns and subject in shapes:
                kind = kinds.get(name) or kind_of(kept[name])
                if kind is not Kind.TIME:
                    codes[name] = _codes(kept[name], kind, shapes[subject])
        return cls(tuple(hashes[rows].tolist()), codes)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From the parts of a JSON object."""
        codes = {name: tuple(each) for name, each in plain["codes"].items()}
        return cls(tuple(plain["movies"]), codes)

    def changed(self, column: str, earlier: Self, *, number: bool) -> tuple[int, int]:
        """How many of the movies in both sketches have another value now, and how many are in both.

        A number that only moved to the next cell has not changed: figures from outside move a
        little every week.
        """
        if column not in self.codes or column not in earlier.codes:
            return 0, 0
        _, mine, theirs = np.intersect1d(self.movies, earlier.movies, return_indices=True)
        now = np.asarray(self.codes[column], dtype=np.int64)[mine]
        then = np.asarray(earlier.codes[column], dtype=np.int64)[theirs]
        # A value that came or went is told by what is missing.
        both = (now != _NONE) & (then != _NONE)
        away = np.abs(now - then)[both] > (1 if number else 0)
        return int(away.sum()), int(both.sum())


def _codes(values: pd.Series, kind: Kind, shape: Shape) -> tuple[int, ...]:
    if kind in (Kind.NUMBER, Kind.INTEGER):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        cell = np.searchsorted(np.asarray(shape.edges), numbers, side="left")
        return tuple(np.where(np.isnan(numbers), _NONE, cell).tolist())
    there = values.notna().to_numpy()
    if kind is Kind.TEXTS:
        # Sums of hashes are the same in every order.
        place, texts = flat_lists(values)
        sums = np.zeros(len(values), dtype=np.int64)
        np.add.at(sums, place, _hashes(texts))
        code = sums % _CODES
    else:
        code = _hashes(values.astype("str"))
    return tuple(np.where(there, code, _NONE).tolist())


def _hashes(texts: pd.Series) -> npt.NDArray[np.int64]:
    hashed = pd.util.hash_array(texts.to_numpy(dtype=object))
    return np.asarray(hashed % _CODES, dtype=np.int64)
