"""Whether a figure of this week lies where those of the weeks before say it should."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, log, sqrt
from typing import Final

import numpy as np
from scipy.stats import t as student

USUAL_WEEKS: Final = 8
"""How many of the newest weeks say what is usual."""

PRIOR_WEEKS: Final = 10
"""What is assumed of the spread between weeks counts as much as so many weeks that were seen."""

_MAD: Final = 1.4826
"""Median absolute deviation to standard deviation, for normal values."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """This week's figure against the usual one.

    Attributes:
        usual: the median of the weeks before.
        change: relative: −0.5 is half of the usual. Where the usual is 0, the figure itself.
        below, above: probability of lying so far below, or above, by chance.
    """

    usual: float
    change: float
    below: float
    above: float

    @property
    def p(self) -> float:
        """Probability of lying so far off in either direction."""
        return min(1.0, 2 * min(self.below, self.above))


def surprise(
    now: float, before: Sequence[float], *, error: float = 0.0, spread: float
) -> Surprise | None:
    """How surprising `now` is after the figures `before`; None where nothing can be said.

    On the scale of logarithms: weeks differ by factors. The centre is the median of the weeks
    before, their spread the median absolute deviation, so that one broken week among them harms
    neither. With few weeks the spread is hardly known, so that `spread` counts as `PRIOR_WEEKS`
    further weeks and Student's t takes the place of the normal distribution (the predictive
    distribution with a scaled inverse χ² prior; Gelman et al., Bayesian Data Analysis, 3.3).

    Args:
        now: the figure.
        before: those of earlier weeks, oldest first; only the newest `USUAL_WEEKS` count.
        error: relative standard error of `now` by chance alone, as by few events or users.
        spread: relative spread between weeks that is assumed, such as 0.1.
    """
    earlier = [each for each in before if each > 0][-USUAL_WEEKS:]
    if now <= 0 and earlier and error == 0:
        # Nothing at all where there was something is as surprising as a figure can be.
        return Surprise(float(np.median(earlier)), -1.0, 0.0, 1.0)
    if now <= 0 or not earlier:
        return None
    logs = np.log(earlier)
    centre = float(np.median(logs))
    seen = len(logs) - 1
    deviation = _MAD * float(np.median(np.abs(logs - centre)))
    weeks = PRIOR_WEEKS + seen
    between = (PRIOR_WEEKS * spread**2 + seen * deviation**2) / weeks
    off = (log(now) - centre) / sqrt(between * (1 + _of_centre(len(logs))) + error**2)
    below = float(student.cdf(off, weeks))
    return Surprise(float(np.exp(centre)), expm1(log(now) - centre), below, 1 - below)


def departure(
    now: float, before: Sequence[float], *, error: float, spread: float
) -> Surprise | None:
    """As `surprise`, on the scale of the figures themselves, on which 0 is a value like others.

    For shares and means, which may be 0 in a quiet week and are never many times the usual. None
    where nothing can be said: without weeks before, and where nothing but zeros was ever seen and
    `error` is not known.

    Args:
        now: the figure, 0 or more.
        before: those of earlier weeks, oldest first; only the newest `USUAL_WEEKS` count.
        error: standard error of `now` by chance alone, in the unit of the figure.
        spread: relative spread between weeks that is assumed.
    """
    earlier = np.array(before[-USUAL_WEEKS:], dtype=np.float64)
    if not len(earlier):
        return None
    centre = float(np.median(earlier))
    seen = len(earlier) - 1
    deviation = _MAD * float(np.median(np.abs(earlier - centre)))
    weeks = PRIOR_WEEKS + seen
    between = (PRIOR_WEEKS * (spread * centre) ** 2 + seen * deviation**2) / weeks
    scale = sqrt(between * (1 + _of_centre(len(earlier))) + error**2)
    if scale == 0:
        return None
    below = float(student.cdf((now - centre) / scale, weeks))
    return Surprise(centre, now / centre - 1 if centre else now, below, 1 - below)


def _of_centre(weeks: int) -> float:
    """Variance of the centre of so many weeks, in that of one.

    π / 2 is what a median costs against a mean; of one or two weeks it is their mean.
    """
    return (np.pi / 2 if weeks > 2 else 1.0) / weeks
