"""What must hold of the lists before they are released."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.errors import DataError
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.released import ReleasedModel

FULL = "every_user_has_a_full_list"
UNSEEN = "no_seen_movie"
DISTINCT = "no_movie_twice"
ALLOWED = "no_forbidden_movie"

_TEXTS = {
    FULL: "Every user has k movies, or all that are left of those allowed; blocked users none.",
    UNSEEN: "No list holds a movie that its user has met before.",
    ALLOWED: "No list holds a movie that is not available or that the rules forbid.",
    DISTINCT: "No list holds a movie twice.",
}


@dataclass(frozen=True)
class ListCheck:
    """One condition on the lists.

    Attributes:
        name: of the asset check.
        broken: lists or rows that break it.
        of: lists or rows in all.
    """

    name: str
    broken: int
    of: int


def check_lists(
    lists: pd.DataFrame, data: Dataset, k: int, model: ReleasedModel
) -> list[ListCheck]:
    """Check the top-N table against the data that it was made from.

    Args:
        lists: contract `TOP_N`.
        data: everything known as of ``data.as_of``.
        k: length of a list.
        model: that made them, with its rules.
    """
    user, item = data.users.index_of(lists[n.USER_ID]), data.items.index_of(lists[n.MOVIE_ID])
    rules = model.applied_rules
    allowed = np.ones(data.n_items, dtype=bool)
    for there in (available(data.movies, data.as_of), rules.allowed):
        if there is not None:
            allowed &= there
    seen = data.seen[:, np.flatnonzero(allowed)]
    left = seen.shape[1] - np.diff(seen.indptr)
    left[rules.blocks(data.users.values)] = 0
    forbidden = ~allowed[item]
    lengths = np.bincount(user, minlength=data.n_users)
    met = np.asarray(data.seen[user, item]).ravel() > 0
    return [
        ListCheck(FULL, int((lengths != np.minimum(left, k)).sum()), data.n_users),
        ListCheck(UNSEEN, int(met.sum()), len(lists)),
        ListCheck(ALLOWED, int(forbidden.sum()), len(lists)),
        ListCheck(DISTINCT, int(lists.duplicated([n.USER_ID, n.MOVIE_ID]).sum()), len(lists)),
    ]


def list_check_specs(layout: Layout, asset: str) -> list[dg.AssetCheckSpec]:
    """The checks of the asset called `asset`, all blocking."""
    return [
        dg.AssetCheckSpec(name, asset=layout.key(asset), description=text, blocking=True)
        for name, text in _TEXTS.items()
    ]


def list_check_results(
    layout: Layout, asset: str, checks: list[ListCheck]
) -> Iterator[dg.AssetCheckResult]:
    """A result for each of `list_check_specs`."""
    for check in checks:
        yield dg.AssetCheckResult(
            asset_key=layout.key(asset),
            check_name=check.name,
            passed=not check.broken,
            metadata={"broken": check.broken, "of": check.of},
        )


def raise_if_broken(checks: list[ListCheck]) -> None:
    """Raise for the conditions that do not hold. Raises DataError."""
    lines = [f"- {c.name}: {c.broken:,} of {c.of:,}" for c in checks if c.broken]
    if lines:
        raise DataError(
            "The lists must not be released; the last release stays in service.\n"
            + "\n".join(lines),
            "Train again with another learning.primary, and report this.",
        )
