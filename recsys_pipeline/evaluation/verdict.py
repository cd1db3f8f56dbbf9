"""The verdict: is the released recommender better than popularity, by a metric that can tell?"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import (
    N_RESAMPLES,
    Interval,
    difference_of_figures,
)
from recsys_pipeline.evaluation.labelled import Exposures

Answer = Literal["yes", "no", "cannot tell"]

OPENINGS: Final[dict[Answer, str]] = {
    "yes": "Better than popularity: yes.",
    "no": "Better than popularity: no. It is no better than popularity.",
    "cannot tell": (
        "Better than popularity: cannot tell. On these data it is no better than popularity beyond "
        "chance."
    ),
}
"""How the verdict begins, by its answer."""
ENOUGH_OF_EACH: Final = 30
"""Held-out likes and dislikes that it takes, each, to judge by labels."""


@dataclass(frozen=True, slots=True)
class DecidingMetric:
    """The metric that decides between recommenders, and why it is this one.

    Attributes:
        name: its name in logs.
        reason: one sentence for people.
    """

    name: str
    reason: str


def deciding_metric(held_out: HeldOut, k: int = 10) -> DecidingMetric:
    """The metric that can decide on the data held out.

    With dislikes as well as likes (at least 30 of each) the share of likes among the exposures that
    a recommender ranks at its top; else nDCG@k over the full catalogue. A dislike that the settings
    count as positive (a low rating where every rating is a choice) is none: users chose those
    movies themselves, and what they chose is what nDCG asks about.
    """
    name = names.at_k(names.NDCG, k)
    label = names.metric_label(name)
    exposures = held_out.exposures
    if exposures is None or exposures.liked.all():
        return DecidingMetric(
            name,
            "The held-out events do not say what users disliked, so lists are judged by where the "
            f"movies that users went on to choose stand in them ({label}).",
        )
    disliked = ~exposures.liked & ~_relevant(exposures, held_out)
    if not disliked.any():
        return DecidingMetric(
            name,
            "Every event counts as a choice, whatever its rating, so lists are judged by where the "
            f"movies that users went on to choose stand in them ({label}).",
        )
    likes, dislikes = int(exposures.liked.sum()), int(disliked.sum())
    if min(likes, dislikes) < ENOUGH_OF_EACH:
        return DecidingMetric(
            name,
            f"The held-out events hold {likes:,} likes and {dislikes:,} dislikes, too few to judge "
            f"by, so lists are judged by where liked movies stand in them ({label}).",
        )
    return DecidingMetric(
        names.LIKED_SHARE_IN_TOP,
        f"The held-out events hold {dislikes:,} dislikes beside {likes:,} likes, so what a "
        "recommender ranks high is checked against what users thought of it.",
    )


def _relevant(exposures: Exposures, held_out: HeldOut) -> npt.NDArray[np.bool_]:
    """Which exposures are of an item that is relevant to the user."""
    n_items = held_out.n_items
    pairs = held_out.relevant.tocoo()
    return np.isin(
        exposures.row.astype(np.int64) * n_items + exposures.item,
        pairs.row.astype(np.int64) * n_items + pairs.col,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Better than popularity?

    Attributes:
        answer: ``yes`` where the whole interval of the difference is above 0, ``no`` where none of
            it is, else (or without an interval) ``cannot tell``.
        metric: name of the metric that decided.
        released, popularity: the two figures.
        difference: released less popularity, paired.
        sentence: the verdict for people.
    """

    answer: Answer
    metric: str
    released: Interval
    popularity: Interval
    difference: Interval
    sentence: str


def verdict(
    released: Evaluation,
    popularity: Evaluation,
    metric: str,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Verdict:
    """Whether `released` is better than `popularity` by `metric`, with one sentence for people.

    Raises:
        ValueError: one of them has no such metric, or they were judged on different users.
    """
    for side in (released, popularity):
        if metric not in side.per_user:
            raise ValueError(f"no {metric!r} among {sorted(side.per_user)}")
    if not np.array_equal(released.users, popularity.users):
        raise ValueError("the two recommenders were judged on different users")
    difference = difference_of_figures(
        released.per_user[metric], popularity.per_user[metric], rng, n_resamples=n_resamples
    )
    answer = _answer(difference)
    ours, theirs = released.intervals[metric], popularity.intervals[metric]
    return Verdict(
        answer,
        metric,
        ours,
        theirs,
        difference,
        f"{OPENINGS[answer]} {figures_sentence(metric, ours, theirs, difference)}",
    )


def _answer(difference: Interval) -> Answer:
    if difference.low > 0:
        return "yes"
    if difference.high <= 0:
        return "no"
    return "cannot tell"


def figures_sentence(metric: str, ours: Interval, theirs: Interval, difference: Interval) -> str:
    """Two figures and their paired difference with its interval, in words for people."""
    label = names.metric_label(metric)
    users = "1 user" if difference.n == 1 else f"{difference.n:,} users"
    if not np.isfinite(difference.low):
        return f"{label} has no interval: it rests on {users}, and takes at least two."
    digits = _digits(difference)
    return (
        f"{label} {ours.mean:.{digits}f} against {theirs.mean:.{digits}f}; "
        f"difference {difference.mean:+.{digits}f} ({100 * difference.level:.0f} % interval "
        f"{difference.low:+.{digits}f} to {difference.high:+.{digits}f}), {users}."
    )


def _digits(difference: Interval) -> int:
    """As many decimals as keep a bound that is not 0 from being shown as 0; 3 to 6."""
    bounds = [abs(bound) for bound in (difference.low, difference.high) if bound != 0]
    smallest = min(bounds, default=1.0)
    return int(np.clip(np.ceil(-np.log10(2 * smallest)), 3, 6))
