"""GapFiller: what is missing in a profile, as expected from what is there."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array

Float64Array = npt.NDArray[np.float64]

_PRIOR_ROWS = 20.0
_RIDGE = 0.01


@dataclass(frozen=True)
class GapFiller:
    """The conditional mean of the missing features given the known ones.

    With the mean m and the covariance C of all features, the missing ones of a row are
    ``m_M + C_MK (C_KK + εI)⁻¹ (x_K − m_K)``. For a model that is linear in its features this is
    the mean of its score over all that the missing values may be. A row of which nothing is
    known, or to which nothing is related, keeps the mean.

    Attributes:
        widths: number of features of each column.
        mean: float64 ``(p,)``, over the rows where the feature is known.
        covariance: float64 ``(p, p)``, over the rows where both are known, drawn towards 0 where
            these are few, and made positive semidefinite.
    """

    widths: tuple[int, ...]
    mean: Float64Array
    covariance: Float64Array

    @classmethod
    def fit(cls, features: Float32Array, known: BoolArray, widths: tuple[int, ...]) -> Self:
        """Mean and covariance of the features of a table.

        Args:
            features: float32 ``(n, p)``.
            known: bool ``(n, len(widths))``, which column is known in which row.
            widths: number of features of each column; their sum is p.
        """
        mask = np.repeat(known, widths, axis=1).astype(np.float32)
        rows = np.maximum(mask.sum(axis=0, dtype=np.float64), 1)
        mean = (features * mask).sum(axis=0, dtype=np.float64) / rows
        centred = (features - mean.astype(np.float32)) * mask
        pairs = (mask.T @ mask).astype(np.float64)
        covariance = (centred.T @ centred).astype(np.float64) / (pairs + _PRIOR_ROWS)
        if known.all() or not len(covariance):
            return cls(widths, mean, covariance)
        # Moments over different rows need not be those of any one table.
        values, vectors = np.linalg.eigh(covariance)
        return cls(widths, mean, (vectors * np.maximum(values, 0)) @ vectors.T)

    def fill(self, features: Float32Array, known: BoolArray) -> Float32Array:
        """The features with expected values in the columns not known; 0 to 1 as before.

        The result is `features` itself where there is nothing to fill.
        """
        gaps = np.flatnonzero(known.any(axis=1) & ~known.all(axis=1))
        if not len(gaps):
            return features
        filled = features.copy()
        patterns, group = np.unique(known[gaps], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = gaps[group.ravel() == number]
            there = np.repeat(pattern, self.widths)
            given, wanted = np.flatnonzero(there), np.flatnonzero(~there)
            within = self.covariance[np.ix_(given, given)] + _RIDGE * np.eye(len(given))
            slope = np.linalg.solve(within, self.covariance[np.ix_(given, wanted)])
            expected = (
                self.mean[wanted] + (features[np.ix_(rows, given)] - self.mean[given]) @ slope
            )
            filled[np.ix_(rows, wanted)] = np.clip(expected, 0, 1)
        return filled

    def uncertainty(self, pattern: BoolArray) -> Float64Array:
        """Covariance of all features given those of the known columns: float64 ``(p, p)``."""
        there = np.repeat(pattern, self.widths)
        given, wanted = np.flatnonzero(there), np.flatnonzero(~there)
        spread = np.zeros_like(self.covariance)
        own = self.covariance[np.ix_(wanted, wanted)]
        shared = self.covariance[np.ix_(given, wanted)]
        within = self.covariance[np.ix_(given, given)] + _RIDGE * np.eye(len(given))
        spread[np.ix_(wanted, wanted)] = own - shared.T @ np.linalg.solve(within, shared)
        return spread
