"""Parts of a report on goals, business impact, and figures on past data against online lift."""

from collections.abc import Sequence
from typing import Final

from recsys_pipeline.business import plots, wording
from recsys_pipeline.business.goals import CANNOT_TELL, MET, MISSED, Goal, summary
from recsys_pipeline.business.impact import Impact
from recsys_pipeline.business.inputs import Input
from recsys_pipeline.business.offline_online import Agreement
from recsys_pipeline.business.value import CLICKS, KEPT, NET, REACHED, REVENUE, ROI, WATCH_HOURS
from recsys_pipeline.evaluation.names import metric_label
from recsys_pipeline.reporting.document import (
    Block,
    Bullets,
    Note,
    Notes,
    StepLine,
    Steps,
    Table,
    Text,
    Tile,
    Tiles,
    Tone,
)
from recsys_pipeline.reporting.pictures import picture
from recsys_pipeline.reporting.words import NOTHING

TONES: Final[dict[str, Tone]] = {MET: "good", MISSED: "bad", CANNOT_TELL: "unknown"}
_TILES: Final = (NET, ROI, CLICKS, WATCH_HOURS, REACHED, KEPT, REVENUE)


def goal_notes(goals: Sequence[Goal], currency: str) -> Notes:
    """Each goal on a line, with its status as a badge."""
    return Notes(
        tuple(Note(TONES[goal.status], goal.status, _goal_line(goal, currency)) for goal in goals)
    )


def _goal_line(goal: Goal, currency: str) -> str:
    return f"{goal.words}: {goal.shown(currency) or 'no figure'}; wanted {goal.wanted}."


def goals_blocks(goals: Sequence[Goal] | None, currency: str) -> tuple[Block, ...]:
    """The goals: how many are met, a picture, and each in words."""
    if not goals:
        return (Text("No goals are set: write them into the section [goals] of recsys.toml."),)
    found = [f"{goal.words}: {goal.status}" for goal in goals]
    drawn = picture(
        plots.goals_strip(goals, currency=currency),
        "goals",
        f"The goals and how far beyond their targets the figures lie. {'; '.join(found)}.",
    )
    return (
        Text(summary(goals), strong=True),
        drawn,
        Bullets(tuple(goal.sentence for goal in goals)),
    )


def impact_blocks(impact: Impact | None) -> tuple[Block, ...]:
    """What it is worth: the figures, how sure they are, every assumption, and every step."""
    if impact is None:
        return (
            Text(
                "There is no figure yet: it takes the number of users who get lists. The next "
                "weekly run estimates it from the assumptions in [business] of recsys.toml."
            ),
        )
    return (
        Text(impact.sentence, strong=True),
        Text(
            f"For {impact.users:,} users who get its lists, over {impact.months} months. Intervals "
            f"hold the middle 95 % of {impact.draws:,} draws of all that is uncertain below."
        ),
        Tiles(tuple(_outcome_tile(impact, name) for name in _TILES)),
        picture(
            plots.result_spread(impact),
            "result",
            f"How the result is spread over the draws: {100 * impact.chance:.0f} % of them pay.",
        ),
        picture(
            plots.tornado(impact),
            "tornado",
            "What each uncertain input changes in the result, the widest first: "
            + "; ".join(
                f"{swing.words}: {_money(swing.at_low, impact)} to {_money(swing.at_high, impact)}"
                for swing in impact.swings
            )
            + ".",
        ),
        assumptions_table(impact.inputs, impact.currency),
        Text("How the figures come about, with every input at its middle:"),
        Steps(
            tuple(
                StepLine(step.title, step.formula, step.numbers, step.result)
                for step in impact.steps
            )
        ),
    )


def _money(value: float, impact: Impact) -> str:
    return wording.shown(value, wording.MONEY, impact.currency)


def _outcome_tile(impact: Impact, name: str) -> Tile:
    outcome = impact.outcome(name)
    if outcome.value is None:
        return Tile(outcome.words, NOTHING, note="no cost is set")
    return Tile(
        outcome.words,
        wording.shown(outcome.value, outcome.unit, impact.currency),
        note=wording.within(outcome.low, outcome.high, outcome.unit, impact.currency),
    )


def assumptions_table(inputs: Sequence[Input], currency: str) -> Table:
    """Everything that goes in, with its spread, and whether it was measured or assumed."""
    rows = [
        (
            each.words,
            wording.shown(each.value, each.unit, currency),
            wording.within(each.low, each.high, each.unit, currency)
            if each.low < each.high
            else "taken as certain",
            "measured" if each.measured else "assumed",
            each.source,
        )
        for each in inputs
    ]
    headers = ("What goes in", "middle", "95 % of its draws", "how it is known", "from")
    return Table("Every assumption", headers, tuple(rows), numeric=(1, 2))


def agreement_blocks(agreement: Agreement | None) -> tuple[Block, ...]:
    """Whether figures on past data predict what people do."""
    if agreement is None or not agreement.points:
        return (
            Text(
                "No release was both judged on past data and compared online yet. Each week adds a "
                "point in which an experiment compares the release in service with a control that "
                "gets the holdout's recipe."
            ),
        )
    lifts = "; ".join(
        f"{point.release}: {point.offline:.4g}, {wording.shown(point.lift, wording.CHANGE)}"
        for point in agreement.points
    )
    return (
        Text(agreement.sentence, strong=True),
        picture(
            plots.offline_online(agreement),
            "offline-online",
            f"{metric_label(agreement.metric)} on past data and lift online by release. {lifts}.",
        ),
        Text(
            "Releases of successive weeks resemble one another, and whatever else changes with "
            "time moves both figures: they count for less than as many separate experiments."
        ),
    )
