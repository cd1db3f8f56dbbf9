"""The lists of all users."""

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking.exploration import exploration_keys
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.ranking.titles import titles_of

_DAY = 86_400


def make_top_n(model: ReleasedModel, data: Dataset, k: int, release: str) -> pd.DataFrame:
    """The list of every user: k movies not seen, best first; contract `TOP_N`.

    Ordered by user and rank. A user who has seen all but a few movies gets those few, and one
    whom the rules block gets none.

    Args:
        model: fitted on `data`.
        data: everything known as of ``data.as_of``; movies not available then are left out.
        k: length of a list.
        release: id of the release that the lists belong to.

    Raises:
        ModelError: the model gave a score that is not a number.
    """
    users = data.batch()
    keys = exploration_keys(data.users.values, occasion_of(data.as_of))
    lists = model.recommend(users, k, keys=keys)
    blocked = model.applied_rules.blocks(data.users.values)
    lists.items[blocked] = -1
    listed = lists.items >= 0
    rows, places = np.nonzero(listed)
    items = lists.items[listed]
    scores = lists.scores[listed]
    wrong = int((~np.isfinite(scores)).sum())
    if wrong:
        raise ModelError(
            f"{model.primary} gave {wrong:,} scores that are no numbers.",
            "Train again with another learning.primary, and report this.",
        )
    frame = pd.DataFrame(
        {
            n.USER_ID: data.users.id_of(rows),
            n.RANK: (places + 1).astype(np.int64),
            n.MOVIE_ID: data.items.id_of(items),
            n.SCORE: scores.astype(np.float64),
            n.SOURCE: pd.array(lists.sources[listed], dtype="str"),
            n.REASON: pd.array(model.reasons(users, lists)[listed], dtype="str"),
            n.RELEASE: pd.array([release] * len(rows), dtype="str"),
            n.PROPENSITY: lists.propensities[listed].astype(np.float64),
        }
    )
    titles = titles_of(data.movies)
    frame[n.TITLE] = pd.array(titles[items], dtype="str")
    return frame


def occasion_of(as_of: pd.Timestamp | None) -> int:
    """A number for the day that lists are for: another day draws other movies to explore."""
    return 0 if as_of is None else int(as_of.timestamp()) // _DAY
