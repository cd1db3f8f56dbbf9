"""Which movies may be recommended at a moment."""

from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray

AVAILABILITY: Final = (n.AVAILABLE_FROM, n.AVAILABLE_UNTIL)
"""Columns of the movies that say when a movie may be recommended."""


def available(movies: pd.DataFrame, as_of: pd.Timestamp | None) -> BoolArray | None:
    """Which movies may be recommended at `as_of`: bool ``(n_items,)``; None is all."""
    if as_of is None:
        return None
    allowed = np.ones(len(movies), dtype=bool)
    if n.AVAILABLE_FROM in movies.columns:
        allowed &= ~(movies[n.AVAILABLE_FROM] > as_of).to_numpy(dtype=bool)
    if n.AVAILABLE_UNTIL in movies.columns:
        allowed &= ~(movies[n.AVAILABLE_UNTIL] < as_of).to_numpy(dtype=bool)
    return None if allowed.all() else allowed
