"""Figures about what recommendations do online: over weeks, by day and by place in the list."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation import style
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.rates import Int64Array
from recsys_pipeline.monitoring.rows import tidy

_BANDS: Final = "Bands are 95 % intervals with users as units."
_BARS: Final = "Bars are 95 % intervals with users as units."
_EVERYBODY: Final = "all users"
_NOBODY: Final = "no group has this name"


def over_weeks(figures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The figures of several weeks below each other, the week of each in a column ``week``.

    Args:
        figures: tidy figures by the ISO day that names the week, in any order.
    """
    parts = [
        figures[week].assign(**{n.WEEK: week})[[n.WEEK, *names.COLUMNS]] for week in sorted(figures)
    ]
    nothing = tidy([]).assign(**{n.WEEK: pd.Series([], dtype="str")})
    return pd.concat(parts, ignore_index=True) if parts else nothing


def metric_over_weeks(
    history: pd.DataFrame,
    metric: str = names.CLICK_THROUGH,
    *,
    by: str = names.ARM,
    baseline: str = "",
) -> Figure:
    """A metric week by week, a line with its band for each group, or for all users.

    Args:
        history: from `over_weeks`.
        metric: one of `names.LABELS`.
        by: ``arm``, ``segment`` or another kind of group; ``all`` for one line.
        baseline: the group drawn in grey, such as the control arm.
    """
    label = names.LABELS[metric]
    by_what = "" if by == names.ALL else f" by {by}"
    made = style.figure(f"{label} over the weeks{by_what}", _BANDS, width=8.0, height=3.8)
    rows = history[(history[names.METRIC] == metric) & (history[names.BY] == by)]
    rows = rows[np.isfinite(rows[names.VALUE])]
    if rows.empty:
        return style.nothing_to_show(made, "No week tells it yet")
    axes = style.tidy(made.add_subplot())
    weeks = sorted(history[n.WEEK].unique())
    groups = sorted(rows[names.GROUP].unique())
    colours = style.colours_of(groups, baseline or _NOBODY)
    for place, group in enumerate(groups):
        own = rows[rows[names.GROUP] == group].set_index(n.WEEK).reindex(weeks)
        _line(axes, own, colours[group], place, group or _EVERYBODY)
    _weeks_axis(axes, weeks)
    _scale(axes, metric)
    if len(groups) > 1:
        made.legend(loc="outside right upper", frameon=False, fontsize=9)
    return made


def click_through_by_rank(figures: pd.DataFrame) -> Figure:
    """Click-through at each place of the lists, this week and the week before."""
    made = style.figure(
        "Click-through by place in the list",
        f"{_BARS} The hollow mark is the week before.",
        width=7.0,
    )
    rows = _of(figures, names.CLICK_THROUGH, names.RANK)
    if rows.empty:
        return style.nothing_to_show(made, "No place was shown to enough users")
    axes = style.tidy(made.add_subplot())
    rank = rows[names.GROUP].astype(int).to_numpy()
    _points(axes, rank, rows)
    axes.set_xlabel("Place in the list")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _scale(axes, names.CLICK_THROUGH)
    return made


def metric_by_day(figures: pd.DataFrame, metric: str = names.CLICK_THROUGH) -> Figure:
    """A metric on each day of the week, and on the same day of the week before."""
    made = style.figure(
        f"{names.LABELS[metric]} by day",
        f"{_BARS} The hollow mark is the same day of the week before.",
        width=7.0,
    )
    rows = _of(figures, metric, names.DAY)
    if rows.empty:
        return style.nothing_to_show(made, "No day has enough users")
    axes = style.tidy(made.add_subplot())
    _points(axes, np.arange(len(rows)), rows)
    days = pd.to_datetime(rows[names.GROUP])
    axes.set_xticks(range(len(rows)), [f"{day:%a}\n{day:%d %b}" for day in days])
    _scale(axes, metric)
    return made


def variety_over_weeks(
    history: pd.DataFrame,
    metrics: Sequence[str] = (names.CONCENTRATION, names.DIVERSITY, names.COVERAGE),
    *,
    by: str = names.ALL,
) -> Figure:
    """Concentration, diversity and coverage week by week, a panel each: feedback loops show."""
    made = style.figure(
        "What is shown of the catalogue",
        "Rising concentration and falling coverage: lists feed on themselves. " + _BANDS,
        width=9.5,
        height=3.6,
    )
    weeks = sorted(history[n.WEEK].unique())
    rows = history[(history[names.BY] == by) & history[names.METRIC].isin(metrics)]
    rows = rows[np.isfinite(rows[names.VALUE])]
    if rows.empty:
        return style.nothing_to_show(made, "No week tells it yet")
    groups = sorted(rows[names.GROUP].unique())
    colours = style.colours_of(groups, _NOBODY)
    panels = made.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        style.tidy(axes)
        axes.set_title(names.LABELS[metric], loc="left", fontsize=10, color=style.INK)
        for place, group in enumerate(groups):
            own = rows[(rows[names.METRIC] == metric) & (rows[names.GROUP] == group)]
            own = own.set_index(n.WEEK).reindex(weeks)
            _line(axes, own, colours[group], place, group or _EVERYBODY)
        _weeks_axis(axes, weeks, most=3)
    if len(groups) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    return made


def _of(figures: pd.DataFrame, metric: str, by: str) -> pd.DataFrame:
    return figures[(figures[names.METRIC] == metric) & (figures[names.BY] == by)]


def _line(axes: Axes, rows: pd.DataFrame, colour: str, place: int, label: str) -> None:
    x = np.arange(len(rows))
    axes.fill_between(x, rows[names.LOW], rows[names.HIGH], color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        x,
        rows[names.VALUE],
        color=colour,
        marker=style.MARKERS[place % len(style.MARKERS)],
        markersize=4,
        linewidth=1.6,
        label=label,
    )


def _points(axes: Axes, x: Int64Array, rows: pd.DataFrame) -> None:
    """This week as points with bars, the week before as hollow marks a little to the left."""
    value = rows[names.VALUE].to_numpy()
    low, high = (rows[name].to_numpy() for name in (names.LOW, names.HIGH))
    axes.vlines(x, low, high, color=style.MAIN, linewidth=2.0)
    axes.plot(x, value, "o", color=style.MAIN, markersize=6, label="this week")
    axes.plot(
        x - 0.18,
        rows[names.BEFORE],
        "s",
        color=style.MUTED,
        markerfacecolor="white",
        markersize=5,
        label="week before",
    )


def _weeks_axis(axes: Axes, weeks: Sequence[str], most: int = 7) -> None:
    """At most `most` weeks are named, so that they can be read."""
    step = max(1, -(-len(weeks) // most))
    places = range(0, len(weeks), step)
    axes.set_xticks(list(places), [f"{pd.Timestamp(weeks[place]):%d %b}" for place in places])
    axes.set_xlabel("Week that ends on")


def _scale(axes: Axes, metric: str) -> None:
    if metric in names.SHARES:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
    if metric != names.SATISFACTION:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(names.LABELS[metric])
