"""PerUser: the figures of one metric before any mean."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PerUser:
    """One metric, user by user, as numerators and denominators.

    Its figure is ``Σ numerator / Σ denominator``. A metric with one value per user has
    denominators of 1 and is a plain mean; a pooled share (likes among exposures, say) has counts.
    A user about whom the metric says nothing has 0 / 0.

    Attributes:
        numerator, denominator: float64 ``(n_users,)``, finite; denominators ≥ 0.
    """

    numerator: Float64Array
    denominator: Float64Array

    @classmethod
    def of(cls, values: Float64Array) -> "PerUser":
        """From one value per user, NaN where the metric says nothing.

        >>> PerUser.of(np.array([1.0, np.nan, 0.5])).mean
        0.75
        """
        known = ~np.isnan(values)
        return cls(np.where(known, values, 0.0), known.astype(np.float64))

    def __len__(self) -> int:
        return len(self.numerator)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """About which users the metric says something: bool ``(n_users,)``."""
        return self.denominator > 0

    @property
    def values(self) -> Float64Array:
        """Each user's own figure: float64 ``(n_users,)``, NaN where there is none."""
        out = np.full(len(self), np.nan)
        np.divide(self.numerator, self.denominator, out=out, where=self.known)
        return out

    @property
    def mean(self) -> float:
        """``Σ numerator / Σ denominator``; NaN where no user has a figure."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total > 0 else float("nan")

    @property
    def n_users(self) -> int:
        """How many users have a figure."""
        return int(self.known.sum())
