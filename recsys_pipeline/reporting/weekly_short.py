"""The first page of the weekly report: the verdict, the goals and what to do."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from recsys_pipeline.business.goals import MISSED, summary
from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.reporting import words
from recsys_pipeline.reporting.business_parts import goal_notes
from recsys_pipeline.reporting.document import Block, Bullets, Note, Notes, Text, Tiles
from recsys_pipeline.reporting.experiment_parts import TONES
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.reporting.weekly_figures import NO_EVENTS, anything, headline
from recsys_pipeline.reporting.weekly_health import alarm_text

_MOST_ALARMS: Final = 5


def short_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """What somebody reads who reads nothing else."""
    blocks: list[Block] = [Text(verdict(facts), strong=True)]
    tiles = headline(facts.figures)
    blocks.append(Tiles(tiles) if tiles else Text(NO_EVENTS))
    if facts.experiments:
        blocks.append(
            Notes(
                tuple(
                    Note(TONES[each.verdict], each.verdict, f"{each.name}: {each.sentence}")
                    for each in facts.experiments
                )
            )
        )
    blocks += [Text("What to do:", strong=True), Bullets(to_do(facts))]
    if facts.impact is not None:
        blocks.append(Text(facts.impact.sentence))
    if facts.goals:
        blocks.append(Text(summary(facts.goals), strong=True))
        blocks.append(goal_notes(facts.goals, facts.currency))
    return tuple(blocks)


def verdict(facts: WeeklyFacts) -> str:
    """Whether the week is in order and whether the recommendations help, in a sentence or two."""
    return f"{_health(facts.alarms)} {_help(facts.experiments)}"


def _health(alarms: Sequence[Alarm] | None) -> str:
    if alarms is None:
        return "Whether anything is wrong was not looked at."
    grave = [alarm for alarm in alarms if alarm.level == "error"]
    if grave:
        return f"Something is wrong this week: {words.plural(len(grave), 'grave alarm')}."
    if alarms:
        return f"The week needs a look: {words.plural(len(alarms), 'warning')}."
    return "Nothing is wrong this week."


def _help(results: Sequence[ExperimentResult] | None) -> str:
    """By what runs: only the holdout tells whether the recommendations help as such."""
    running = [each for each in results or () if not each.over]
    if not running:
        return "Whether the recommendations help is not measured: no experiment runs."
    verdicts = {each.verdict for each in running}
    held = {each.verdict for each in running if each.name == HOLDOUT}
    if "broken" in verdicts:
        return "An experiment is broken: its figures must not be used."
    if "better" in held:
        return "The recommendations help: users outside of the holdout do better."
    if "worse" in held:
        return "The recommendations do harm: users outside of the holdout do worse."
    if "better" in verdicts:
        return "An experiment found a better recipe than its control."
    if "worse" in verdicts:
        return "An experiment found an arm that is worse than the control."
    return "No experiment has found a difference beyond chance yet."


def to_do(facts: WeeklyFacts) -> tuple[str, ...]:
    """What to do, the most urgent first; a sentence of its own where there is nothing."""
    found = [
        alarm_text(alarm)
        for alarm in sorted(facts.alarms or (), key=lambda alarm: alarm.level != "error")
    ]
    if len(found) > _MOST_ALARMS:
        rest = words.plural(len(found) - _MOST_ALARMS, "further alarm")
        found = [*found[:_MOST_ALARMS], f"Look at {rest} below."]
    for each in facts.experiments or ():
        found += _of_holdout(each) if each.name == HOLDOUT else _of_experiment(each, facts.week)
    missed = [goal.words.lower() for goal in facts.goals or () if goal.status == MISSED]
    if missed:
        found.append(f"Decide what follows from the goals that are missed: {'; '.join(missed)}.")
    if not anything(facts.figures):
        found.append("Let the API tell what people do: without it nothing online can be counted.")
    elif all(each.over for each in facts.experiments or ()):
        found.append("Start an experiment, or keep a holdout: only these tell whether it helps.")
    return tuple(found) or ("Nothing: the week is in order.",)


def _of_holdout(result: ExperimentResult) -> list[str]:
    """Nobody starts, stops or promotes it: it only shows that something is amiss."""
    if result.verdict == "broken":
        return [f"{result.name}: find out why users are not shared out as declared."]
    if result.verdict == "worse":
        return [f"{result.name}: find out why the recommendations do harm; roll back until then."]
    if result.verdict == "equivalent":
        return [f"{result.name}: find out why the recommendations change nothing worth having."]
    return []


def _of_experiment(result: ExperimentResult, week: str) -> list[str]:
    """What is over asks for nothing, but for a better arm in the week in which it ended."""
    if result.over and result.over <= _week_before(week):
        return []
    found = [f"{result.name}: stop the arm '{arm}', it does harm." for arm in result.to_stop]
    if result.verdict == "better":
        found.append(
            f"{result.name}: put '{result.winner}' in service with "
            f"`recsys experiment promote {result.name}`."
        )
    if result.over:
        return found
    if result.verdict == "broken":
        found.append(f"{result.name}: find out why users are not shared out as declared.")
    if result.verdict in ("worse", "equivalent", "stopped"):
        found.append(f"{result.name}: end it with `recsys experiment stop {result.name}`.")
    return found


def _week_before(week: str) -> str:
    """ISO day on which a week started that ends on an ISO day."""
    return str(date.fromisoformat(week) - timedelta(days=7))
