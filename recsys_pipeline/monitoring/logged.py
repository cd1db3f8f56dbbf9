"""The figures of a week as flat numbers, for the log of the week's run."""

import math
import re
from hashlib import sha256
from typing import Final

import pandas as pd

from recsys_pipeline.monitoring import names

PREFIX: Final = "online_"
GROUPED: Final = (names.SEGMENT, names.ARM)
"""What is logged beside the figures of all: groups that stay the same from week to week."""

_HASH: Final = 6
_REFUSED: Final = re.compile(r"[^A-Za-z0-9_.\-]+")


def logged(figures: pd.DataFrame) -> dict[str, float]:
    """The value of each figure of all, each segment and each arm, by its name in the log.

    Names are such as ``online_click_through`` and ``online_click_through_by_segment_adult``; what
    MLflow refuses in a name is written ``_``, and a hash follows a group of other letters, so that
    groups stay apart. What cannot be told is left out.

    Args:
        figures: tidy, see `figures.figures`.
    """
    out = {}
    rows = figures[figures[names.BY].isin([names.ALL, *GROUPED])]
    for metric, by, group, value in zip(
        rows[names.METRIC], rows[names.BY], rows[names.GROUP], rows[names.VALUE], strict=True
    ):
        if math.isfinite(value):
            whose = "" if by == names.ALL else f"_by_{by}_{_written(group)}"
            out[f"{PREFIX}{metric}{whose}"] = float(value)
    return out


def _written(group: str) -> str:
    """A group in letters that a log takes; different groups of other letters stay different."""
    written = _REFUSED.sub("_", group)
    if group.isascii():
        return written
    return f"{written.strip('_')}_{sha256(group.encode()).hexdigest()[:_HASH]}".lstrip("_")
