"""Who is in which arm: a pure function of the user's id and the plan of a day.

Nothing is stored about anybody. An id and a salt are hashed (BLAKE2b) to numbers in (0, 1), so
every worker, the weekly run and the analysis agree, and a user stays where they are:

- The permanent holdout comes first, with a salt of its own. Who is in it is in it for ever,
  whatever else is declared; a larger holdout keeps those who are in.
- Then the experiments in their order: a user is in the first one that runs on the day, that they
  are eligible for and whose share they are in. At most one.
- Arms are drawn by weighted rendezvous (Schindelhauer and Schomaker, Weighted distributed hash
  tables, SPAA 2005): arm *i* gets the key ``−ln(u_i) / weight_i`` and the least key wins. A weight
  that is raised moves users into that arm only, one that is lowered moves them out of it only, and
  an arm added at the end takes users without moving any among the others.
- A stopped arm keeps its users and its name in the log, and answers with the control's recipe: its
  users were drawn into it, and an analysis that left them out would compare unlike with like.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from math import log
from struct import Struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.experiments.config import (
    HOLDOUT,
    ArmConfig,
    ExperimentConfig,
    ExperimentsConfig,
)

WHOLE: Final = ""
"""In place of an arm's name: the whole experiment is stopped."""

_MOST_ARMS: Final = 8
_NUMBERS: Final = Struct(f">{1 + _MOST_ARMS}I")
_STEP: Final = 2.0**-32


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a user is, and what answers them.

    Attributes:
        experiment: its name, `HOLDOUT` for the holdout; empty for none.
        arm: the arm that the user was drawn into; empty for none.
        release: the release that answers; empty where the arm names none.
        recipe: `recipe_key` of what answers; empty where the arm changes nothing. With neither
            release nor recipe the release in service answers.
    """

    experiment: str = ""
    arm: str = ""
    release: str = ""
    recipe: str = ""

    def answered_by(self, arms: Mapping[str, str]) -> str | None:
        """The release that answers, given the releases by recipe key.

        Empty for the release in service; None where the arm's recipe has no release yet.
        """
        return arms.get(self.recipe) if self.recipe else self.release


NONE: Final = Assignment()
"""In no experiment."""


def recipe_key(learning: Mapping[str, Any]) -> str:
    """The canonical text of changes in [learning]; empty for none. Equal changes, equal text.

    >>> recipe_key({"primary": "ease", "k": 5}) == recipe_key({"k": 5, "primary": "ease"})
    True
    """
    if not learning:
        return ""
    return json.dumps(learning, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_of(user_id: object) -> str:
    """The text that stands for an id: 7, "7" and " 7" are one."""
    return str(user_id).strip()


@dataclass(frozen=True, slots=True)
class _Draw:
    """One experiment as it is drawn from."""

    salted: blake2b
    share: float
    weights: tuple[float, ...]
    arms: tuple[Assignment, ...]
    segments: frozenset[str]
    min_history: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn from on one day; made by `plan_of`, asked by `assign`.

    Attributes:
        day: for which it holds.
        running: the experiments that run on it, in the order in which they draw.
        stopped: (experiment, arm) of the arms that are stopped.
        holdout: share of the users in the holdout (0 to 1).
        holdout_learning: what the holdout changes in [learning].
    """

    day: date
    running: tuple[ExperimentConfig, ...]
    stopped: frozenset[tuple[str, str]]
    holdout: float
    holdout_learning: Mapping[str, Any]
    _held: Assignment = field(repr=False)
    _holdout_salted: blake2b = field(repr=False, compare=False)
    _draws: tuple[_Draw, ...] = field(repr=False, compare=False)

    @property
    def empty(self) -> bool:
        """Whether nobody is in anything."""
        return not (self.holdout or self.running)

    def recipes(self) -> dict[str, dict[str, Any]]:
        """What must have a release: changes in [learning] by `recipe_key`, each once."""
        wanted = [dict(self.holdout_learning)] if self.holdout else []
        wanted += [
            arm.learning
            for each in self.running
            for arm in each.arms
            if (each.name, arm.name) not in self.stopped
        ]
        return {recipe_key(learning): learning for learning in wanted if learning}


def plan_of(
    config: ExperimentsConfig,
    day: date,
    *,
    started: Sequence[ExperimentConfig] = (),
    stopped: Collection[tuple[str, str]] = (),
) -> Plan:
    """The plan of a day.

    Args:
        config: the holdout and the experiments of the settings, which draw first.
        day: an experiment runs from its first to its last day, both counted (UTC).
        started: experiments started by hand, in the order of their start; they draw after the
            declared ones, so that no start moves a user who is in an experiment already.
        stopped: (experiment, arm); with `WHOLE` as arm the whole experiment.

    Raises:
        SettingsError: two experiments have one name; an arm that is stopped is the control, or is
            none of its experiment's.
    """
    all_of_them = (*config.declared, *started)
    names = [each.name for each in all_of_them]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(
                f"experiments: two experiments are called '{name}'",
                "Start the second under a name of its own: the name is the salt of the draw.",
            )
    over = frozenset(stopped)
    for each in all_of_them:
        _check_stopped(each, over)
    running = tuple(each for each in all_of_them if _runs(each, day, over))
    return Plan(
        day=day,
        running=running,
        stopped=frozenset((name, arm) for name, arm in over if arm != WHOLE),
        holdout=config.holdout,
        holdout_learning=config.holdout_learning,
        _held=Assignment(HOLDOUT, HOLDOUT, "", recipe_key(config.holdout_learning)),
        _holdout_salted=_salted(HOLDOUT, config.salt),
        _draws=tuple(_draw(each, over) for each in running),
    )


def assign(
    user_id: object, plan: Plan, *, segment: str = "", history: int | None = None
) -> Assignment:
    """Where a user is.

    Args:
        user_id: of whatever type; its stripped text counts.
        plan: of the day.
        segment: the user's; empty for none known, which is in none that is asked for.
        history: interactions of the user; None for not known, which counts as none.
    """
    text = text_of(user_id).encode("utf-8", "surrogatepass")
    if plan.holdout and _unit(_numbers(plan._holdout_salted, text)[0]) < plan.holdout:
        return plan._held
    for draw in plan._draws:
        if draw.segments and segment not in draw.segments:
            continue
        if draw.min_history and (history or 0) < draw.min_history:
            continue
        numbers = _numbers(draw.salted, text)
        if _unit(numbers[0]) >= draw.share:
            continue
        keys = [
            log(_unit(number)) / weight
            for number, weight in zip(numbers[1:], draw.weights, strict=False)
        ]
        return draw.arms[keys.index(max(keys))]
    return NONE


def assign_all(
    user_ids: Sequence[Any] | npt.NDArray[Any],
    plan: Plan,
    *,
    segments: Sequence[str] | npt.NDArray[Any] | None = None,
    histories: npt.NDArray[np.integer[Any]] | None = None,
) -> list[Assignment]:
    """`assign` for many users, in their order.

    Args:
        user_ids: n ids.
        plan: of the day.
        segments: n texts, or None for none known.
        histories: n counts, or None for none known.
    """
    if plan.empty:
        return [NONE] * len(user_ids)
    ids = user_ids.tolist() if isinstance(user_ids, np.ndarray) else user_ids
    groups = [""] * len(ids) if segments is None else segments
    lengths = [None] * len(ids) if histories is None else histories.tolist()
    return [
        assign(user_id, plan, segment=segment, history=history)
        for user_id, segment, history in zip(ids, groups, lengths, strict=True)
    ]


def _runs(each: ExperimentConfig, day: date, over: frozenset[tuple[str, str]]) -> bool:
    begun = each.starts is None or each.starts <= day
    ended = each.ends is not None and each.ends < day
    return begun and not ended and (each.name, WHOLE) not in over


def _check_stopped(each: ExperimentConfig, over: frozenset[tuple[str, str]]) -> None:
    arms = [arm.name for arm in each.arms]
    for name, arm in over:
        if name != each.name or arm == WHOLE:
            continue
        if arm == arms[0]:
            raise SettingsError(
                f"experiment '{name}': '{arm}' is its control, which cannot be stopped",
                "Stop the whole experiment instead.",
            )
        if arm not in arms:
            raise SettingsError(
                f"experiment '{name}' has no arm '{arm}'", f"Its arms are {', '.join(arms)}."
            )


def _draw(each: ExperimentConfig, over: frozenset[tuple[str, str]]) -> _Draw:
    def answers(arm: ArmConfig) -> ArmConfig:
        return each.arms[0] if (each.name, arm.name) in over else arm

    return _Draw(
        salted=_salted(each.name),
        share=each.share,
        weights=tuple(arm.weight for arm in each.arms),
        arms=tuple(
            Assignment(each.name, arm.name, answers(arm).release, recipe_key(answers(arm).learning))
            for arm in each.arms
        ),
        segments=frozenset(each.eligible.segments),
        min_history=each.eligible.min_history,
    )


def _salted(*parts: str) -> blake2b:
    """A hash that has taken in its salt, of one length whatever the parts are."""
    return blake2b(blake2b(json.dumps(parts).encode()).digest(), digest_size=_NUMBERS.size)


def _numbers(salted: blake2b, text: bytes) -> tuple[int, ...]:
    """One number for the share and one for each arm, each of 32 bits."""
    once = salted.copy()
    once.update(text)
    return _NUMBERS.unpack(once.digest())


def _unit(number: int) -> float:
    """Strictly between 0 and 1."""
    return (number + 0.5) * _STEP
