"""Filters: which movies of a release may be in a list that was asked for."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.serving.queries import Filters
from recsys_pipeline.serving.release import LoadedRelease


def moment_of(filters: Filters, now: pd.Timestamp) -> pd.Timestamp:
    """The moment at which movies must be available."""
    return now if filters.available_at is None else pd.Timestamp(filters.available_at)


def open_movies(release: LoadedRelease, filters: Filters, now: pd.Timestamp) -> BoolArray | None:
    """Movies that pass the filters, the rules, and are available; None is all."""
    mask = allowed_movies(release, filters)
    rules = release.model.applied_rules.allowed
    for there in (available(release.model.movies, moment_of(filters, now)), rules):
        if there is not None:
            mask = there if mask is None else mask & there
    return mask


def allowed_movies(release: LoadedRelease, filters: Filters) -> BoolArray | None:
    """Movies that pass genre, year and exclusions; None is all. Raises SettingsError."""
    cards = release.cards
    mask = np.ones(len(cards.cards), dtype=bool)
    if filters.genre:
        mask &= cards.has_genre[:, _genres(release, filters.genre)].any(axis=1)
    if filters.not_genre:
        mask &= ~cards.has_genre[:, _genres(release, filters.not_genre)].any(axis=1)
    if filters.year_from is not None:
        mask &= cards.years >= filters.year_from
    if filters.year_to is not None:
        mask &= cards.years <= filters.year_to
    excluded = [item for item in map(cards.item, filters.exclude) if item >= 0]
    mask[excluded] = False
    return None if mask.all() else mask


def _genres(release: LoadedRelease, names: Sequence[str]) -> list[int]:
    numbers = [release.cards.genre(name) for name in names]
    if min(numbers) < 0:
        known = ", ".join(release.cards.genres[:30]) or "none"
        raise SettingsError("No movie has one of the genres.", f"Known are {known}.")
    return numbers
