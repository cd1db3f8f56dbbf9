"""Metrics on labelled exposures: held-out pairs of which it is known whether the user liked them.

Nobody chose these pairs for being liked, so they tell good from bad where lists cannot: most
liked movies of a catalogue are never met, and full-catalogue metrics count them as misses.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.evaluation.metrics import BoolArray, Float64Array, IntArray
from recsys_pipeline.evaluation.per_user import PerUser

TOP_SHARE: Final = 0.05
"""Share of the catalogue that counts as what a recommender would show a user."""


@dataclass(frozen=True)
class Exposures:
    """Held-out pairs with labels, as parallel arrays.

    Attributes:
        row: int32, place of the user among the users evaluated (0…n_users − 1).
        item: int32, the item.
        liked: bool, whether the user liked it.
        n_users: how many users are evaluated; a user may have no exposure.
    """

    row: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    liked: BoolArray
    n_users: int

    def __len__(self) -> int:
        return len(self.row)

    def in_lists(self, items: IntArray, n_items: int) -> BoolArray:
        """Which exposures are in their user's list: bool ``(len(self),)``.

        Args:
            items: int ``(n_users, K)``, −1 where a list has ended.
            n_items: size of the catalogue.
        """
        rows = np.arange(self.n_users, dtype=np.int64)[:, None]
        # Row by row is faster than all at once, and the rows ascend already.
        ordered = np.sort(items, axis=1)
        listed = (rows * n_items + ordered)[ordered >= 0]
        keys = self.row.astype(np.int64) * n_items + self.item
        if not len(listed):
            return np.zeros(len(self), dtype=bool)
        found: BoolArray = listed[np.minimum(listed.searchsorted(keys), len(listed) - 1)] == keys
        return found

    def _count(self, which: npt.NDArray[Any]) -> Float64Array:
        """How many exposures (or their weights) each user has: float64 ``(n_users,)``."""
        weights = which.astype(np.float64)
        return np.bincount(self.row, weights, self.n_users).astype(np.float64)


def top_size(n_items: int) -> int:
    """Length of a list that holds the best `TOP_SHARE` of the catalogue, rounded up.

    >>> top_size(2000), top_size(9), top_size(0)
    (100, 1, 0)
    """
    return int(np.ceil(round(TOP_SHARE * n_items, 9)))


def liked_share_in_top(items_top: IntArray, exposures: Exposures, n_items: int) -> PerUser:
    """Share of likes among the exposures that the recommender itself ranks at its top.

    Each user has numerator = exposures in the user's own top list that were liked, and denominator
    = exposures in it; the figure pools them. A user whose top list holds no exposure has 0 / 0. It
    estimates the chance that a movie is liked given that it is recommended, as long as what a user
    met does not depend on the recommender.

    Args:
        items_top: int ``(n_users, top_size(n_items))``, −1 where a list has ended.
        exposures: none of them met in training (lists hold unseen items only).
        n_items: size of the catalogue.
    """
    shown = exposures.in_lists(items_top, n_items)
    return PerUser(exposures._count(shown & exposures.liked), exposures._count(shown))


def liked_precision_recall_f1(
    exposures: Exposures, probabilities: npt.NDArray[Any], threshold: float = 0.5
) -> tuple[PerUser, PerUser, PerUser]:
    """Precision, recall and F1 of "liked", predicted where the probability reaches the threshold.

    Counts are pooled over users, as scikit-learn does over rows: precision is TP / (TP + FP),
    recall TP / (TP + FN), F1 2TP / (2TP + FP + FN); without any prediction or like NaN.

    Args:
        probabilities: ``(len(exposures),)``, estimated probability of a like.

    Raises:
        ValueError: `probabilities` has another shape, or a value that is not from 0 to 1.
    """
    _check_scores(exposures, probabilities)
    if len(probabilities) and not 0 <= probabilities.min() <= probabilities.max() <= 1:
        raise ValueError(
            f"probabilities from {probabilities.min()} to {probabilities.max()}, not 0 to 1"
        )
    predicted = probabilities >= threshold
    true_positive = exposures._count(predicted & exposures.liked)
    n_predicted, n_liked = exposures._count(predicted), exposures._count(exposures.liked)
    return (
        PerUser(true_positive, n_predicted),
        PerUser(true_positive, n_liked),
        PerUser(2 * true_positive, n_predicted + n_liked),
    )


def auc(exposures: Exposures, scores: npt.NDArray[Any]) -> PerUser:
    """Area under the ROC curve, pooled: how often a like has a higher score than a dislike.

    Ties count half. Pooled pairs belong to two users, so there is no plain value per user; here a
    user's value is the AUC plus n_users × the user's influence on it. These values average to
    exactly the AUC, and their spread gives its standard error with users as clusters. Single
    values may lie outside 0…1. NaN for users without exposures; NaN throughout where all or none
    are liked.

    Source: Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997.

    Args:
        scores: ``(len(exposures),)``, higher is better, comparable between users, finite.
    """
    _check_scores(exposures, scores)
    liked = exposures.liked
    n_liked, n_disliked = int(liked.sum()), int((~liked).sum())
    if not n_liked or not n_disliked:
        return PerUser.of(np.full(exposures.n_users, np.nan))
    level = np.unique(scores, return_inverse=True)[1]
    likes = np.bincount(level[liked], minlength=int(level.max()) + 1)
    dislikes = np.bincount(level[~liked], minlength=len(likes))
    worse_dislikes = (np.cumsum(dislikes) - dislikes / 2)[level] / n_disliked
    better_likes = (n_liked - np.cumsum(likes) + likes / 2)[level] / n_liked
    area = float(worse_dislikes[liked].mean())
    influence = np.where(
        liked, (worse_dislikes - area) / n_liked, (better_likes - area) / n_disliked
    )
    has_exposure = np.bincount(exposures.row, minlength=exposures.n_users) > 0
    values = area + has_exposure.sum() * exposures._count(influence)
    return PerUser.of(np.where(has_exposure, values, np.nan))


def auc_by_user(exposures: Exposures, scores: npt.NDArray[Any]) -> PerUser:
    """Each user's own AUC, for users with likes and dislikes; NaN for the others.

    Ties count half (the Mann–Whitney statistic). Unlike the pooled one it asks only whether the
    order within a user is right, so the scores of two users need not be comparable.
    """
    _check_scores(exposures, scores)
    order = np.lexsort((scores, exposures.row))
    row, score, liked = exposures.row[order], scores[order], exposures.liked[order]
    sizes = np.bincount(row, minlength=exposures.n_users)
    rank = np.arange(len(row)) - (np.cumsum(sizes) - sizes)[row] + 1.0
    starts = np.ones(len(row), dtype=bool)
    starts[1:] = (row[1:] != row[:-1]) | (score[1:] != score[:-1])
    tie = np.cumsum(starts) - 1
    rank = (np.bincount(tie, weights=rank) / np.bincount(tie))[tie]
    likes = np.bincount(row, weights=liked, minlength=exposures.n_users)
    pairs = likes * (sizes - likes)
    wins = np.bincount(row, weights=rank * liked, minlength=exposures.n_users)
    out = np.full(exposures.n_users, np.nan)
    np.divide(wins - likes * (likes + 1) / 2, pairs, out=out, where=pairs > 0)
    return PerUser.of(out)


def _check_scores(exposures: Exposures, scores: npt.NDArray[Any]) -> None:
    if scores.shape != (len(exposures),):
        raise ValueError(f"scores of shape {scores.shape} for {len(exposures)} exposures")
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} scores are not finite")
