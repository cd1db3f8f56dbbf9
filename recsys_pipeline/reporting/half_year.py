"""The report of the simulated half year: what came of it, week by week, with intervals."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from recsys_pipeline.business import wording
from recsys_pipeline.business.goals import summary
from recsys_pipeline.experiments.results import Effect, ExperimentResult
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.reporting import plots, words
from recsys_pipeline.reporting.business_parts import (
    agreement_blocks,
    goal_notes,
    goals_blocks,
    impact_blocks,
)
from recsys_pipeline.reporting.document import (
    Block,
    Bullets,
    Code,
    Document,
    Note,
    Notes,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
)
from recsys_pipeline.reporting.experiment_parts import TONES, result_blocks
from recsys_pipeline.reporting.facts import WATCHED
from recsys_pipeline.reporting.facts import HalfYear as HalfYear
from recsys_pipeline.reporting.pictures import picture
from recsys_pipeline.reporting.weekly_health import alarm_text, release_blocks

MAIN: Final = (m.CLICK_THROUGH, m.WATCH_MINUTES, m.CHURN_RATE, m.SATISFACTION)
"""Metrics in the picture of the weeks."""
LOOPS: Final = (WATCHED, m.CONCENTRATION, m.DIVERSITY, m.COVERAGE)
"""Metrics in the picture of the feedback loops."""
WORLD: Final = "world"
_MOST_ALARMS: Final = 20
_BEFORE_AFTER: Final = (
    ("before", "before_low", "before_high"),
    ("after", "after_low", "after_high"),
)


def half_year_report(facts: HalfYear) -> Document:
    """The report of a simulated half year.

    Args:
        facts: what happened in it.
    """
    size = f"{words.plural(facts.users, 'user')}, {words.plural(facts.weeks, 'week')}"
    return Document(
        "Half a year, simulated",
        f"{size}, seed {facts.seed}: every week a real release, by the pipeline's own code",
        (
            Section("in-short", "In short", _short(facts), own_page=True),
            Section("weeks", "Week by week", _weeks(facts)),
            Section("before-after", "Before and after", _before_after(facts)),
            Section("helped", "Did it help?", _helped(facts)),
            Section("loops", "Feedback loops, with and without exploration", _loops(facts)),
            Section("goals", "Goals", goals_blocks(facts.goals, facts.currency)),
            Section("impact", "What it is worth", impact_blocks(facts.impact)),
            Section(
                "offline-online",
                "Do figures on past data predict what people do?",
                agreement_blocks(facts.agreement),
            ),
            Section("alarms", "Alarms on the way", _alarms(facts)),
            Section("releases", "Release history", release_blocks(facts.releases)),
            Section("rule", "How simulated people choose", _rule(facts)),
            Section("again", "Do it again", _again(facts)),
        ),
        "Simulated people are not people: the figures show that the machinery works and what it "
        "can find, not what it will bring to a platform of yours. Intervals are over users.",
    )


def _short(facts: HalfYear) -> tuple[Block, ...]:
    blocks: list[Block] = [Text(_verdict(facts.experiment), strong=True)]
    tiles = _last_tiles(facts)
    if tiles:
        blocks.append(Tiles(tiles))
    lines = [f"{name}: {what}." for name, what in facts.arms.items()]
    blocks.append(Bullets(tuple(lines)))
    notes = []
    if facts.experiment is not None:
        found = facts.experiment
        notes.append(Note(TONES[found.verdict], found.verdict, found.sentence))
    if facts.shuffled is not None:
        text = f"With the same lists shuffled among users: {facts.shuffled.sentence}"
        notes.append(Note("plain", facts.shuffled.verdict, text))
    if notes:
        blocks.append(Notes(tuple(notes)))
    if facts.impact is not None:
        blocks.append(Text(facts.impact.sentence))
    if facts.goals:
        blocks += [Text(summary(facts.goals)), goal_notes(facts.goals, facts.currency)]
    return tuple(blocks)


def _verdict(result: ExperimentResult | None) -> str:
    if result is None:
        return "No experiment was analysed: it cannot be told whether the recommendations help."
    arm = result.winner or next(iter(result.arms[1:]), "")
    effect = result.effect(result.metric, arm)
    if effect is None or not words.known(effect.relative):
        return result.sentence
    name = words.label(result.metric)
    text = f"{name} with the recommender: {_relative(effect)} against the control."
    if effect.low > 0:
        return f"{text} The recommendations help."
    if effect.high < 0:
        return f"{text} The recommendations do harm."
    return f"{text} Whether they help cannot be told."


def _relative(effect: Effect) -> str:
    low, high = effect.relative_low, effect.relative_high
    if not (words.known(low) and words.known(high)):
        return wording.shown(effect.relative, wording.CHANGE)
    return wording.with_interval(effect.relative, low, high, wording.CHANGE)


def _last_tiles(facts: HalfYear) -> tuple[Tile, ...]:
    """The treatment's figures of the last week, with those of the control."""
    control = next(iter(facts.arms), "")
    tiles = []
    for metric in MAIN:
        own = _last(facts.figures, metric, facts.treatment)
        other = _last(facts.figures, metric, control)
        if own is None:
            continue
        beside = "" if other is None else f"{control}: {words.figure(metric, other[m.VALUE])}"
        bounds = words.interval(metric, own.get(m.LOW), own.get(m.HIGH))
        note = "" if bounds == words.NOTHING else bounds
        tiles.append(
            Tile(words.label(metric), words.figure(metric, own[m.VALUE]), beside, "plain", note)
        )
    return tuple(tiles)


def _last(figures: pd.DataFrame, metric: str, arm: str) -> dict[str, Any] | None:
    own = figures[(figures[m.METRIC] == metric) & (figures[m.ARM] == arm)]
    own = own[own[m.VALUE].notna()].sort_values(plots.WEEK)
    if own.empty:
        return None
    row: dict[str, Any] = own.iloc[-1].to_dict()
    return row


def _weeks(facts: HalfYear) -> tuple[Block, ...]:
    control = next(iter(facts.arms), "")
    ends = []
    for metric in MAIN:
        last = {arm: _last(facts.figures, metric, arm) for arm in facts.arms}
        parts = [f"{arm} {words.figure(metric, row[m.VALUE])}" for arm, row in last.items() if row]
        if parts:
            ends.append(f"{words.label(metric)} at the end: {', '.join(parts)}")
    drawn = picture(
        plots.over_weeks(
            facts.figures,
            MAIN,
            m.ARM,
            title="The weeks, by arm",
            subtitle=plots.BANDS,
            baseline=control,
        ),
        "weeks",
        f"{len(MAIN)} figures over {facts.weeks} weeks by arm. {'; '.join(ends)}.",
    )
    further = tuple(
        str(metric) for metric in facts.figures[m.METRIC].unique() if metric not in MAIN
    )
    blocks: list[Block] = [drawn, _arms_table(facts, (*MAIN, *further))]
    return tuple(blocks)


def _arms_table(facts: HalfYear, metrics: Sequence[str]) -> Table:
    rows = []
    for metric in metrics:
        last = [_last(facts.figures, metric, arm) for arm in facts.arms]
        if any(last):
            rows.append((words.label(metric), *(_with_interval(metric, row) for row in last)))
    return Table(
        "The last week of each arm, with 95 % intervals",
        ("Figure", *facts.arms),
        tuple(rows),
        numeric=tuple(range(1, 1 + len(facts.arms))),
    )


def _with_interval(metric: str, row: dict[str, Any] | None) -> str:
    if row is None:
        return words.NOTHING
    bounds = words.interval(metric, row.get(m.LOW), row.get(m.HIGH))
    text = words.figure(metric, row[m.VALUE])
    return text if bounds == words.NOTHING else f"{text} ({bounds})"


def _before_after(facts: HalfYear) -> tuple[Block, ...]:
    if facts.before_after is None or facts.before_after.empty:
        return (Text("No weeks before the recommender were simulated."),)
    rows = []
    for row in facts.before_after.to_dict("records"):
        metric = str(row[m.METRIC])
        cells = [words.label(metric)]
        for value, low, high in _BEFORE_AFTER:
            cells.append(words.figure(metric, row.get(value)))
            cells.append(words.interval(metric, row.get(low), row.get(high)))
        cells.append(words.change(metric, row.get(m.CHANGE)))
        cells.append(words.change_interval(metric, row.get(m.CHANGE_LOW), row.get(m.CHANGE_HIGH)))
        rows.append(tuple(cells))
    headers = ("Figure", "before", "interval", "after", "interval", "change", "interval")
    return (
        Table("Before and after", headers, tuple(rows), numeric=(1, 2, 3, 4, 5, 6)),
        Text(
            "A comparison in time mixes the recommender with whatever else changed meanwhile; what "
            "it brought is told by the experiment, whose arms live through the same weeks."
        ),
    )


def _helped(facts: HalfYear) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if facts.experiment is None:
        blocks.append(Text("No experiment was analysed."))
    else:
        blocks += [
            Text(facts.experiment.sentence, strong=True),
            *result_blocks(facts.experiment, "experiment"),
        ]
    if facts.shuffled is not None:
        blocks += [
            Text(
                "The same once more with the recommender's lists shuffled among its users: if the "
                "lists help because they are personal, then shuffled ones must not."
            ),
            Text(facts.shuffled.sentence, strong=True),
            *result_blocks(facts.shuffled, "shuffled"),
        ]
    return tuple(blocks)


def _loops(facts: HalfYear) -> tuple[Block, ...]:
    if facts.loops is None or facts.loops.empty:
        return (Text("Only one world was simulated, so exploration cannot be compared."),)
    worlds = [str(world) for world in facts.loops[WORLD].unique()]
    said = []
    for metric in LOOPS:
        parts = [
            part for world in worlds if (part := _rise(facts.loops, metric, world)) is not None
        ]
        if parts:
            said.append(f"{words.label(metric)}: {'; '.join(parts)}.")
    return (
        Text(
            "What is recommended is watched, what is watched is learned from, and recommended "
            "again: what is learned from grows ever more concentrated. Exploration shows some "
            "users something else and learns of it. A movie is watched once, so lists reach "
            "deeper week by week: compare the two worlds in the same week."
        ),
        picture(
            plots.over_weeks(
                facts.loops,
                LOOPS,
                WORLD,
                title="What is watched and shown, week by week",
                subtitle="Two worlds with the same seed; only exploration differs.",
            ),
            "loops",
            " ".join(said),
        ),
        Bullets(tuple(said)),
    )


def _rise(loops: pd.DataFrame, metric: str, world: str) -> str | None:
    """The first and the last figure of a world."""
    own = loops[(loops[m.METRIC] == metric) & (loops[WORLD] == world)].sort_values(plots.WEEK)
    values = own[m.VALUE].dropna().tolist()
    if len(values) < 2:
        return None
    first, last = (words.figure(metric, value) for value in (values[0], values[-1]))
    return f"{world}: {first} in the first week, {last} in the last"


def _alarms(facts: HalfYear) -> tuple[Block, ...]:
    if facts.alarms is None:
        return (Text("Alarms were not looked at."),)
    if not facts.alarms:
        return (Text(f"None in {facts.weeks} weeks."),)
    weeks = len({week for week, _ in facts.alarms})
    shown = facts.alarms[:_MOST_ALARMS]
    said = f"{words.plural(len(facts.alarms), 'alarm')} in {weeks} of {facts.weeks} weeks"
    if len(shown) < len(facts.alarms):
        said += f", of which the first {len(shown)}"
    return (
        Text(f"{said}:"),
        Notes(
            tuple(
                Note(
                    "bad" if alarm.level == "error" else "unknown",
                    f"week {week}",
                    alarm_text(alarm),
                )
                for week, alarm in shown
            )
        ),
    )


def _rule(facts: HalfYear) -> tuple[Block, ...]:
    return (
        Text("The rule never reads a score of the recommender, only the order of its lists:"),
        Bullets(facts.choice_rule),
        *([Bullets(facts.notes)] if facts.notes else []),
    )


def _again(facts: HalfYear) -> tuple[Block, ...]:
    text = "The same seed gives the same figures."
    if facts.seconds is not None:
        text += f" It took {facts.seconds / 60:.1f} minutes."
    return (Code(facts.command), Text(text))
