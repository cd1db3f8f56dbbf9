"""How much better it is with the recommender than without: measured, or assumed."""

import math
from dataclasses import dataclass
from typing import Final

CLICKS: Final = "clicks"
WATCH_TIME: Final = "watch_time"
CHURN: Final = "churn"
METRICS: Final = (CLICKS, WATCH_TIME, CHURN)
"""What a lift can be of: clicks and time watched per user, and the share that leaves a month."""

Z: Final = 1.959963984540054
"""Half the width of a normal 95 % interval, in standard errors."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A relative change against the control: 0.1 is a tenth more.

    Attributes:
        metric: one of `METRICS`.
        value, low, high: the change and its 95 % interval.
        measured: whether it comes from an experiment.
        source: where from, for people.
    """

    metric: str
    value: float
    low: float
    high: float
    measured: bool
    source: str


def measured_lift(metric: str, value: float, low: float, high: float, experiment: str) -> Lift:
    """The lift that an experiment found.

    An always-valid interval is wider than one for a single look: figures that rest on it are then
    on the careful side.

    Args:
        metric: one of `METRICS`.
        value, low, high: the relative effect and its interval.
        experiment: its name, and whatever says which arms were compared.
    """
    return Lift(metric, value, low, high, True, experiment)


def assumed_lift(metric: str, value: float, error: float) -> Lift:
    """The lift that the settings assume: `value` with the standard error `error`."""
    return Lift(metric, value, value - Z * error, value + Z * error, False, "settings")


def lift_of_rates(
    metric: str,
    control: tuple[float, float, float],
    arm: tuple[float, float, float],
    source: str,
) -> Lift:
    """The relative change between two figures of different users, such as churn of two arms.

    The interval is that of a ratio of independent positive figures: their relative errors add up
    as squares, on a log scale (Katz et al., Biometrics 34, 1978, 469-474).

    Args:
        control, arm: each a value with the bounds of its 95 % interval.

    Raises:
        ValueError: a value is not positive.
    """
    if not (control[0] > 0 and arm[0] > 0):
        raise ValueError(f"no ratio of {arm[0]} to {control[0]}: both must be positive")
    half = math.hypot(*((high - low) / 2 / value for value, low, high in (control, arm)))
    ratio = arm[0] / control[0]
    return Lift(
        metric, ratio - 1, ratio * math.exp(-half) - 1, ratio * math.exp(half) - 1, True, source
    )
