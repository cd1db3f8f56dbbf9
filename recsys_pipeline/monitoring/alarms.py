"""Alarms: what is wrong this week, by the name of the check that says so."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from recsys_pipeline.monitoring.checks import (
    ARM_LISTS_OLD,
    AVAILABILITY_MISSED,
    GUARDRAIL_BROKEN,
    ROBOTS,
    Level,
    level_of,
)
from recsys_pipeline.monitoring.checks import CHECKS as CHECKS
from recsys_pipeline.monitoring.drift import CHECK, SUBJECT, TEXT, Drift
from recsys_pipeline.monitoring.profile import ACTIONS
from recsys_pipeline.monitoring.robots import Robots


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong.

    Attributes:
        check: one of `CHECKS`.
        subject: what it is about, such as ``movies.genres`` or ``click_through``; never a user.
        text: a sentence with the figures, and one that says what to do.
        level: ``error`` where something is broken, ``warning`` where it may be.
    """

    check: str
    subject: str
    text: str
    level: Level

    @classmethod
    def of(cls, check: str, subject: str, text: str) -> Self:
        """The alarm of that check, at the level of the check.

        Raises:
            KeyError: `check` is none of `CHECKS`.
        """
        if check not in CHECKS:
            raise KeyError(check)
        return cls(check, subject, text, level_of(check))


def alarms_to_json(alarms: Sequence[Alarm]) -> str:
    """The alarms as a JSON list, in their order."""
    return json.dumps([asdict(alarm) for alarm in alarms], ensure_ascii=False, indent=1)


def alarms_from_json(text: str) -> tuple[Alarm, ...]:
    """The alarms that `alarms_to_json` wrote.

    Raises:
        ValueError, TypeError: the text is no such list.
    """
    return tuple(Alarm(**row) for row in json.loads(text))


def drift_alarms(drift: Drift) -> tuple[Alarm, ...]:
    """The alarms of what was compared this week, errors first."""
    rows = drift.alarms
    found = [Alarm.of(*each) for each in zip(rows[CHECK], rows[SUBJECT], rows[TEXT], strict=True)]
    return tuple(sorted(found, key=lambda alarm: alarm.level != "error"))


def robot_alarms(robots: Robots) -> tuple[Alarm, ...]:
    """One alarm where there are robots: how many, and how much they did; never who."""
    return (Alarm.of(ROBOTS, ACTIONS, robots.text),) if robots.users else ()


def availability_alarms(value: float, goal: float, *, low: float, high: float) -> tuple[Alarm, ...]:
    """An alarm where the API surely answered less than the goal says.

    Args:
        value: share of the requests that were answered without an error of the server.
        goal: the share that is to be reached, such as 0.999.
        low, high: the interval of `value`; NaN where nothing was asked, which raises no alarm.
    """
    if not high < goal:
        return ()
    text = (
        f"The API answered {value:.3%} of the requests ({low:.3%} to {high:.3%}); the goal is "
        f"{goal:.3%}. See in which hours errors came, and what the log says of them."
    )
    return (Alarm.of(AVAILABILITY_MISSED, "availability", text),)


def guardrail_alarms(broken: Sequence[tuple[str, str]]) -> tuple[Alarm, ...]:
    """An alarm for each guardrail that is broken.

    Args:
        broken: for each the arm and metric, such as ``"home/new churn_rate"``, and a sentence with
            the figures.
    """
    return tuple(Alarm.of(GUARDRAIL_BROKEN, subject, text) for subject, text in broken)


def old_lists_alarm(recipe: str, made: str, served: str) -> Alarm:
    """The alarm of arms whose lists are older than those in service.

    Args:
        recipe: key of the arms' recipe.
        made, served: the days that the lists of both look from.
    """
    text = (
        f"The arms with {recipe} answer with lists of {made}, and everybody else with those of "
        f"{served}: what differs between them may be the age of the data. See in the log of the "
        "weekly run why no new ones were made."
    )
    return Alarm.of(ARM_LISTS_OLD, recipe, text)
