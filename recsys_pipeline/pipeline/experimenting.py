"""Experimenting: which experiments there are now: those of the settings, and those of people.

What people start and stop lies in the state store, so that every server, the weekly run and the
command line see the same within a second. Nothing about users is in it.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from recsys_pipeline.errors import SettingsError, StorageError
from recsys_pipeline.experiments.assignment import WHOLE, Plan, plan_of
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig, ExperimentsConfig
from recsys_pipeline.pipeline.state import StateStore

STATE_KEY: Final = "experiments"
"""Where the state store keeps what people started and stopped."""

AHEAD: Final = 7
"""Days before its start that an arm gets lists of its own: the weekly run comes once by then."""


class Stopped(BaseModel):
    """An arm, or a whole experiment, that somebody or a guardrail stopped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    arm: str = WHOLE
    """Empty for the whole experiment."""
    day: date
    why: str = ""


class ByHand(BaseModel):
    """What was started and stopped outside the settings, in the order in which it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: tuple[ExperimentConfig, ...] = ()
    stopped: tuple[Stopped, ...] = ()

    def over_since(self, experiment: str) -> date | None:
        """The day on which an experiment was stopped by hand; None where it was not."""
        return self.stopped_on(experiment, WHOLE)

    def stopped_arms(self, experiment: str) -> tuple[str, ...]:
        """The arms of an experiment that were stopped one by one."""
        found = [each.arm for each in self.stopped if each.experiment == experiment]
        return tuple(arm for arm in found if arm != WHOLE)

    def stopped_on(self, experiment: str, arm: str) -> date | None:
        """The day on which an arm, or with `WHOLE` the experiment, was stopped; None if not."""
        for each in self.stopped:
            if (each.experiment, each.arm) == (experiment, arm):
                return each.day
        return None


NOTHING: Final = ByHand()


def by_hand(state: StateStore | None) -> ByHand:
    """What people started and stopped; nothing where there is no state store yet.

    Raises:
        StorageError: what is kept cannot be read.
    """
    return NOTHING if state is None else _read(state.get(STATE_KEY))


def experiments_of(config: ExperimentsConfig, hand: ByHand) -> tuple[ExperimentConfig, ...]:
    """Every experiment: those of the settings, then those started by hand, over or not.

    A name that the settings declare is theirs, whatever was started under it before.
    """
    declared = {each.name for each in config.declared}
    return (*config.declared, *(each for each in hand.started if each.name not in declared))


def running(config: ExperimentsConfig, hand: ByHand, day: date) -> Plan:
    """Who is in which arm on a day (UTC): `assign` asks it."""
    every = experiments_of(config, hand)
    arms = {each.name: {WHOLE, *(arm.name for arm in each.arms[1:])} for each in every}
    return plan_of(
        config,
        day,
        started=every[len(config.declared) :],
        # An arm may have left the settings since it was stopped.
        stopped={
            (each.experiment, each.arm)
            for each in hand.stopped
            if each.arm in arms.get(each.experiment, ())
        },
    )


def recipes_wanted(
    config: ExperimentsConfig, hand: ByHand, day: date, ahead: int = AHEAD
) -> dict[str, dict[str, Any]]:
    """What must have a release on a day and on the days after it: changes in [learning] by key."""
    wanted: dict[str, dict[str, Any]] = {}
    for days in range(ahead + 1):
        wanted |= running(config, hand, day + timedelta(days=days)).recipes()
    return dict(sorted(wanted.items()))


def releases_named(config: ExperimentsConfig, hand: ByHand) -> frozenset[str]:
    """The releases that arms name themselves, of experiments that are not over by hand."""
    return frozenset(
        arm.release
        for each in experiments_of(config, hand)
        for arm in each.arms
        if arm.release and hand.over_since(each.name) is None
    )


def find(config: ExperimentsConfig, hand: ByHand, name: str) -> ExperimentConfig:
    """The experiment of that name.

    Raises:
        SettingsError: there is none.
    """
    every = {each.name: each for each in experiments_of(config, hand)}
    if name not in every:
        raise SettingsError(f"There is no experiment '{name}'.", nearest(name, tuple(every)))
    return every[name]


def start(
    state: StateStore, config: ExperimentsConfig, experiment: ExperimentConfig, day: date
) -> ExperimentConfig:
    """Start an experiment beside those of the settings; as it is kept, with its first day.

    Raises:
        SettingsError: its name was used before, or it ends before it starts.
        StorageError: the state cannot be read or written.
    """
    begun = experiment_of({**experiment.model_dump(), "starts": experiment.starts or day})
    if begun.ends is not None and begun.ends < day:
        raise SettingsError(
            f"Experiment '{begun.name}' would end on {begun.ends}, which is over.",
            "Choose a later day, or none.",
        )

    def changed(hand: ByHand) -> ByHand:
        if begun.name in {each.name for each in experiments_of(config, hand)}:
            raise SettingsError(
                f"There is or was an experiment '{begun.name}'.",
                "Choose another name: it is the salt by which users are drawn into arms.",
            )
        return hand.model_copy(update={"started": (*hand.started, begun)})

    _change(state, changed)
    return begun


def stop(state: StateStore, config: ExperimentsConfig, name: str, day: date, why: str = "") -> None:
    """Stop a whole experiment at once; where it is stopped already nothing changes.

    Raises:
        SettingsError: there is none of that name.
        StorageError: the state cannot be read or written.
    """

    def changed(hand: ByHand) -> ByHand:
        find(config, hand, name)
        return _with(hand, Stopped(experiment=name, day=day, why=why))

    _change(state, changed)


def stop_arm(
    state: StateStore, config: ExperimentsConfig, name: str, arm: str, day: date, why: str = ""
) -> None:
    """Stop one arm at once: its users get what the control gets, and stay in the analysis.

    Where it is stopped already nothing changes.

    Raises:
        SettingsError: there is no such experiment or arm, or the arm is the control.
        StorageError: the state cannot be read or written.
    """

    def changed(hand: ByHand) -> ByHand:
        names = [each.name for each in find(config, hand, name).arms]
        if arm not in names:
            raise SettingsError(f"Experiment '{name}' has no arm '{arm}'.", nearest(arm, names[1:]))
        if arm == names[0]:
            raise SettingsError(
                f"'{arm}' is the control of experiment '{name}', which cannot be stopped alone.",
                f"Stop the whole experiment with `recsys experiment stop {name}`.",
            )
        return _with(hand, Stopped(experiment=name, arm=arm, day=day, why=why))

    _change(state, changed)


def experiment_of(fields: Mapping[str, Any]) -> ExperimentConfig:
    """An experiment from plain values.

    Raises:
        SettingsError: a value is not valid, or the name is the holdout's.
    """
    try:
        return ExperimentConfig.model_validate(dict(fields))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"experiment: {key}: {message}." if key else f"experiment: {message}.",
            f"See docs/experiments.md; '{HOLDOUT}' is declared in the settings only.",
        ) from error


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for a name that is not known."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"There are: {', '.join(known)}." if known else "There are none yet."


def _with(hand: ByHand, stopped: Stopped) -> ByHand:
    if hand.stopped_on(stopped.experiment, stopped.arm) is not None:
        return hand
    return hand.model_copy(update={"stopped": (*hand.stopped, stopped)})


def _read(text: str | None) -> ByHand:
    try:
        return NOTHING if text is None else ByHand.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(
            "What is kept of experiments started by hand is of another version.",
            "Use the version of recsys_pipeline that started them, or restore a backup.",
        ) from error


def _change(state: StateStore, changed: Callable[[ByHand], ByHand]) -> None:
    """Several who change at once all succeed, one after the other."""
    while True:
        before = state.get(STATE_KEY)
        after = changed(_read(before)).model_dump_json()
        if after == before or state.swap(STATE_KEY, before, after):
            return
