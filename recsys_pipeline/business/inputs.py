"""What the business figures rest on: each figure with its spread, measured or assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.business import lift as lifts
from recsys_pipeline.business import wording
from recsys_pipeline.business.config import AssumptionsConfig, PricesConfig
from recsys_pipeline.business.goals import Figure
from recsys_pipeline.business.lift import Lift, Z, assumed_lift

# names of the inputs
CLICKS: Final = "clicks"
WATCH_HOURS: Final = "watch_hours"
CHURN: Final = "churn"
EVENNESS: Final = "evenness"
CLICKS_LIFT: Final = "clicks_lift"
WATCH_LIFT: Final = "watch_lift"
CHURN_LIFT: Final = "churn_lift"
REVENUE_PER_USER: Final = "revenue_per_user"
REVENUE_PER_CLICK: Final = "revenue_per_click"
MARGIN: Final = "margin"
SERVERS: Final = "servers"
COMPUTE: Final = "compute"
FIXED: Final = "fixed"
PROJECT: Final = "project"

LIFTS: Final = (CLICKS_LIFT, WATCH_LIFT, CHURN_LIFT)
LEAST_EVENNESS: Final = 0.01
MOST_EVENNESS: Final = 1000.0
_INFINITE: Final = float("inf")


@dataclass(frozen=True, slots=True)
class _Kind:
    words: str
    unit: str
    least: float = 0.0
    most: float = _INFINITE


_KINDS: Final[Mapping[str, _Kind]] = {
    CLICKS: _Kind("Clicks on recommendations of a user a month, without it", wording.PLAIN),
    WATCH_HOURS: _Kind("Hours watched by a user a month, without it", wording.HOURS),
    CHURN: _Kind("Users who leave in a month, without it", wording.SHARE, 0.0, 1.0),
    EVENNESS: _Kind(
        "How evenly clicks are spread over users (shape)",
        wording.PLAIN,
        LEAST_EVENNESS,
        MOST_EVENNESS,
    ),
    CLICKS_LIFT: _Kind("Change of clicks with it", wording.CHANGE, -1.0),
    WATCH_LIFT: _Kind("Change of time watched with it", wording.CHANGE, -1.0),
    CHURN_LIFT: _Kind("Change of monthly churn with it", wording.CHANGE, -1.0),
    REVENUE_PER_USER: _Kind("Revenue of a user a month", wording.MONEY),
    REVENUE_PER_CLICK: _Kind("Revenue of a click", wording.MONEY),
    MARGIN: _Kind("Share of the revenue that is left", wording.SHARE, 0.0, 1.0),
    SERVERS: _Kind("Machines that answer, a month", wording.MONEY),
    COMPUTE: _Kind("Weekly runs and storage, a month", wording.MONEY),
    FIXED: _Kind("Other costs a month", wording.MONEY),
    PROJECT: _Kind("Cost of building it, once", wording.MONEY),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One figure that goes in.

    Attributes:
        name: one of this module's names.
        words: what it is, for people.
        unit: see `business.wording`.
        value: its middle.
        low, high: where it lies with a chance of 95 %; equal to `value` for what is certain.
        measured: whether data say so, rather than a setting.
        source: where from, for people.
    """

    name: str
    words: str
    unit: str
    value: float
    low: float
    high: float
    measured: bool
    source: str

    def draws(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
        """Values ``(size,)``: normal around the middle, cut off at what is possible.

        A relative change is normal as the logarithm of its ratio, as far as its low end allows:
        a ratio of two figures is as likely to be twice too large as half too small.
        """
        kind = _KINDS[self.name]
        middle, low, high = self.value, self.low, self.high
        if self.name in LIFTS and min(middle, low) > -1:
            middle, low, high = np.log1p([middle, low, high])
            drawn = np.expm1(rng.normal(middle, (high - low) / (2 * Z), size))
        else:
            drawn = rng.normal(middle, (high - low) / (2 * Z), size)
        return np.clip(drawn, kind.least, kind.most)


@dataclass(frozen=True, slots=True)
class Today:
    """How things are without the recommender, as far as they were counted.

    Attributes:
        users: users who get its lists.
        clicks: clicks on recommendations of a user a month, of the control arm or before.
        watch_hours: hours watched by a user a month, likewise.
        churn: share of users who leave in a month, likewise.
        evenness: from `evenness_of`.
        source: where these figures come from, for people.
        compute: cost of weekly runs and storage a month, of measured seconds and bytes.
    """

    users: int
    clicks: Figure | None = None
    watch_hours: Figure | None = None
    churn: Figure | None = None
    evenness: float | None = None
    source: str = "counted"
    compute: float | None = None


def evenness_of(clicks: npt.ArrayLike) -> float:
    """How evenly clicks are spread over users: the shape k of a gamma distribution of rates.

    By the method of moments for counts that are Poisson given a user's rate (negative binomial):
    k = mean² / (variance − mean). Without more variance than chance gives it is the greatest, 1000.

    Args:
        clicks: of each user over the same time, those without any included: ``(n_users,)``.

    Raises:
        ValueError: there is nobody, or nobody clicked.
    """
    counts = np.asarray(clicks, dtype=np.float64)
    mean = counts.mean() if len(counts) else 0.0
    if mean <= 0:
        raise ValueError("no clicks to tell how they are spread over users")
    beyond_chance = counts.var(ddof=1) - mean if len(counts) > 1 else 0.0
    if beyond_chance <= mean**2 / MOST_EVENNESS:
        return MOST_EVENNESS
    return float(max(mean**2 / beyond_chance, LEAST_EVENNESS))


def inputs_of(
    today: Today,
    found: Sequence[Lift],
    assumptions: AssumptionsConfig,
    prices: PricesConfig,
    churn_before: float,
) -> tuple[Input, ...]:
    """Everything that the impact rests on, what was measured before what was assumed.

    Args:
        today: how things are without the recommender.
        found: lifts that experiments measured, at most one of each metric; the settings assume the
            others.
        assumptions, prices: from the settings.
        churn_before: monthly churn that the goals name, used where none was counted.
    """
    known = {each.metric: each for each in found}
    error = assumptions.usage_error

    def counted(name: str, figure: Figure | None, otherwise: float) -> Input:
        if figure is None:
            return _assumed(name, otherwise, error * otherwise)
        low = figure.value if figure.low is None else figure.low
        high = figure.value if figure.high is None else figure.high
        return _input(name, figure.value, low, high, True, today.source)

    def change(name: str, metric: str, value: float, spread: float) -> Input:
        each = known.get(metric) or assumed_lift(metric, value, spread)
        return _input(name, each.value, each.low, each.high, each.measured, each.source)

    revenue = assumptions.revenue_per_user_month
    evenness = today.evenness
    compute = today.compute
    return (
        counted(CLICKS, today.clicks, assumptions.clicks_per_user_month),
        counted(WATCH_HOURS, today.watch_hours, assumptions.watch_hours_per_user_month),
        counted(CHURN, today.churn, churn_before),
        _assumed(EVENNESS, assumptions.evenness, error * assumptions.evenness)
        if evenness is None
        else _input(EVENNESS, evenness, evenness, evenness, True, today.source),
        change(CLICKS_LIFT, lifts.CLICKS, assumptions.lift, assumptions.lift_error),
        change(WATCH_LIFT, lifts.WATCH_TIME, assumptions.lift, assumptions.lift_error),
        change(CHURN_LIFT, lifts.CHURN, assumptions.churn_lift, assumptions.churn_lift_error),
        _assumed(REVENUE_PER_USER, revenue, revenue * assumptions.revenue_per_user_month_error),
        _assumed(REVENUE_PER_CLICK, assumptions.revenue_per_click, 0.0),
        _assumed(MARGIN, assumptions.margin, 0.0),
        _assumed(SERVERS, servers_per_month(prices), 0.0),
        _assumed(COMPUTE, 0.0, 0.0)
        if compute is None
        else _input(COMPUTE, compute, compute, compute, True, "counted compute at the prices set"),
        _assumed(FIXED, prices.fixed_per_month, 0.0),
        _assumed(PROJECT, prices.project, 0.0),
    )


HOURS_PER_MONTH: Final = 730.5
"""Hours of a mean month: a year of 365.25 days has twelve."""


def servers_per_month(prices: PricesConfig) -> float:
    """What the machines that answer all month cost, busy or not."""
    return prices.servers * prices.cores_per_server * prices.core_hour * HOURS_PER_MONTH


def _assumed(name: str, value: float, error: float) -> Input:
    return _input(name, value, value - Z * error, value + Z * error, False, "settings")


def _input(name: str, value: float, low: float, high: float, measured: bool, source: str) -> Input:
    kind = _KINDS[name]
    return Input(
        name,
        kind.words,
        kind.unit,
        value,
        max(low, kind.least),
        min(high, kind.most),
        measured,
        source,
    )
