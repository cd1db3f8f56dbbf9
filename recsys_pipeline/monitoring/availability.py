"""How reliable and how fast the API is, from counts of its answers by the hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from recsys_pipeline.evaluation.intervals import LEVEL, Interval

LATENCY_BOUNDS: Final = (
    0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5,
    1.0, 2.5, 5.0,
)  # fmt: skip
"""Upper bounds (inclusive) in seconds of the counts of an `AnswerHour`; one more count is above."""
QUANTILES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class AnswerHour:
    """What one route did in one hour, summed over all workers. No user is in it.

    Attributes:
        hour: first moment of the hour, UTC.
        route: which route, such as ``/v1/users/{user_id}/recommendations``.
        answers: requests answered, those with an error among them.
        errors: answers that say the server failed (status 500 to 599).
        latencies: how many answers took at most each of `LATENCY_BOUNDS` and more than the one
            before, and last how many took longer: ``len(LATENCY_BOUNDS) + 1`` counts that sum to
            `answers`.

    Raises:
        ValueError: the counts do not fit together.
    """

    hour: datetime
    route: str
    answers: int
    errors: int
    latencies: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.latencies) != len(LATENCY_BOUNDS) + 1:
            raise ValueError(f"{len(self.latencies)} counts of latency")
        if sum(self.latencies) != self.answers or not 0 <= self.errors <= self.answers:
            raise ValueError(
                f"{self.answers} answers, {self.errors} errors and {sum(self.latencies)} latencies"
            )


def bucket_of(seconds: float) -> int:
    """Place in `AnswerHour.latencies` of an answer that took so long.

    >>> bucket_of(0.001), bucket_of(0.0011), bucket_of(60.0) == len(LATENCY_BOUNDS)
    (0, 1, True)
    """
    return int(np.searchsorted(LATENCY_BOUNDS, seconds, side="left"))


@dataclass(frozen=True, slots=True)
class Reliability:
    """How the API did over some hours.

    Attributes:
        answers: requests answered.
        availability: share of them without a failure of the server, with Wilson's interval; NaN
            without answers. `n` is answers, not users: they are not known to belong to anybody.
        goal: the share wanted, or None.
        budget_used: failures ÷ those the goal allows: above 1 the goal is missed; NaN without a
            goal or answers.
        p50, p95, p99: seconds, see `quantile`; NaN without answers.
    """

    answers: int
    availability: Interval
    goal: float | None
    budget_used: float
    p50: float
    p95: float
    p99: float

    @property
    def error_rate(self) -> float:
        """Share of answers that are failures of the server."""
        return 1.0 - self.availability.mean


def reliability(hours: Sequence[AnswerHour], goal: float | None = None) -> Reliability:
    """Availability, error budget and latency over `hours`, all routes together.

    Args:
        hours: any, in any order; choose those of a route to have the route's figures.
        goal: share of answers that must be no failure (0 to 1, without 1), or None.
    """
    answers = sum(each.answers for each in hours)
    errors = sum(each.errors for each in hours)
    counts = np.zeros(len(LATENCY_BOUNDS) + 1, dtype=np.int64)
    for each in hours:
        counts += np.asarray(each.latencies, dtype=np.int64)
    used = float("nan")
    if goal is not None and answers:
        used = errors / ((1.0 - goal) * answers)
    p50, p95, p99 = (quantile(counts, share) for share in QUANTILES)
    return Reliability(answers, wilson(answers - errors, answers), goal, used, p50, p95, p99)


def wilson(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """The share of successes with its score interval; NaN without trials.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA
    1927. It stays within 0…1 and has a width where no trial failed.
    """
    if not trials:
        return Interval(float("nan"), float("nan"), float("nan"), 0, level)
    z = float(norm.ppf((1 + level) / 2))
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + (z / trials / 2) ** 2)
    # Rounding must not leave the share outside of its own interval.
    low, high = min(centre - float(half), share), max(centre + float(half), share)
    return Interval(share, max(low, 0.0), min(high, 1.0), trials, level)


def quantile(counts: npt.NDArray[np.int64], share: float) -> float:
    """The latency in seconds that `share` of the answers did not exceed, from their counts.

    Within a bucket answers are taken to lie evenly (as Prometheus' ``histogram_quantile`` does), so
    the figure is exact at the bounds. Where it lies beyond the last bound it is infinite: nobody
    knows how long those took. NaN without answers.

    Args:
        counts: int ``(len(LATENCY_BOUNDS) + 1,)``, as in `AnswerHour.latencies`.
        share: 0 to 1.
    """
    total = int(counts.sum())
    if not total:
        return float("nan")
    wanted = share * total
    up_to = np.cumsum(counts)
    place = int(np.searchsorted(up_to, wanted, side="left"))
    if place == len(LATENCY_BOUNDS):
        return float("inf")
    low = LATENCY_BOUNDS[place - 1] if place else 0.0
    before = float(up_to[place - 1]) if place else 0.0
    within = (wanted - before) / float(counts[place]) if counts[place] else 0.0
    return low + within * (LATENCY_BOUNDS[place] - low)
