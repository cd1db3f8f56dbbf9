"""Figures of the business: what the result hangs on, how sure it is, goals, offline and online.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recsys_pipeline.business import wording
from recsys_pipeline.business.goals import AVAILABILITY, CANNOT_TELL, MET, MISSED, Goal
from recsys_pipeline.business.impact import Impact
from recsys_pipeline.business.offline_online import Agreement
from recsys_pipeline.business.value import NET
from recsys_pipeline.evaluation import style
from recsys_pipeline.evaluation.names import metric_label

_MOST: Final = 10
_STATUS_COLOURS: Final = {MET: style.COLOURS[2], MISSED: style.SECOND, CANNOT_TELL: style.MUTED}
_MARKS: Final = {MET: "o", MISSED: "X", CANNOT_TELL: "D"}


def tornado(impact: Impact) -> Figure:
    """What the result becomes with each uncertain input at either end, the others in the middle."""
    swings = impact.swings[:_MOST]
    made = style.figure(
        "What the result hangs on",
        "Result with one input at its low and its high end, all others in the middle.",
        height=1.7 + 0.42 * max(len(swings), 2),
    )
    if not swings:
        return style.nothing_to_show(made, "No input is uncertain")
    axes = style.tidy(made.add_subplot(), grid="x")
    middle = impact.outcome(NET).value or 0.0
    for place, swing in enumerate(swings):
        for end, text, colour in (
            (swing.at_low, swing.low_input, style.SECOND),
            (swing.at_high, swing.high_input, style.MAIN),
        ):
            axes.barh(place, end - middle, left=middle, height=0.56, color=colour, alpha=0.85)
            left = end < middle
            axes.annotate(
                text,
                (end, place),
                xytext=(-4 if left else 4, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=8,
                color=style.INK,
            )
    axes.axvline(middle, color=style.INK, linewidth=1.0)
    _line_at_nothing(axes, [swing.at_low for swing in swings] + [s.at_high for s in swings])
    axes.set_yticks(range(len(swings)), [_input_label(s.words, s.measured) for s in swings])
    axes.set_ylim(len(swings) - 0.4, -0.6)
    axes.margins(x=0.22)
    _money_axis(axes, impact.currency)
    axes.set_xlabel(f"result over {impact.months} months; orange: input low, blue: input high")
    return made


def _line_at_nothing(axes: Axes, ends: Sequence[float]) -> None:
    """A line where it just pays, if that lies among the ends."""
    if min(ends) <= 0 <= max(ends):
        axes.axvline(0, color=style.MUTED, linewidth=1.0, linestyle=(0, (4, 3)))


def _input_label(words: str, measured: bool) -> str:
    head, _, tail = words.partition(" a user ")
    short = words if not tail or len(words) < 40 else f"{head}\na user {tail}"
    return f"{short}\n({'measured' if measured else 'assumed'})"


def result_spread(impact: Impact) -> Figure:
    """How the result is spread over the draws, with its interval and the part that pays."""
    edges, counts = np.array(impact.edges), np.array(impact.counts)
    net = impact.outcome(NET)
    made = style.figure(
        "How sure the result is",
        f"{impact.draws:,} draws of all inputs; blue: it pays, orange: it does not.",
        height=3.2,
    )
    axes = style.tidy(made.add_subplot())
    share = 100 * counts / max(counts.sum(), 1)
    middles = (edges[:-1] + edges[1:]) / 2
    colours = [style.MAIN if middle > 0 else style.SECOND for middle in middles]
    axes.bar(middles, share, width=np.diff(edges) * 0.92, color=colours, alpha=0.85)
    top = 1.18 * float(share.max())
    axes.set_ylim(0, top)
    if net.low is not None and net.high is not None and net.value is not None:
        height = 1.07 * float(share.max())
        axes.plot([net.low, net.high], [height] * 2, color=style.INK, linewidth=1.8)
        axes.plot(net.value, height, "o", color=style.INK, markersize=6)
        axes.annotate(
            "95 % interval",
            (net.high, height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=style.INK,
        )
    axes.margins(x=0.12)
    axes.set_ylabel("share of draws (%)")
    axes.set_xlabel(f"result over {impact.months} months")
    _money_axis(axes, impact.currency)
    return made


def _money_axis(axes: Axes, currency: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: wording.shown(value, wording.MONEY, currency))
    )


def goals_strip(goals: Sequence[Goal], *, currency: str = "€") -> Figure:
    """Each goal on one scale: how far beyond its target the figure lies, with its interval.

    Right of the line is better than the target. Availability is compared by the failures that are
    left, as 99.95 % is twice as good as 99.9 %. What lies further than the target's own size is
    drawn at the edge.
    """
    made = style.figure(
        "The goals",
        "Distance from the target, as a share of it; right of the line it is reached.",
        height=1.4 + 0.46 * max(len(goals), 2),
    )
    if not goals:
        return style.nothing_to_show(made, "No goals are set")
    axes = style.tidy(made.add_subplot(), grid="x")
    axes.axvspan(0, 1.05, color=style.COLOURS[2], alpha=0.08, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=1.0)
    for place, goal in enumerate(goals):
        colour = _STATUS_COLOURS[goal.status]
        text = "no figure"
        if goal.value is not None:
            at = _beyond(goal, goal.value)
            if goal.low is not None and goal.high is not None:
                ends = [_beyond(goal, goal.low), _beyond(goal, goal.high)]
                axes.plot(ends, [place] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
            axes.plot(at, place, _MARKS[goal.status], color=colour, markersize=7, clip_on=False)
            text = wording.shown(goal.value, goal.unit, currency)
            text = f"more than {text}" if goal.beyond else text
        axes.annotate(
            f"{text}: {goal.status}",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
            color=colour,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(goals)), [f"{goal.words}\n{goal.wanted}" for goal in goals])
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(len(goals) - 0.4, -0.6)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xticks(
        [-1, -0.5, 0, 0.5, 1], ["100 % short", "50 %", "target", "50 %", "100 % beyond"]
    )
    return made


def _beyond(goal: Goal, value: float) -> float:
    """How far beyond the target, as a share of it, from −1 to 1."""
    target, up = goal.target, goal.higher
    if goal.name == AVAILABILITY:
        target, value, up = 1 - target, 1 - value, False
    share = (value - target) / abs(target) if target else float(np.sign(value))
    return float(np.clip(share if up else -share, -1.0, 1.0))


def offline_online(agreement: Agreement) -> Figure:
    """Each release by its figure on past data and its lift online."""
    made = style.figure(
        "Does the figure on past data predict the lift?",
        "One mark per release, with the 95 % interval of its lift against the control.",
        height=3.6,
    )
    points = agreement.points
    if not points:
        return style.nothing_to_show(made, "No release was judged both ways yet")
    axes = style.tidy(made.add_subplot(), grid="both")
    axes.axhline(0, color=style.MUTED, linewidth=1.0)
    for point in points:
        axes.plot([point.offline] * 2, [point.low, point.high], color=style.MAIN, alpha=0.4)
    axes.plot(
        [point.offline for point in points],
        [point.lift for point in points],
        "o",
        color=style.MAIN,
        markersize=6.5,
    )
    if agreement.correlation is not None:
        axes.annotate(
            f"rank correlation {agreement.correlation:.2f}".replace("-", "−"),
            (0.02, 0.97),
            xycoords="axes fraction",
            va="top",
            fontsize=9,
            color=style.INK,
        )
    axes.margins(x=0.08, y=0.12)
    axes.set_xlabel(f"{metric_label(agreement.metric)} on past data")
    axes.set_ylabel("lift online")
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: wording.shown(value, wording.CHANGE))
    )
    return made
