"""The figure of the decision: which recipe won, by how much, for whom, and why."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recsys_pipeline.evaluation import names, style
from recsys_pipeline.evaluation.conditions import BLOCKS, FLOOR, TO_IN_SERVICE
from recsys_pipeline.evaluation.groups import group_label
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.evaluation.promotion import Decision

# inches
_ROW = 0.27
_LINE = 0.21
_CHARACTERS = 120
_ALL = "all users"


def who_won(decision: Decision, figures: Mapping[str, Interval], *, title: str = "") -> Figure:
    """Left the figures themselves, right what changes for all users and each group, below why.

    Args:
        decision: from `promotion.decide`.
        figures: the deciding metric of the candidate, of the recipe in service where there is one,
            and of popularity, by the name to show; the first is drawn in the main colour.
        title: the decision in a few words; without one, the decision's own.
    """
    groups = decision.groups.dropna(subset=[TO_IN_SERVICE])
    label = names.metric_label(decision.metric)
    rows = max(len(groups) + 1 + groups[names.GROUPING].nunique() / 2, 6)
    reasons = [
        (condition.passed, wrap(condition.text, _CHARACTERS)) for condition in decision.conditions
    ]
    lines = sum(len(text) for _, text in reasons) + 0.5
    made = style.figure(
        title or decision.title,
        f"Decided by: {label}. Bars are 95 % intervals over users.",
        width=10.5,
        height=2.0 + _ROW * rows + _LINE * lines,
    )
    grid = made.add_gridspec(
        2, 2, width_ratios=(1, 1.9), height_ratios=(_ROW * rows + 0.8, _LINE * lines)
    )
    _bars(style.tidy(made.add_subplot(grid[0, 0])), figures, label)
    forest = made.add_subplot(grid[0, 1])
    if decision.difference is None:
        forest.set_axis_off()
        forest.text(0.5, 0.5, "Nothing is in service to compare with", ha="center", va="center",
                    fontsize=10, color=style.MUTED)  # fmt: skip
    else:
        _forest(style.tidy(forest, grid="x"), decision.difference, groups, decision.margin)
    _reasons(made.add_subplot(grid[1, :]), reasons, lines)
    return made


def _bars(axes: Axes, figures: Mapping[str, Interval], label: str) -> None:
    axes.set_title(label, loc="left", fontsize=10, color=style.INK)
    colours = style.colours_of(list(figures), "popularity")
    tops = []
    for place, (name, figure) in enumerate(figures.items()):
        colour = colours[name]
        axes.bar(place, figure.mean, width=0.62, color=colour, alpha=0.85)
        known = np.isfinite([figure.low, figure.high]).all()
        if known:
            axes.plot([place] * 2, [figure.low, figure.high], color=style.INK, linewidth=1.6)
        top = figure.high if known else figure.mean
        tops.append(top)
        axes.annotate(
            f"{figure.mean:.3f}",
            (place, top),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            fontweight="bold",
            color=colour,
        )
    axes.set_xticks(range(len(figures)), list(figures))
    axes.set_ylim(0, 1.12 * max((top for top in tops if np.isfinite(top)), default=1.0) or 1.0)


def _forest(axes: Axes, overall: Interval, groups: pd.DataFrame, margin: float) -> None:
    axes.set_title("Candidate less recipe in service", loc="left", fontsize=10, color=style.INK)
    axes.axvspan(-margin, 0, color=style.MAIN, alpha=0.12, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=1.0)
    labels = [_ALL]
    _interval(axes, 0, overall.mean, overall.low, overall.high, overall.n, weight="bold")
    place, places = 1.0, [0.0]
    for grouping, own in groups.groupby(names.GROUPING, sort=False):
        place += 0.5
        for row in own.to_dict("records"):
            _interval(
                axes,
                place,
                row[TO_IN_SERVICE],
                row[names.DIFFERENCE_LOW],
                row[names.DIFFERENCE_HIGH],
                int(row[names.N_USERS]),
                blocks=bool(row[BLOCKS]),
            )
            axes.plot(
                [row[FLOOR]] * 2, [place - 0.3, place + 0.3], color=style.SECOND, linewidth=1.6
            )
            labels.append(group_label(str(grouping), row[names.GROUP]))
            places.append(place)
            place += 1
    axes.set_yticks(places, labels)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(place - 0.3, -0.7)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    floors = "; orange marks: the most a group may lose" if len(groups) else ""
    axes.set_xlabel(f"right of the line: better; shaded: still no worse{floors}", color=style.MUTED)


def _interval(
    axes: Axes,
    place: float,
    mean: float,
    low: float,
    high: float,
    n_users: int,
    *,
    blocks: bool = False,
    weight: str = "normal",
) -> None:
    colour = style.MAIN if low > 0 else style.SECOND if high < 0 else style.MUTED
    axes.plot([low, high], [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
    axes.plot(mean, place, "X" if blocks else "o", color=colour, markersize=10 if blocks else 6.5)
    axes.annotate(
        f"{mean:+.3f}  (n={n_users:,})" + ("  blocks" if blocks else ""),
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8.5,
        fontweight=weight,
        color=colour,
        annotation_clip=False,
    )


def _reasons(axes: Axes, reasons: Sequence[tuple[bool, list[str]]], lines: float) -> None:
    """Each condition with a mark, from the top; a text may take several lines."""
    axes.set_axis_off()
    axes.set_ylim(lines, 0)
    place = 0.5
    for passed, text in reasons:
        mark, colour = ("✓", style.COLOURS[2]) if passed else ("✗", style.SECOND)
        weight = "normal" if passed else "bold"
        parts = [axes.text(0.0, place, mark, color=colour, fontsize=11, va="center")]
        for line in text:
            parts.append(
                axes.text(
                    0.02, place, line, va="center", fontsize=9, color=style.INK, fontweight=weight
                )
            )
            place += 1
        for part in parts:
            part.set_in_layout(False)
