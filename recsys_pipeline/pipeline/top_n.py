"""The lists of all users."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.panel import POPULARITY, PROFILE, TWO_STAGE
from recsys_pipeline.ranking.released import ReleasedModel

__all__ = ["available", "make_top_n", "reasons", "titles_of"]

_PROFILE = (n.AGE, n.SEGMENT, n.PREFERRED_GENRES)


def make_top_n(model: ReleasedModel, data: Dataset, k: int, release: str) -> pd.DataFrame:
    """The list of every user: k movies not seen, best first; contract `TOP_N`.

    Ordered by user and rank. A user who has seen all but a few movies gets those few.

    Args:
        model: fitted on `data`.
        data: everything known as of ``data.as_of``; movies not available then are left out.
        k: length of a list.
        release: id of the release that the lists belong to.

    Raises:
        ModelError: the model gave a score that is not a number.
    """
    users = data.batch()
    lists = model.recommend(users, k, allowed=available(data.movies, data.as_of))
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
            n.REASON: pd.array(reasons(users, lists.sources[:, 0])[rows], dtype="str"),
            n.RELEASE: pd.array([release] * len(rows), dtype="str"),
        }
    )
    titles = titles_of(data.movies)
    frame[n.TITLE] = pd.array(titles[items], dtype="str")
    return frame


def titles_of(movies: pd.DataFrame) -> npt.NDArray[np.object_]:
    """A title for every movie; where there is none, "Movie" and its id. Object ``(n_items,)``."""
    named = "Movie " + movies[n.MOVIE_ID].astype("str")
    if n.TITLE in movies.columns:
        named = movies[n.TITLE].astype("str").where(movies[n.TITLE].notna(), named)
    return np.asarray(named, dtype=object)


def reasons(users: UserBatch, sources: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """What each user's list rests on, one phrase: object ``(len(users),)``.

    Args:
        users: what is known of them.
        sources: the recommender that made each list: one of profiles says nothing of history.
    """
    history = (users.history_lengths > 0) & (sources != PROFILE)
    profile = np.zeros(len(users), dtype=bool)
    for name in _PROFILE:
        if name in users.profiles.columns:
            profile |= users.profiles[name].notna().to_numpy(dtype=bool)
    profile &= (sources == PROFILE) | (sources == TWO_STAGE)
    text = np.select(
        [history & profile, history, profile],
        ["fits your history and profile", "fits your history", "fits your profile"],
        "popular with everybody",
    ).astype(object)
    text[sources == POPULARITY] = "popular with everybody"
    return text
