"""Studies in memory, for tests: a random search that keeps to the same promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from recsys_pipeline.pipeline.search_space import Knob, Knobs, Numbers, Value
from recsys_pipeline.pipeline.studies import Asked, Tried

BEFORE_PRUNING: Final = 5
"""Trials with a figure on all users before one is broken off."""


@dataclass
class MemoryStudy:
    """A `Study` that draws every trial at random, by its number."""

    knobs: Knobs
    seed: int
    trials: list[Tried] = field(default_factory=list)
    rungs: dict[int, list[float]] = field(default_factory=dict)
    asked: int = 0

    def tried(self) -> Sequence[Tried]:
        """See `Study`."""
        return sorted(self.trials, key=lambda each: each.number)

    def know(self, values: Mapping[str, Value], figures: Sequence[float]) -> None:
        """See `Study`."""
        self.rungs[self.asked] = list(figures)
        self.trials.append(Tried(self.asked, dict(values), figures[-1]))
        self.asked += 1

    def ask(self) -> Asked:
        """See `Study`."""
        rng = np.random.default_rng([self.seed, self.asked])
        asked = Asked(self.asked, {key: _drawn(knob, rng) for key, knob in self.knobs.items()})
        self.rungs[asked.number] = []
        self.asked += 1
        return asked

    def report(self, asked: Asked, rung: int, figure: float) -> bool:
        """See `Study`."""
        self.rungs[asked.number].append(figure)
        whole = [each.number for each in self.trials if each.figure is not None]
        if len(whole) < BEFORE_PRUNING:
            return True
        usual = float(np.median([self.rungs[number][rung] for number in whole]))
        worth_it = max(self.rungs[asked.number]) >= usual
        if not worth_it:
            self.give_up(asked)
        return worth_it

    def tell(self, asked: Asked, figure: float) -> None:
        """See `Study`."""
        self.rungs[asked.number].append(figure)
        self.trials.append(Tried(asked.number, asked.values, figure))

    def give_up(self, asked: Asked) -> None:
        """See `Study`."""
        self.trials.append(Tried(asked.number, asked.values, None))


@dataclass
class MemoryStudies:
    """`Studies` that are forgotten with this object."""

    studies: dict[str, MemoryStudy] = field(default_factory=dict)

    def open(self, name: str, knobs: Knobs, seed: int, *, fresh: bool = False) -> MemoryStudy:
        """See `Studies`."""
        if fresh or name not in self.studies:
            self.studies[name] = MemoryStudy(knobs, seed)
        return self.studies[name]

    def close(self) -> None:
        """See `Studies`; nothing is open."""


def _drawn(knob: Knob, rng: np.random.Generator) -> Value:
    if not isinstance(knob, Numbers):
        return knob.values[int(rng.integers(len(knob.values)))]
    if knob.log:
        drawn = float(np.exp(rng.uniform(np.log(knob.low), np.log(knob.high))))
    else:
        drawn = float(rng.uniform(knob.low, knob.high))
    return round(drawn) if knob.whole else drawn
