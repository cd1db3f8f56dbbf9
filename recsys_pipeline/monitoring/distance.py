"""How far two shapes are from each other, and whether chance alone would take them there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon
from scipy.stats import f, hypergeom

from recsys_pipeline.monitoring.shapes import Shape

Float64Array = npt.NDArray[np.float64]

_FEWEST_EXPECTED: Final = 5.0
"""Cells of which fewer values are expected are counted as one: the test would not hold there."""

_PRIOR_FREEDOM: Final = 10
"""What is assumed of how far weeks differ counts as much as so many degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two shapes held against each other.

    Attributes:
        distance: Jensen-Shannon distance of the shares of the cells (0 alike to 1 nothing in
            common; base 2, square root of the divergence; Lin, IEEE Transactions on Information
            Theory 37, 1991).
        statistic: Pearson's χ² of the two rows of counts, each divided by its design effect, with
            the correction for unequal design effects (Rao and Scott 1984, second order).
        freedom: its degrees of freedom, also corrected; 0 where there is nothing to compare.
        units: users behind the smaller side, which the design effects are estimated from.
    """

    distance: float
    statistic: float
    freedom: float
    units: int = 0

    @property
    def inflation(self) -> float:
        """χ² per degree of freedom: about 1 where there is nothing but chance."""
        return self.statistic / self.freedom

    def p(self, usual: Sequence[float] = ()) -> float:
        """Probability of so large a statistic by chance, or by what weeks differ anyway.

        Args:
            usual: `inflation` of weeks against those before them. Weeks differ by more than
                chance (a hit, a holiday, another model). Where the median of `usual` is above 1,
                the statistic is held against it, and against how uncertain it is, by an
                F distribution.
        """
        if not self.freedom:
            return 1.0
        # Few users say little of their own spread: F in place of χ² (Thomas and Rao 1987).
        behind = self.freedom * max(1, self.units - 1)
        p = float(f.sf(self.inflation, self.freedom, behind))
        if len(usual):
            # The median of χ² lies below its mean (Wilson and Hilferty).
            middle = float(np.median(usual)) / (1 - 2 / (9 * self.freedom)) ** 3
            if middle > 1:
                behind = self.freedom * len(usual) + _PRIOR_FREEDOM
                p = max(p, float(f.sf(self.inflation / middle, self.freedom, behind)))
        return p


NOTHING: Final = Difference(0.0, 0.0, 0.0)


def difference(now: Shape, then: Shape) -> Difference:
    """What the values of `now` and `then` have to do with each other.

    Numbers are compared where both have the same edges; texts by name, where a text that only
    one of them lists counts with the other's rest if that has one.
    """
    if now.is_number != then.is_number or (now.is_number and now.edges != then.edges):
        return NOTHING
    if now.is_number:
        counts = np.array([now.counts, then.counts], dtype=np.float64)
    else:
        counts = _by_name(now, then)
    return _compared(counts, now, then)


def missing_difference(now: Shape, then: Shape) -> Difference:
    """The same for the shares of missing values."""
    counts = np.array(
        [[each.missing, each.rows - each.missing] for each in (now, then)], dtype=np.float64
    )
    return _compared(counts, now, then)


def changed_p(now: int, of: int, then: int, of_then: int) -> float:
    """Probability that at least `now` of `of` are among the changed ones by chance.

    Fisher's exact test, one-sided: the changed of both are dealt to the two sides at random.
    """
    if not of or not of_then:
        return 1.0
    return float(hypergeom.sf(now - 1, of + of_then, now + then, of))


def _by_name(now: Shape, then: Shape) -> Float64Array:
    """Counts ``(2, n)`` by name, the rest last."""
    mine = dict(zip(now.values, now.counts, strict=True))
    theirs = dict(zip(then.values, then.counts, strict=True))
    rows = []
    rest = [now.rest, then.rest]
    for name in dict.fromkeys((*then.values, *now.values)):
        if (name in mine or not now.rest) and (name in theirs or not then.rest):
            rows.append((mine.get(name, 0), theirs.get(name, 0)))
        else:
            rest[0] += mine.get(name, 0)
            rest[1] += theirs.get(name, 0)
    return np.array([*rows, rest], dtype=np.float64).T


def _compared(counts: Float64Array, now: Shape, then: Shape) -> Difference:
    """Two rows of counts ``(2, n)``."""
    counts = counts[:, counts.sum(axis=0) > 0]
    totals = counts.sum(axis=1)
    if counts.shape[1] < 2 or not totals.all():
        return NOTHING
    shares = counts / totals[:, None]
    distance = float(np.nan_to_num(jensenshannon(shares[0], shares[1], base=2)))
    effective = counts / np.array([[now.design], [then.design]])
    rare = _expected(effective).min(axis=0) < _FEWEST_EXPECTED
    if 1 < rare.sum() < len(rare):
        effective = np.column_stack([effective[:, ~rare], effective[:, rare].sum(axis=1)])
    expected = _expected(effective)
    unequal = 1 + max(now.variation, then.variation)
    statistic = float(((effective - expected) ** 2 / expected).sum()) / unequal
    freedom = (effective.shape[1] - 1) / unequal
    return Difference(distance, statistic, freedom, min(now.units, then.units))


def _expected(counts: Float64Array) -> Float64Array:
    """What two rows of counts would be if they were alike."""
    return np.asarray(np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum())
