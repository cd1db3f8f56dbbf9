"""Intervals and p-values that hold at all looks together, so that looking early is safe.

The effect minus its estimate is a normal martingale in *information*, one over the estimate's
variance. Mixing its likelihood ratio over effects ``N(0, spread²)`` gives a martingale that starts
at 1 and, by Ville's inequality, ever reaches ``1 / alpha`` with probability alpha at most. Turned
round, that is a confidence sequence (Robbins, Statistical methods related to the law of the
iterated logarithm, 1970; Johari, Koomen, Pekelis and Walsh, Always valid inference, Operations
Research 2022, eq. 12; with estimated variances Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics 2024,
theorem 2.2):

    half-width² = V (V + spread²) / spread² · (ln((V + spread²) / V) + 2 ln(1 / alpha))

with V the variance of the estimate at the look. Information, and not the number of users or weeks,
is the clock, since weeks of one user hang together: a further week of the same users tells less
than new users do.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import lambertw, ndtr, ndtri

Float64Array = npt.NDArray[np.float64]

_LEAST: Final = np.finfo(np.float64).tiny
_NODES: Final = np.linspace(-1, 1, 161)


def best_ratio(alpha: float) -> float:
    """The ratio ``spread² / V`` at which the interval is narrowest for its V.

    >>> round(best_ratio(0.05), 2)
    8.21
    """
    return float(-lambertw(-(alpha**2) / np.e, k=-1).real - 1)


def factor(ratio: Any, alpha: float) -> Any:
    """Half-width in standard errors where ``spread² / V`` is `ratio` (any shape, above 0).

    >>> round(float(factor(best_ratio(0.05), 0.05)), 2)
    3.04
    """
    ratio = np.maximum(ratio, _LEAST)
    return np.sqrt((1 + 1 / ratio) * (np.log1p(ratio) - 2 * np.log(alpha)))


def spread_for(effect: float, alpha: float, power: float) -> float:
    """The spread that is best for an effect, at the look that finds it with `power`.

    Args:
        effect: above 0, in the unit of the estimate; fixed before the start.
        alpha: rate of false alarms at all looks together.
        power: chance to find the effect (0.5 to 1).
    """
    ratio = best_ratio(alpha)
    return effect * float(np.sqrt(ratio)) / (float(factor(ratio, alpha)) + float(ndtri(power)))


def half_width(variance: Any, spread: Any, alpha: float) -> Any:
    """Half-width of the interval.

    Args:
        variance: of the estimate, above 0; any shape.
        spread: of the mixture, above 0; the same shape or one number.
        alpha: 1 − level.
    """
    return np.sqrt(variance) * factor(np.square(spread) / variance, alpha)


def p_value(estimate: Any, variance: Any, spread: Any) -> Any:
    """Always-valid p: at most alpha exactly when the interval at alpha leaves out zero.

    Args:
        estimate: of any shape; `variance` (above 0) and `spread` (above 0) like it.
    """
    ratio = np.maximum(np.square(spread) / variance, _LEAST)
    z2 = np.square(estimate) / variance
    log_p = 0.5 * np.log1p(ratio) - 0.5 * z2 * ratio / (1 + ratio)
    return np.exp(np.minimum(log_p, 0.0))


def chance_by_look(
    effect: float, variances: Float64Array, spread: float, alpha: float
) -> Float64Array:
    """The chance that an effect has been found by each look: float64 like `variances`.

    The estimate times its information is taken for a normal walk in information; its density
    between the bounds is carried from look to look (Armitage, McPherson and Rowe, Repeated
    significance tests on accumulating data, 1969).

    Args:
        effect: above 0; only finding it on its own side counts.
        variances: of the estimate at the looks, falling by at least 2 % each time.
        spread, alpha: of the interval.
    """
    information = 1 / np.asarray(variances, dtype=np.float64)
    bounds = factor(spread**2 * information, alpha) * np.sqrt(information)
    chance = np.empty(len(information))
    at, mass, before, found = np.zeros(1), np.ones(1), 0.0, 0.0
    for look, (now, bound) in enumerate(zip(information, bounds, strict=True)):
        step = np.sqrt(now - before)
        middle = at + effect * (now - before)
        found += float(mass @ ndtr((middle - bound) / step))
        chance[look] = found
        inside = _NODES * bound
        density = np.exp(-0.5 * np.square((inside - middle[:, None]) / step)) / step
        mass = (mass @ density) * (inside[1] - inside[0]) / np.sqrt(2 * np.pi)
        mass[[0, -1]] /= 2
        at, before = inside, now
    return chance
