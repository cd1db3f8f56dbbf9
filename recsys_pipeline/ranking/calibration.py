"""From a recommender's raw scores to probabilities, without changing their order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from recsys_pipeline.data.dataset import Float32Array

_LEAST_SLOPE = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """``p = 1 / (1 + exp(-(slope * score + offset)))`` (Platt 1999), slope above 0.

    Attributes:
        slope: in units of 1 / score.
        offset: in log odds.
    """

    slope: float
    offset: float

    @classmethod
    def fit(cls, scores: Float32Array, hits: npt.NDArray[np.bool_]) -> "Calibration":
        """Fit to scores ``(n,)`` and whether each was a hit ``(n,)``.

        Where all or no scores hit, or higher scores hit less often, the slope is next to
        nothing and the share of hits decides.
        """
        finite = np.isfinite(scores)
        values, hits = scores[finite].astype(np.float64), hits[finite]
        share = (hits.sum() + 1) / (len(hits) + 2)
        spread = float(values.std()) if len(values) else 0.0
        scale = spread if spread > 0 else 1.0
        slope, offset = 0.0, float(np.log(share / (1 - share)))
        if spread > 0 and 0 < hits.sum() < len(hits):
            model = LogisticRegression(C=1e6).fit((values / scale)[:, None], hits)
            slope, offset = float(model.coef_[0, 0]) / scale, float(model.intercept_[0])
        if slope * scale < _LEAST_SLOPE:
            slope = _LEAST_SLOPE / scale
            offset = float(np.log(share / (1 - share))) - slope * float(
                values.mean() if len(values) else 0.0
            )
        return cls(slope, offset)

    def probability(self, scores: Float32Array) -> Float32Array:
        """Probabilities, float32, of the shape of `scores`; 0 where a score is −inf."""
        with np.errstate(over="ignore"):
            odds = self.slope * scores.astype(np.float64) + self.offset
            return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float32)
