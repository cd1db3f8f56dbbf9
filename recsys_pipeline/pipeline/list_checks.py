"""What must hold of the lists before they are released."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import DataError
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.released import ReleasedModel

FULL: Final = "every_user_has_a_full_list"
UNSEEN: Final = "no_seen_movie"
DISTINCT: Final = "no_movie_twice"
ALLOWED: Final = "no_forbidden_movie"

TEXTS: Final = {
    FULL: "Every user has k movies, or all that are left of those allowed; blocked users none.",
    UNSEEN: "No list holds a movie that its user has met before.",
    ALLOWED: "No list holds a movie that is not available or that the rules forbid.",
    DISTINCT: "No list holds a movie twice.",
}


@dataclass(frozen=True)
class ListCheck:
    """One condition on the lists.

    Attributes:
        name: of the condition, a key of `TEXTS`.
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


def raise_if_broken(checks: list[ListCheck]) -> None:
    """Raise for the conditions that do not hold. Raises DataError."""
    lines = [f"- {c.name}: {c.broken:,} of {c.of:,}" for c in checks if c.broken]
    if lines:
        raise DataError(
            "The lists must not be released; the last release stays in service.\n"
            + "\n".join(lines),
            "Train again with another learning.primary, and report this.",
        )
