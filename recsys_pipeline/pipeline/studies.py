"""Study: proposes settings to try and learns from their figures; and the budget of trying."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from recsys_pipeline.pipeline.search_space import Knobs, Value


@dataclass(frozen=True)
class Asked:
    """Settings that a study proposes.

    Attributes:
        number: of the trial, from 0, counting those of earlier sessions.
        values: by the key of the knob.
    """

    number: int
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Tried:
    """A trial that has ended.

    Attributes:
        number: of the trial.
        values: by the key of the knob.
        figure: on all users; None where it was broken off, or could not be fitted.
    """

    number: int
    values: Mapping[str, Value]
    figure: float | None


class Study(Protocol):
    """One search over a few knobs for the largest figure.

    The same knobs, seed and figures give the same proposals, however many sessions they are
    spread over.
    """

    def tried(self) -> Sequence[Tried]:
        """The trials that have ended, of earlier sessions too, in order of their numbers."""
        ...

    def know(self, values: Mapping[str, Value], figures: Sequence[float]) -> None:
        """Take note of settings whose figure is known for every rung; it counts as a trial."""
        ...

    def ask(self) -> Asked:
        """The settings to try next."""
        ...

    def report(self, asked: Asked, rung: int, figure: float) -> bool:
        """Whether to go on, with the figure on part of the users known.

        False where it is worse than the median of the earlier trials: the trial has ended then,
        without a figure.
        """
        ...

    def tell(self, asked: Asked, figure: float) -> None:
        """The figure on all users; the trial has ended."""
        ...

    def give_up(self, asked: Asked) -> None:
        """The trial has ended without any figure."""
        ...


class Studies(Protocol):
    """Where studies are kept."""

    def open(self, name: str, knobs: Knobs, seed: int, *, fresh: bool = False) -> Study:
        """The study of that name with its earlier trials, or a new one.

        Args:
            name: stands for data, recipe and knobs: another name is another study.
            knobs: what it varies.
            seed: of its proposals.
            fresh: forget the earlier trials.
        """
        ...

    def close(self) -> None:
        """Let go of whatever is open; nothing can be asked or told afterwards."""
        ...


class Budget:
    """How much may be spent on trying; the clock starts when it is made.

    Args:
        trials: settings to try at most.
        seconds: time to spend; a trial that is under way then is brought to its end.
        clock: seconds from any moment on, never going back, such as ``time.monotonic``.
    """

    def __init__(self, trials: int, seconds: float, clock: Callable[[], float]) -> None:
        self._trials, self._seconds, self._clock = trials, seconds, clock
        self._started = clock()
        self.tried = 0

    @property
    def spent(self) -> float:
        """The share that is spent, of trials or of time, whichever is larger; 1 is all of it."""
        return max(self.tried / self._trials, self.seconds / self._seconds)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started
