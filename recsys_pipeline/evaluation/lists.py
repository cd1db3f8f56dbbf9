"""Figures of all lists together: how much of the catalogue they show, and how alike they are.

None of them says anything about a single user, so they have no interval.
"""

import numpy as np
import numpy.typing as npt

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.metrics import IntArray


def list_figures(items: IntArray, k: int, n_items: int) -> dict[str, float]:
    """Every figure of this module for the first k places, by its name in logs.

    Args:
        items: int ``(n_users, K)``, item numbers, −1 where a list has ended.
        k: length that a list should have.
        n_items: size of the catalogue.
    """
    shown = items[:, :k]
    figures = {
        names.GINI: gini(shown, n_items),
        names.DISTINCT_MOVIES: float(distinct_movies(shown)),
        names.SAMENESS: sameness(shown, k, n_items),
        names.SHORT_LISTS: short_lists(shown, k),
        names.REPEATED: repeated(shown),
    }
    return {names.at_k(base, k): value for base, value in figures.items()}


def gini(items: IntArray, n_items: int) -> float:
    """How unevenly the movies of the catalogue are shown: 0 all alike, near 1 only a few.

    ``Σ (2i − n − 1) x_i / (n Σ x)`` over the n movies of the catalogue, x ascending, where x is how
    often a movie is shown (0 for one that is in no list). NaN where nothing is shown.

    Source: Fleder and Hosanagar, Blockbuster culture's next rise or fall, Management Science 55(5),
    2009.

    >>> gini(np.array([[0], [1]]), 2), gini(np.array([[0], [0]]), 2)
    (0.0, 0.5)
    """
    times = np.sort(_times_shown(items, n_items))
    total = float(times.sum())
    if not total:
        return float("nan")
    place = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(place @ times) / (n_items * total)


def distinct_movies(items: IntArray) -> int:
    """How many different movies are in at least one list."""
    return len(np.unique(items[items >= 0]))


def sameness(items: IntArray, k: int, n_items: int) -> float:
    """Mean over users of the share of a list that is among the k movies shown most: 1 all alike.

    Movies shown equally often are taken in order of their number. Empty lists are left out; NaN
    where all are.

    >>> sameness(np.array([[0, 1], [1, 0]]), 2, 4), sameness(np.array([[0, 1], [2, 3]]), 2, 4)
    (1.0, 0.5)
    """
    there = items >= 0
    lengths = there.sum(axis=1)
    if not lengths.any():
        return float("nan")
    times = _times_shown(items, n_items)
    most_shown = np.zeros(n_items, dtype=bool)
    most_shown[np.argsort(-times, kind="stable")[:k]] = True
    among = (most_shown[items] & there).sum(axis=1)
    return float(np.mean(among[lengths > 0] / lengths[lengths > 0]))


def short_lists(items: IntArray, k: int) -> float:
    """Share of users whose list holds fewer than k movies; NaN without users."""
    if not len(items):
        return float("nan")
    return float(np.mean((items[:, :k] >= 0).sum(axis=1) < k))


def repeated(items: IntArray) -> float:
    """Share of users whose list holds a movie twice; NaN without users."""
    if not len(items):
        return float("nan")
    ordered = np.sort(items, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    return float(np.mean(twice.any(axis=1)))


def _times_shown(items: IntArray, n_items: int) -> npt.NDArray[np.int64]:
    return np.bincount(items[items >= 0], minlength=n_items).astype(np.int64)
