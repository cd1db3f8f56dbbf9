"""What the recommender is worth, with an interval: every assumption beside the figure.

The inputs are drawn many times, each from its own distribution, and every draw is reckoned through
(Monte Carlo); the bounds hold the middle 95 % of the draws.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from recsys_pipeline.business import stored, wording
from recsys_pipeline.business import value as v
from recsys_pipeline.business.inputs import LIFTS, Input
from recsys_pipeline.business.steps import Step, steps

N_DRAWS: Final = 10_000
_BINS: Final = 40
_LEVEL: Final = 0.95

Standing = Literal["estimate", "partly measured", "measured"]

_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    v.CLICKS: ("Further clicks", wording.CLICKS),
    v.WATCH_HOURS: ("Further time watched", wording.HOURS),
    v.REACHED: ("Users reached (at least one further click)", wording.USERS),
    v.KEPT: ("Users kept who would have left", wording.USERS),
    v.REVENUE: ("Further revenue", wording.MONEY),
    v.MARGIN: ("Left of it after its own costs", wording.MONEY),
    v.COST: ("Cost", wording.MONEY),
    v.NET: ("Result: what is left less the cost", wording.MONEY),
    v.ROI: ("Return on the investment (ROI)", wording.CHANGE),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One figure that comes out.

    Attributes:
        name: see `business.value`.
        words: what it is, for people.
        unit: see `business.wording`.
        value: with every input at its middle; None where there is none, such as a return without
            a cost.
        low, high: the middle 95 % of the draws.
    """

    name: str
    words: str
    unit: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Swing:
    """What the result becomes when one input is at its low or high end, the others in the middle.

    Attributes:
        name, words: of the input.
        measured: whether the input was measured.
        low_input, high_input: both ends as texts.
        at_low, at_high: the result there, in money.
    """

    name: str
    words: str
    measured: bool
    low_input: str
    high_input: str
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True)
class Impact:
    """What the recommender is worth.

    Attributes:
        standing: ``estimate`` where every lift is assumed, ``measured`` where experiments found
            all of them, else ``partly measured``.
        users, months: whom and how long it counts.
        currency: sign of the currency.
        outcomes: the figures.
        chance: share of the draws in which more comes back than is spent.
        inputs: all that it rests on.
        steps: how it comes about.
        swings: what each uncertain input changes, the widest first.
        counts, edges: how the result is spread over the draws: 40 bins, 41 edges in money.
        draws: number of draws.
        sentence: the result in words.
    """

    standing: Standing
    users: int
    months: int
    currency: str
    outcomes: tuple[Outcome, ...]
    chance: float
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    swings: tuple[Swing, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    draws: int
    sentence: str

    def outcome(self, name: str) -> Outcome:
        """The figure called `name`, one of `business.value`'s. Raises KeyError."""
        for each in self.outcomes:
            if each.name == name:
                return each
        raise KeyError(name)

    def to_json(self) -> bytes:
        """It all, as JSON."""
        return stored.dump(Impact, self)

    @classmethod
    def from_json(cls, content: bytes) -> "Impact":
        """What `to_json` wrote. Raises StorageError if it cannot be read."""
        found: Impact = stored.load(Impact, content, "The file of the business impact")
        return found


def impact(
    inputs: Sequence[Input],
    rng: np.random.Generator,
    *,
    users: int,
    months: int,
    currency: str = "€",
    draws: int = N_DRAWS,
) -> Impact:
    """What the recommender is worth over `months`.

    Args:
        inputs: from `inputs_of`, all of them.
        rng: draws `draws` values of each input, in their order.
        users: users who get the lists.
        months: months that are counted, at least 1.
        currency: sign of the currency.
        draws: how many; 10,000 take about 0.1 s for a year.

    Raises:
        ValueError: no users, months or draws.
    """
    if min(users, months, draws) < 1:
        raise ValueError(f"{users} users, {months} months, {draws} draws: each must be 1 or more")
    drawn = v.value_of({each.name: each.draws(rng, draws) for each in inputs}, users, months)
    middle = _at(inputs, {}, users, months)
    counts, edges = np.histogram(drawn[v.NET], bins=_BINS)
    chance = float((drawn[v.NET] > 0).mean())
    standing = _standing(inputs)
    outcomes = tuple(
        _outcome(name, words, unit, middle[name], drawn[name])
        for name, (words, unit) in _OUTCOMES.items()
    )
    return Impact(
        standing,
        users,
        months,
        currency,
        outcomes,
        chance,
        tuple(inputs),
        steps(inputs, middle, users, months, currency),
        _swings(inputs, users, months, currency),
        tuple(counts.tolist()),
        tuple(edges.tolist()),
        draws,
        _sentence(standing, {each.name: each for each in outcomes}, chance, months, currency),
    )


def _at(
    inputs: Sequence[Input], others: Mapping[str, float], users: int, months: int
) -> dict[str, float]:
    """Every outcome with all inputs in the middle but `others`."""
    x = {each.name: np.array([others.get(each.name, each.value)]) for each in inputs}
    return {name: float(found[0]) for name, found in v.value_of(x, users, months).items()}


def _outcome(name: str, words: str, unit: str, value: float, drawn: v.Array) -> Outcome:
    if not math.isfinite(value) or not np.isfinite(drawn).all():
        return Outcome(name, words, unit, None, None, None)
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Outcome(name, words, unit, value, float(low), float(high))


def _standing(inputs: Sequence[Input]) -> Standing:
    measured = [each.measured for each in inputs if each.name in LIFTS]
    if all(measured):
        return "measured"
    return "partly measured" if any(measured) else "estimate"


def _swings(inputs: Sequence[Input], users: int, months: int, currency: str) -> tuple[Swing, ...]:
    found = [
        Swing(
            each.name,
            each.words,
            each.measured,
            wording.shown(each.low, each.unit, currency),
            wording.shown(each.high, each.unit, currency),
            _at(inputs, {each.name: each.low}, users, months)[v.NET],
            _at(inputs, {each.name: each.high}, users, months)[v.NET],
        )
        for each in inputs
        if each.low < each.high
    ]
    moving = [each for each in found if each.width > 0]
    return tuple(sorted(moving, key=lambda each: (-each.width, each.name)))


_OPENINGS: Final[Mapping[Standing, str]] = {
    "estimate": "Estimate, before any experiment:",
    "partly measured": "Partly measured, partly estimated:",
    "measured": "Measured in an experiment:",
}


def _sentence(
    standing: Standing,
    outcomes: Mapping[str, Outcome],
    chance: float,
    months: int,
    currency: str,
) -> str:
    net, roi = outcomes[v.NET], outcomes[v.ROI]
    value = net.value or 0.0
    low, high = net.low or 0.0, net.high or 0.0
    bounds = wording.within(low, high, wording.MONEY, currency)
    span = f"over {months} {'month' if months == 1 else 'months'} the recommender"
    if low > 0 or high < 0:
        what = "earns" if low > 0 else "loses"
        amount = wording.shown(abs(value), wording.MONEY, currency)
        said = f"{span} {what} {amount} after all costs (95 % interval of the result {bounds})"
    else:
        amount = wording.shown(value, wording.MONEY, currency)
        said = (
            f"{span} may earn or lose money, which cannot be told yet: its result after all costs "
            f"is {amount} (95 % interval {bounds})"
        )
    text = f"{_OPENINGS[standing]} {said}"
    if roi.value is not None:
        text += f", a return of {wording.shown(roi.value, wording.CHANGE)} on what it costs"
    return f"{text}. It pays with a chance of {_chance(chance)}."


def _chance(share: float) -> str:
    """A chance in words; draws are too few to call anything certain.

    >>> _chance(1.0), _chance(0.934), _chance(0.0)
    ('more than 99 %', '93 %', 'less than 1 %')
    """
    if share > 0.99:
        return "more than 99 %"
    if share < 0.01:
        return "less than 1 %"
    return f"{100 * share:.0f} %"
