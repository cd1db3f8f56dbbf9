"""Do figures of past data say which release people like better? A rank correlation, with care."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from recsys_pipeline.business import stored
from recsys_pipeline.evaluation.names import metric_label

N_DRAWS: Final = 2000
FEWEST: Final = 4
"""Releases below which no correlation is given."""
ENOUGH: Final = 10
"""Releases below which it is given, but nothing is concluded."""
_ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class Past:
    """One release that was both judged offline and compared online.

    Attributes:
        release: its id.
        offline: the deciding metric on past data.
        lift, low, high: relative lift against the control online, with its 95 % interval; finite.
    """

    release: str
    offline: float
    lift: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether the offline metric predicts the lift online.

    Attributes:
        metric: name of the offline metric.
        points: the releases, in the order given.
        correlation: Spearman's, from −1 to 1; None where there are too few releases, or all are
            alike.
        low, high: middle 95 % of it over releases drawn with replacement, widened where needed to
            hold the correlation itself, which the noise of the draws pulls towards zero.
        p: share of random orders that agree at least as well, either way.
        least: smallest correlation that as many releases can tell from none.
        sentence: what follows, for people.
    """

    metric: str
    points: tuple[Past, ...]
    correlation: float | None
    low: float | None
    high: float | None
    p: float | None
    least: float | None
    sentence: str

    def to_json(self) -> bytes:
        """It all, as JSON."""
        return stored.dump(Agreement, self)

    @classmethod
    def from_json(cls, content: bytes) -> "Agreement":
        """What `to_json` wrote. Raises StorageError if it cannot be read."""
        found: Agreement = stored.load(Agreement, content, "The file of offline against online")
        return found


def agreement(
    metric: str, points: Sequence[Past], rng: np.random.Generator, *, draws: int = N_DRAWS
) -> Agreement:
    """Whether `metric`, reckoned offline, orders releases as people do online.

    Spearman's rank correlation. Its interval comes from a bootstrap over releases in which each
    lift is drawn from its own interval as well, since it is not known exactly; its p from orders
    drawn at random (a permutation test).

    Args:
        metric: name of the offline metric in logs, such as ``ndcg_at_10``.
        points: releases that were judged both ways.
        rng: draws `draws` times the number of releases, thrice.
        draws: bootstrap samples and random orders.
    """
    points = tuple(points)
    offline = np.array([point.offline for point in points])
    lift = np.array([point.lift for point in points])
    if len(points) < FEWEST or len(set(offline)) < 2 or len(set(lift)) < 2:
        return Agreement(metric, points, None, None, None, None, None, _too_few(metric, points))
    correlation = float(_spearman(offline[None], lift[None])[0])
    size = (draws, len(points))
    chosen = rng.integers(len(points), size=size)
    spread = np.array([(point.high - point.low) / 2 / stats.norm.ppf(0.975) for point in points])
    noisy = rng.normal(lift[chosen], spread[chosen])
    drawn = _spearman(offline[chosen], noisy)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    orders = rng.permuted(np.broadcast_to(lift, size), axis=1)
    chance = _spearman(np.broadcast_to(offline, size), orders)
    p = float((1 + (np.abs(chance) >= abs(correlation) - 1e-12).sum()) / (draws + 1))
    least = float(np.quantile(np.abs(chance), 1 - _ALPHA))
    found = (correlation, min(float(low), correlation), max(float(high), correlation), p, least)
    return Agreement(metric, points, *found, _sentence(metric, len(points), *found))


def _spearman(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rank correlation of each row of `a` with that of `b`: ``(n,)``; NaN where one is constant."""
    x, y = (stats.rankdata(each, axis=1) for each in (a, b))
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    both = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    out = np.full(len(x), np.nan)
    np.divide((x * y).sum(1), both, out=out, where=both > 0)
    return out


def _too_few(metric: str, points: Sequence[Past]) -> str:
    n = len(points)
    if n >= FEWEST:
        return (
            f"All {n} releases are alike in {metric_label(metric)} or online: nothing can be said."
        )
    have = {0: "No release was", 1: "Only one release was"}.get(n, f"Only {n} releases were")
    return (
        f"{have} judged offline and compared online; at least {FEWEST} are needed for a "
        f"correlation, and {ENOUGH} for a conclusion."
    )


def _sentence(
    metric: str, n: int, correlation: float, low: float, high: float, p: float, least: float
) -> str:
    name = metric_label(metric)
    figures = f"rank correlation {correlation:.2f}, 95 % interval {low:.2f} to {high:.2f}"
    figures = figures.replace("-", "−")
    if n < ENOUGH:
        told = (
            "this one is, yet so few say little about the next release"
            if p <= _ALPHA
            else "this one cannot be told from chance"
        )
        return (
            f"{n} releases are too few to conclude anything ({figures}): with so few a "
            f"correlation is beyond chance only from {least:.2f} on, and {told}."
        )
    if p <= _ALPHA and low > 0:
        return f"Over {n} releases a better {name} offline went with a higher lift ({figures})."
    if p <= _ALPHA and high < 0:
        return (
            f"Over {n} releases a better {name} offline went with a lower lift ({figures}): "
            "do not choose by it before that is understood."
        )
    return (
        f"Over {n} releases it cannot be told whether {name} predicts the lift ({figures}): "
        "decide by experiments."
    )
