"""A first look at big data: some of the users, with all that they did."""

from dataclasses import replace

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.sources.base import Tables

_BUCKETS = 1_000_000


def sample_users(tables: Tables, share: float) -> Tables:
    """Keep a share of the users, chosen by a hash of their ids, and their interactions.

    The same users are kept in every run. Movies stay all.

    Args:
        share: above 0, at most 1 (1 returns `tables` as they are).

    Raises:
        SettingsError: `share` is out of range, or so small that nobody is left.
    """
    if not 0 < share <= 1:
        raise SettingsError(
            f"sample = {share:g} is not a share of the users.",
            "Give a number above 0 and at most 1, such as 0.05.",
        )
    if share == 1:
        return tables
    users = tables.users[_chosen(tables.users[n.USER_ID], share)].reset_index(drop=True)
    if users.empty:
        raise SettingsError(
            f"sample = {share:g} of {len(tables.users):,} users leaves nobody.",
            "Give a larger share.",
        )
    interactions = tables.interactions[_chosen(tables.interactions[n.USER_ID], share)]
    note = f"a sample of {len(users):,} of {len(tables.users):,} users"
    return replace(
        tables,
        users=users,
        interactions=interactions.reset_index(drop=True),
        notes=(*tables.notes, note),
    )


def _chosen(ids: pd.Series, share: float) -> np.ndarray:
    """Rows without an id are kept: the checks must see them."""
    bucket = pd.util.hash_pandas_object(ids, index=False).to_numpy() % _BUCKETS
    return np.asarray((bucket < share * _BUCKETS) | ids.isna().to_numpy())
