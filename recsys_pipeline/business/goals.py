"""The goals of the business, each met, missed or not to be told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from recsys_pipeline.business import stored, wording
from recsys_pipeline.business.config import GoalsConfig

CLICK_THROUGH: Final = "click_through"
WATCH_TIME: Final = "watch_time"
SATISFACTION: Final = "satisfaction"
CHURN: Final = "churn"
RESPONSE: Final = "response"
AVAILABILITY: Final = "availability"
INFRASTRUCTURE: Final = "infrastructure"

Status = Literal["met", "missed", "cannot tell"]
MET: Final = "met"
MISSED: Final = "missed"
CANNOT_TELL: Final = "cannot tell"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was found of a goal.

    Attributes:
        value: the figure.
        low, high: its 95 % interval; both None for a figure that is exact, such as a cost.
        beyond: whether it lies above `value`, nobody knows how far; it then has no interval.
    """

    value: float
    low: float | None = None
    high: float | None = None
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal and how it stands.

    Attributes:
        name: short name in tables and logs.
        words: what it is about, for people.
        target: the figure that is wanted; shares and changes are of 1.
        wanted: the target in words, such as ``more than 15.0 %``.
        unit: see `business.wording`.
        higher: whether more is better.
        value, low, high: what was found; None where it is missing.
        status: met only where the interval, or the exact figure, lies beyond the target.
        sentence: the same in words, with the figure.
        beyond: as of `Figure`.
    """

    name: str
    words: str
    target: float
    wanted: str
    unit: str
    higher: bool
    value: float | None
    low: float | None
    high: float | None
    status: Status
    sentence: str
    beyond: bool = False

    def shown(self, currency: str) -> str:
        """What was found, with its interval; empty where it is missing."""
        if self.value is None:
            return ""
        text = wording.with_interval(self.value, self.low, self.high, self.unit, currency)
        return f"more than {text}" if self.beyond else text


@dataclass(frozen=True, slots=True)
class _Kind:
    """A goal before its figure is known: `up` for more is better, `strict` if equal is missed."""

    words: str
    unit: str
    up: bool
    strict: bool
    missing: str

    def reached(self, figure: float, target: float) -> bool:
        if figure == target:
            return not self.strict
        return (figure > target) == self.up

    @property
    def wanted(self) -> str:
        if self.up:
            return "more than" if self.strict else "at least"
        return "less than" if self.strict else "at most"


_NO_EVENTS: Final = "no recommendations and clicks were recorded"
_NO_ANSWERS: Final = "the API recorded no answers"
_KINDS: Final[Mapping[str, _Kind]] = {
    CLICK_THROUGH: _Kind("Click-through of what is shown", wording.SHARE, True, True, _NO_EVENTS),
    WATCH_TIME: _Kind(
        "Time watched against the control",
        wording.CHANGE,
        True,
        False,
        "no experiment or holdout has compared it",
    ),
    SATISFACTION: _Kind(
        "Mean rating of recommended movies",
        wording.STARS,
        True,
        True,
        "nobody rated a recommended movie",
    ),
    CHURN: _Kind(
        "Users who leave in a month",
        wording.SHARE,
        False,
        False,
        "too few weeks of activity were recorded",
    ),
    RESPONSE: _Kind("Time of 99 of 100 answers", wording.MILLISECONDS, False, True, _NO_ANSWERS),
    AVAILABILITY: _Kind(
        "Requests answered without a failure", wording.SHARE, True, False, _NO_ANSWERS
    ),
    INFRASTRUCTURE: _Kind(
        "Cost of computing a month", wording.MONEY, False, True, "no cost was measured"
    ),
}


def targets(config: GoalsConfig) -> Mapping[str, float]:
    """The target of each goal that is set, by name, in the order in which they are shown."""
    wanted = {
        CLICK_THROUGH: config.click_through,
        WATCH_TIME: config.watch_time_lift,
        SATISFACTION: config.satisfaction,
        CHURN: config.monthly_churn,
        RESPONSE: config.response_milliseconds,
        AVAILABILITY: config.availability,
        INFRASTRUCTURE: config.infrastructure_per_month,
    }
    return {
        name: target
        for name, target in wanted.items()
        if target is not None and name not in config.left_out
    }


def goals(
    config: GoalsConfig, figures: Mapping[str, Figure | None], *, currency: str = "€"
) -> tuple[Goal, ...]:
    """How each goal of the settings stands.

    Args:
        config: the targets; a goal without one is left out.
        figures: what was found, by the name of the goal; missing or None where nothing is known.
            A figure with a bound that is not a number cannot be judged.
        currency: sign of the currency.

    Raises:
        ValueError: `figures` names no goal.
    """
    if unknown := sorted(set(figures) - set(_KINDS)):
        raise ValueError(f"no goal is called {unknown[0]}: there are {', '.join(_KINDS)}")
    return tuple(
        _goal(name, target, figures.get(name), config, currency)
        for name, target in targets(config).items()
    )


def _goal(
    name: str, target: float, figure: Figure | None, config: GoalsConfig, currency: str
) -> Goal:
    kind = _KINDS[name]
    if figure is not None and not math.isfinite(figure.value):
        figure = None
    before = config.monthly_churn_before
    wanted = f"{kind.wanted} {wording.shown(target, kind.unit, currency)}"
    if name == CHURN:
        wanted += f" (it was {wording.shown(before, kind.unit)})"
    status = _status(kind, target, figure)
    low, high = (_known(figure.low), _known(figure.high)) if figure else (None, None)
    return Goal(
        name,
        kind.words,
        target,
        wanted,
        kind.unit,
        kind.up,
        figure.value if figure else None,
        low,
        high,
        status,
        _said(kind, wanted, figure, status, currency),
        bool(figure and figure.beyond),
    )


def _status(kind: _Kind, target: float, figure: Figure | None) -> Status:
    if figure is None:
        return CANNOT_TELL
    if figure.beyond:
        reached = kind.reached(figure.value, target)
        return (MET if reached else CANNOT_TELL) if kind.up else CANNOT_TELL if reached else MISSED
    bounds = [figure.value if each is None else each for each in (figure.low, figure.high)]
    if not all(math.isfinite(bound) for bound in bounds):
        return CANNOT_TELL
    ends = [kind.reached(bound, target) for bound in bounds]
    return MET if all(ends) else CANNOT_TELL if any(ends) else MISSED


def _said(kind: _Kind, wanted: str, figure: Figure | None, status: Status, currency: str) -> str:
    opening = f"{kind.words}, wanted {wanted}: {status}"
    if figure is None:
        return f"{opening}, as {kind.missing}."
    low, high = _known(figure.low), _known(figure.high)
    text = wording.with_interval(figure.value, low, high, kind.unit, currency)
    if figure.beyond:
        return f"{opening}, with more than {text}."
    if status != CANNOT_TELL:
        return f"{opening}, with {text}."
    if low is None or high is None:
        return f"{opening}. The figure is {text}, but too little was seen for an interval."
    return f"{opening}. The figure is {text}: the target lies within the interval."


def _known(bound: float | None) -> float | None:
    return bound if bound is not None and math.isfinite(bound) else None


def summary(found: Sequence[Goal]) -> str:
    """How many goals stand how, in a sentence.

    >>> summary(goals(GoalsConfig(), {INFRASTRUCTURE: Figure(120.0)}))
    'Of 7 goals 1 is met, 0 are missed and 6 cannot be told.'
    """
    counts = {status: sum(goal.status == status for goal in found) for status in _STATUSES}
    if not found:
        return "No goals are set."
    parts = [f"{n} {'is' if n == 1 else 'are'} {status}" for status, n in counts.items()]
    head, told = parts[:2], counts[CANNOT_TELL]
    return f"Of {len(found)} goals {', '.join(head)} and {told} cannot be told."


_STATUSES: Final[tuple[Status, ...]] = (MET, MISSED, CANNOT_TELL)


def to_json(found: Sequence[Goal]) -> bytes:
    """The goals as JSON."""
    return stored.dump(tuple[Goal, ...], tuple(found))


def from_json(content: bytes) -> tuple[Goal, ...]:
    """What `to_json` wrote. Raises StorageError if it cannot be read."""
    found: tuple[Goal, ...] = stored.load(tuple[Goal, ...], content, "The file of goals")
    return found
