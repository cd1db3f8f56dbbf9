"""Reliability: whether a probability of a like means what it says."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Probabilities in bins of equal width beside what came true; bins without pairs are left out.

    Attributes:
        said: float64 ``(n_bins,)``, mean probability of each bin.
        found: float64 ``(n_bins,)``, share of its pairs that were liked.
        counts: int64 ``(n_bins,)``, its pairs.
        brier: mean squared difference of probability and like (0 is best); NaN without pairs.
        error: expected calibration error, the mean of ``|found − said|`` over pairs; likewise.
    """

    said: Float64Array
    found: Float64Array
    counts: npt.NDArray[np.int64]
    brier: float
    error: float


def reliability(
    probabilities: npt.NDArray[Any], liked: npt.NDArray[np.bool_], *, n_bins: int = 10
) -> Reliability:
    """How far estimated probabilities are from what came true.

    Source: Brier, Verification of forecasts expressed in terms of probability, Monthly Weather
    Review 78(1), 1950; Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities
    using Bayesian binning, AAAI 2015, for the expected calibration error.

    Args:
        probabilities: ``(n,)``, from 0 to 1.
        liked: bool ``(n,)``.

    Raises:
        ValueError: the shapes differ, or a probability is not from 0 to 1.
    """
    if probabilities.shape != liked.shape:
        raise ValueError(f"{probabilities.shape} probabilities for {liked.shape} labels")
    if not len(probabilities):
        nothing = np.empty(0)
        return Reliability(nothing, nothing, nothing.astype(np.int64), float("nan"), float("nan"))
    likes = liked.astype(np.int64)
    found, said = calibration_curve(likes, probabilities, n_bins=n_bins, pos_label=1)
    # scikit-learn's own bins, whose sizes it does not tell.
    inner = np.linspace(0.0, 1.0, n_bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner, probabilities), minlength=n_bins)
    counts = counts[counts > 0]
    return Reliability(
        said,
        found,
        counts,
        float(brier_score_loss(likes, probabilities, pos_label=1)),
        float(counts @ np.abs(found - said) / counts.sum()),
    )
