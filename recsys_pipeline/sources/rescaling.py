"""Parsed columns onto the scales of the contract."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.coded import Parsed
from recsys_pipeline.sources.config import Scale, TableConfig
from recsys_pipeline.sources.scales import (
    STARS,
    Found,
    detect_rating_scale,
    detect_watch_scale,
    rescale,
    scale_text,
)

_SHARE: Scale = (0.0, 1.0)
_MEAN: Scale = (0.0, 5.0)


def to_contract_scale(
    name: str, parsed: Parsed, config: TableConfig, known: npt.NDArray[np.bool_]
) -> Parsed:
    """`parsed` with ratings as 0.5 to 5 (a mean 0 to 5) stars and watched shares as 0 to 1.

    Columns of other names come back as they are. The scale in `config` counts where it is set;
    else it is detected, and a note names it where values change.

    Args:
        name: canonical name of the column.
        parsed: the column.
        config: how the table is to be read.
        known: bool, one for each row: the rows that a scale is detected by.
    """
    match name:
        case n.RATING:
            return _rating(parsed, config.rating_scale, known)
        case n.MEAN_RATING:
            return _mean(parsed, config.rating_scale, known)
        case n.WATCH_FRACTION:
            found = config.watch_scale or detect_watch_scale(parsed.values.to_numpy()[known])
            return _rescaled(parsed, found, _SHARE, "0 to 1", config.watch_scale is None)
        case _:
            return parsed


def _rating(parsed: Parsed, given: Scale | None, known: npt.NDArray[np.bool_]) -> Parsed:
    found = Found(given) if given else detect_rating_scale(parsed.values.to_numpy()[known])
    if found is None:
        return parsed
    if found.unrated is not None:
        unrated = parsed.values == found.unrated
        parsed = Parsed(
            parsed.values.mask(unrated),
            parsed.raw,
            (*parsed.notes, f"{int(unrated.sum()):,} values of -1 were read as not rated"),
        )
    if found.scale == (1.0, 5.0):
        return parsed
    return _rescaled(parsed, found.scale, STARS, "0.5 to 5", given is None)


def _mean(parsed: Parsed, given: Scale | None, known: npt.NDArray[np.bool_]) -> Parsed:
    if given:
        scale = _MEAN if given in ((1.0, 5.0), STARS) else given
    else:
        found = detect_rating_scale(parsed.values.to_numpy()[known])
        if found is None or found.scale[0] < 0:
            return parsed
        # A mean of ratings from 1 to 10 is out of 10 all the same.
        scale = (0.0, found.scale[1])
    return _rescaled(parsed, scale, _MEAN, "0 to 5", given is None)


def _rescaled(
    parsed: Parsed, scale: Scale | None, target: Scale, shown: str, detected: bool
) -> Parsed:
    if scale is None or scale == target:
        return parsed
    values = pd.Series(rescale(parsed.values.to_numpy(dtype=np.float64), scale, target))
    how = "detected and " if detected else ""
    note = f"the scale {scale_text(scale)} was {how}mapped to {shown}"
    return Parsed(values, parsed.raw, (*parsed.notes, note))
