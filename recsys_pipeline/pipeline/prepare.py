"""Prepare: rows at fault set aside, users with what their history says of them."""

from dataclasses import replace

import pandas as pd

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.cleaning import CleanTables, clean
from recsys_pipeline.data.derived import with_history_columns
from recsys_pipeline.data.weights import unmet_event_types
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.sources.base import Tables


def prepare(tables: Tables, as_of: pd.Timestamp | None, learning: LearningConfig) -> CleanTables:
    """The clean tables; `users` has the columns that are derived from history as of `as_of`.

    Raises:
        DataError: no interaction is left.
    """
    cleaned = clean(tables, as_of)
    if cleaned.interactions.empty:
        when = "" if as_of is None else f" up to {as_of:%Y-%m-%d %H:%M} UTC"
        raise DataError(
            f"interactions: of {len(tables.interactions):,} rows none is left{when} to learn from.",
            "See the quarantine for why, or choose a later as_of.",
        )
    data = build_dataset(cleaned.users, cleaned.movies, cleaned.interactions, learning.likes, as_of)
    unmet = unmet_event_types(cleaned.interactions, learning.likes)
    notes = cleaned.notes
    if unmet:
        types = ", ".join(map(repr, unmet))
        notes = (
            *notes,
            f"learning.likes.weights.event_types names {types}: no interaction is one.",
        )
    return replace(cleaned, users=with_history_columns(cleaned.users, data), notes=notes)
