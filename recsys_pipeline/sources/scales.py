"""Scales: from ratings and watched shares of any range to those of the contract."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsys_pipeline.sources.config import Scale

FloatArray = npt.NDArray[np.float64]

STARS: Scale = (0.5, 5.0)
"""The scale of `rating`; ratings from 1 to 5 lie on it as they are."""

# In order: the first one that nearly all values lie on is taken.
_RATING_SCALES: tuple[Scale, ...] = (
    STARS, (0.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 20.0), (0.0, 100.0),
    (-1.0, 1.0), (-5.0, 5.0), (-10.0, 10.0),
)  # fmt: skip
_NEARLY_ALL = 0.97


@dataclass(frozen=True)
class Found:
    """A scale that values lie on.

    Attributes:
        scale: lowest and highest value possible.
        unrated: a number that stands for "not rated", or None.
    """

    scale: Scale
    unrated: float | None = None


def detect_rating_scale(values: FloatArray) -> Found | None:
    """The scale of ratings; None where fewer than two distinct values are there to judge by.

    A few values off the scale (up to three in a hundred) do not count: they are errors, which the
    contract's rules find.
    """
    present = values[np.isfinite(values)]
    distinct = np.unique(present)
    if len(distinct) < 2:
        return None
    negative = distinct[distinct < 0]
    if len(negative) == 1 and negative[0] == -1 and distinct[-1] > 1:
        # Data sets such as MyAnimeList's write -1 for "watched but not rated".
        found = detect_rating_scale(present[present >= 0])
        return Found(STARS if found is None else found.scale, unrated=-1.0)
    if distinct[0] >= 0 and distinct[-1] <= 1:
        return Found((0.0, 1.0))
    for low, high in _RATING_SCALES:
        if ((present >= low) & (present <= high)).mean() >= _NEARLY_ALL:
            return Found((low, high))
    return None


def detect_watch_scale(values: FloatArray) -> Scale | None:
    """(0, 100) for percentages, (0, 1) for shares; None where there is nothing to judge by."""
    present = values[np.isfinite(values)]
    if not len(present):
        return None
    percent = ((present > 1) & (present <= 100)).mean() > 0.1
    return (0.0, 100.0) if percent else (0.0, 1.0)


def rescale(values: FloatArray, scale: Scale, target: Scale) -> FloatArray:
    """Linear map of `scale` onto `target`; the same array where both are equal."""
    if scale == target:
        return values
    (low, high), (new_low, new_high) = scale, target
    return (values - low) / (high - low) * (new_high - new_low) + new_low


def scale_text(scale: Scale) -> str:
    """A scale for people.

    >>> scale_text((0.0, 10.0))
    '0 to 10'
    """
    return f"{scale[0]:g} to {scale[1]:g}"
