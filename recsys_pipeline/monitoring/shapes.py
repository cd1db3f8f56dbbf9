"""Shape: how the values of one column are distributed, in counts that say nothing of anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]

MOST_VALUES: Final = 50
"""Texts that are counted by name; the others are counted together."""

_LEVELS: Final = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of a column are distributed.

    A user's values hang together, so that n values of few users say less than n values of n
    users. `design` is by how much: the mean factor by which the variance of a share is larger
    than that of independent values; see `design_effect`.

    Attributes:
        rows: rows of the table, those without a value included.
        missing: rows without a value.
        edges: bounds between the cells of a number, ascending: cell i holds values above edge
            i − 1 and up to edge i. Empty for texts.
        values: names of the cells of a text. Empty for numbers.
        counts: how many values each cell holds.
        rest: values in none of the cells.
        singles: how many different texts occur in one row only.
        units: users, or rows where these are independent, that have a value.
        design: at least 1; 1 where rows are independent.
        variation: squared coefficient of variation of the design effects behind `design`.
        mean, deviation: of a number; None for texts and where there is none.
    """

    rows: int
    missing: int
    edges: tuple[float, ...]
    values: tuple[str, ...]
    counts: tuple[int, ...]
    rest: int = 0
    singles: int = 0
    units: int = 0
    design: float = 1.0
    variation: float = 0.0
    mean: float | None = None
    deviation: float | None = None

    @property
    def is_number(self) -> bool:
        return not self.values and len(self.counts) == len(self.edges) + 1

    @property
    def total(self) -> int:
        """Values counted; a row with a list of three counts three."""
        return sum(self.counts) + self.rest

    @classmethod
    def of_numbers(
        cls,
        numbers: Float64Array,
        units: IntArray | None = None,
        edges: Sequence[float] | None = None,
    ) -> Self:
        """The shape of a column of numbers.

        Args:
            numbers: float64 ``(n,)``, NaN where there is none.
            units: integers from 0 ``(n,)``, whose value each is; None for independent values.
            edges: those of an earlier shape, to be compared with it; None puts them at the
                deciles and at the first and last hundredth.
        """
        known = ~np.isnan(numbers)
        present = numbers[known]
        bounds = _edges(present) if edges is None else np.asarray(edges, dtype=np.float64)
        cell = np.searchsorted(bounds, present, side="left")
        counts = np.bincount(cell, minlength=len(bounds) + 1)
        design, variation = (
            (1.0, 0.0) if units is None else design_effect(units[known], cell, counts)
        )
        return cls(
            rows=len(numbers),
            missing=int(len(numbers) - len(present)),
            edges=tuple(bounds.tolist()),
            values=(),
            counts=tuple(counts.tolist()),
            units=len(present) if units is None else _different(units[known]),
            design=design,
            variation=variation,
            mean=float(present.mean()) if len(present) else None,
            deviation=float(present.std()) if len(present) else None,
        )

    @classmethod
    def of_texts(
        cls,
        rows: int,
        texts: pd.Series,
        place: IntArray,
        units: IntArray | None = None,
        *,
        known: Sequence[str] = (),
        fewest: int = 1,
    ) -> Self:
        """The shape of a column of texts, or of lists of texts.

        Args:
            rows: rows of the table.
            texts: the m texts present, one below the other.
            place: row of each text ``(m,)``.
            units: integers from 0 ``(rows,)``, whose row each is; None for independent rows.
            known: texts that get a cell whether they occur or not: those of an earlier shape.
            fewest: a text in fewer rows gets no cell of its own unless it is in `known`.
        """
        code, names = pd.factorize(texts.to_numpy(dtype=object), sort=True)
        counted = np.bincount(code, minlength=len(names))
        # The most frequent ones; ties by name, which `names` is ordered by.
        order = np.argsort(-counted, kind="stable")
        earlier = frozenset(known)
        new = [
            str(names[each])
            for each in order[: MOST_VALUES + len(known)]
            if counted[each] >= fewest and names[each] not in earlier
        ]
        values = (*known, *new[: max(0, MOST_VALUES - len(known))])
        return cls.of_codes(
            rows,
            pd.Index(values, dtype=object).get_indexer(pd.Index(names, dtype=object))[code],
            place,
            values,
            units,
            singles=int((counted == 1).sum()),
        )

    @classmethod
    def of_codes(
        cls,
        rows: int,
        code: IntArray,
        place: IntArray,
        values: Sequence[str],
        units: IntArray | None = None,
        *,
        singles: int = 0,
    ) -> Self:
        """The shape of texts given as places in `values`, −1 for one that is not in it.

        Args:
            rows, place, units: as for `of_texts`.
            code: integers ``(m,)``.
        """
        inside = code >= 0
        counts = np.bincount(code[inside], minlength=len(values))
        unit = place if units is None else units[place]
        # A row that is a list of several texts is one unit, as are the rows of one user.
        rows_named = _different(place)
        alone = units is None and len(place) == rows_named
        design, variation = (
            (1.0, 0.0) if alone else design_effect(unit[inside], code[inside], counts)
        )
        return cls(
            rows=rows,
            missing=rows - rows_named,
            edges=(),
            values=tuple(values),
            counts=tuple(counts.tolist()),
            rest=int((~inside).sum()),
            singles=singles,
            units=rows_named if units is None else _different(unit),
            design=design,
            variation=variation,
        )


def design_effect(unit: IntArray, cell: IntArray, counts: IntArray) -> tuple[float, float]:
    """How much more the shares of cells vary than those of independent values.

    With V the covariance of the shares by the units' totals around them, as for ratios, and P that
    of independent values, the eigenvalues of P⁻¹V are the design effects (Rao and Scott, Annals of
    Statistics 12, 1984, 46-60).

    Args:
        unit, cell: of each value ``(n,)``, integers from 0.
        counts: values of each cell.

    Returns:
        the mean of the eigenvalues, at least 1; and their squared coefficient of variation.
        1 and 0 with fewer than two cells that hold something.
    """
    total = len(cell)
    held = np.flatnonzero(counts)
    if len(held) < 2:
        return 1.0, 0.0
    place = unit.astype(np.int64) * len(counts) + cell
    size = (int(unit.max()) + 1) * len(counts)
    table = np.bincount(place, minlength=size).reshape(-1, len(counts))[:, held]
    table = table.astype(np.float64)
    of_unit = table.sum(axis=1)
    share = counts[held] / total
    cross = np.outer(table.T @ of_unit, share)
    covariance = table.T @ table - cross - cross.T + (of_unit**2).sum() * np.outer(share, share)
    root = np.sqrt(share)
    effects = covariance / total / np.outer(root, root)
    mean = float(np.trace(effects)) / (len(held) - 1)
    if mean <= 0:
        return 1.0, 0.0
    variation = float((effects**2).sum()) / (len(held) - 1) / mean**2 - 1
    return max(1.0, mean), max(0.0, variation)


def _different(codes: IntArray) -> int:
    """How many different ones there are among integers from 0."""
    return int(np.count_nonzero(np.bincount(codes)))


def _edges(numbers: Float64Array) -> Float64Array:
    """Bounds at quantiles; a value that many rows have gets a cell of its own."""
    if not len(numbers):
        return np.empty(0)
    quantiles = np.quantile(numbers, _LEVELS, method="inverted_cdf")
    edges, times = np.unique(quantiles, return_counts=True)
    below = np.nextafter(edges[times > 1], -np.inf)
    return np.unique(np.concatenate([edges, below]))
