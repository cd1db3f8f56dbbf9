"""Figures of the reports: lines over weeks with their intervals, and groups beside each other.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recsys_pipeline.evaluation import style
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.reporting import words

WEEK: Final = "week"
"""Column of the frames drawn here: number of the week, or its ISO day."""

BANDS: Final = "Bands are 95 % intervals over users; very wide ones are cut off."
"""How to read the lines of `over_weeks`."""

_DASHES: Final = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


def over_weeks(
    rows: pd.DataFrame,
    metrics: Sequence[str],
    line: str,
    *,
    title: str,
    subtitle: str,
    baseline: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """One panel per metric, two beside each other: a line per group with its interval as a band.

    Args:
        rows: columns metric, `line`, week (sorted as numbers or ISO days), value, and where there
            are intervals low and high. A missing value leaves a gap.
        metrics: which, in this order; those without a value are left out.
        line: column that names the group.
        title, subtitle: of the figure.
        baseline: group drawn in grey.
        labels: what groups are called, by name.
    """
    drawn = [metric for metric in metrics if _has(rows, metric)]
    n_rows = max(math.ceil(len(drawn) / 2), 1)
    made = style.figure(title, subtitle, width=9.0, height=1.15 + 2.45 * n_rows)
    if not drawn:
        return style.nothing_to_show(made, "Nothing was counted yet")
    groups = [str(group) for group in rows[line].unique()]
    colours = style.colours_of(groups, baseline)
    n_columns = min(len(drawn), 2)
    for place, metric in enumerate(drawn):
        axes = style.tidy(made.add_subplot(n_rows, n_columns, place + 1))
        _panel(axes, rows[rows[m.METRIC] == metric], line, groups, colours)
        axes.set_title(words.label(metric), loc="left", fontsize=10, color=style.INK)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(_ticks(metric))
        if place >= len(drawn) - n_columns:
            axes.set_xlabel("week")
    handles, names = made.axes[0].get_legend_handles_labels()
    if len(groups) > 1:
        made.legend(
            handles,
            [(labels or {}).get(name, name) for name in names],
            loc="outside lower center",
            ncols=min(len(groups), 3),
            frameon=False,
            fontsize=9,
        )
    return made


def _ticks(metric: str) -> FuncFormatter:
    return FuncFormatter(lambda value, _: words.figure(metric, value))


def _has(rows: pd.DataFrame, metric: str) -> bool:
    return bool(rows.loc[rows[m.METRIC] == metric, m.VALUE].notna().any())


def _panel(
    axes: Axes, rows: pd.DataFrame, line: str, groups: Sequence[str], colours: Mapping[str, str]
) -> None:
    weeks = sorted(rows[WEEK].unique())
    number = pd.api.types.is_numeric_dtype(rows[WEEK])
    at = {week: week if number else place for place, week in enumerate(weeks)}
    for place, group in enumerate(groups):
        own = rows[rows[line] == group].sort_values(WEEK)
        x = own[WEEK].map(at).to_numpy(dtype=np.float64)
        if {m.LOW, m.HIGH} <= set(own.columns):
            low, high = (own[end].to_numpy(dtype=np.float64) for end in (m.LOW, m.HIGH))
            axes.fill_between(x, low, high, color=colours[group], alpha=0.18, linewidth=0)
        axes.plot(
            x,
            own[m.VALUE].to_numpy(dtype=np.float64),
            color=colours[group],
            linestyle=_DASHES[place % len(_DASHES)],
            linewidth=1.8,
            marker=style.MARKERS[place % len(style.MARKERS)] if len(own) < 14 else "",
            markersize=4,
            label=group,
        )
    _cut(axes, rows[m.VALUE].to_numpy(dtype=np.float64))
    if number:
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    else:
        step = max(1, math.ceil(len(weeks) / 5))
        axes.set_xticks(range(0, len(weeks), step), [str(week)[5:] for week in weeks[::step]])


def _cut(axes: Axes, values: npt.NDArray[np.float64]) -> None:
    """No further than the values reach, and as much again: one wide band flattens no line."""
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(most - least, 0.1 * abs(most))
    low, high = axes.get_ylim()
    if room > 0:
        axes.set_ylim(max(low, least - room), min(high, most + room))


def beside(rows: pd.DataFrame, metric: str, overall: float, *, title: str, subtitle: str) -> Figure:
    """A metric of each group with its interval, against the figure of all users.

    Args:
        rows: columns group, value, low, high and n.
        metric: whose figures they are.
        overall: the figure of all users; NaN for none.
    """
    made = style.figure(title, subtitle, height=1.35 + 0.34 * max(len(rows), 2))
    axes = style.tidy(made.add_subplot(), grid="x")
    if np.isfinite(overall):
        axes.axvline(overall, color=style.INK, linewidth=1.0)
    for place, row in enumerate(rows.itertuples()):
        low, high, value = float(row.low), float(row.high), float(row.value)
        colour = style.MUTED
        if low > overall or high < overall:
            colour = style.MAIN if (low > overall) == (words.better(metric) >= 0) else style.SECOND
        axes.plot([low, high], [place] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
        axes.plot(value, place, "o", color=colour, markersize=6.5)
        axes.annotate(
            f"{words.figure(metric, value)}  (n={int(row.n):,})",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
            color=colour,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(rows)), [str(group) for group in rows[m.GROUP]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(_ticks(metric))
    return made
