"""A benchmark in one figure per data set: how good each recommender is, and how fast its lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from recsys_pipeline.evaluation import names, style

_ROW = 0.3
_HEAD = 1.35
_LABEL_INCHES = 0.17
_WIDTH = 10.0


@dataclass(frozen=True)
class BenchmarkPanel:
    """One split of a data set.

    Attributes:
        split: what is held out, for people.
        metric: name of the metric that is drawn.
        figures: one row per recommender: recommender, mean, low, high.
        seconds: of the lists of all judged users, by recommender, above 0.
        released: the recommender that would be released; empty for none.
    """

    split: str
    metric: str
    figures: pd.DataFrame
    seconds: Mapping[str, float]
    released: str = ""


def benchmark_figure(
    title: str, panels: Sequence[BenchmarkPanel], *, baseline: str = "popularity"
) -> Figure:
    """Two panels per split: figures with intervals, best on top; and figure over seconds.

    A recommender has one colour and marker throughout; the released one has a ring.
    """
    shown = [_known(panel.figures) for panel in panels]
    heights = [_HEAD + _ROW * max(len(rows), 3) for rows in shown] or [2.0]
    made = style.figure(
        title,
        "Left: figure with 95 % interval. Right: the same over the seconds that all lists take; "
        "up and left is better. Ring: released.",
        width=_WIDTH,
        height=0.6 + sum(heights),
    )
    if not any(len(rows) for rows in shown):
        return style.nothing_to_show(made, "No recommender has a figure")
    everybody = [str(name) for panel in panels for name in panel.figures[names.RECOMMENDER]]
    # Colours and markers repeat after different counts, so that no two have both alike.
    others = [name for name in dict.fromkeys(everybody) if name != baseline]
    colours = style.colours_of([baseline, *others], baseline)
    look = {
        name: (colours[name], style.MARKERS[place % len(style.MARKERS)])
        for place, name in enumerate([*others, baseline])
    }
    grid = made.subplots(
        len(panels), 2, squeeze=False, gridspec_kw={"height_ratios": heights[: len(panels)]}
    )
    for (left, right), panel, rows, height in zip(grid, panels, shown, heights, strict=True):
        _figures(left, panel, rows, look)
        _over_seconds(right, panel, rows, look, height - _HEAD)
    return made


def _known(figures: pd.DataFrame) -> pd.DataFrame:
    """The recommenders that have a figure, worst first."""
    known = figures[np.isfinite(figures[names.MEAN].to_numpy(dtype=np.float64))]
    return known.sort_values(names.MEAN, kind="stable")


def _figures(
    axes: Axes, panel: BenchmarkPanel, rows: pd.DataFrame, look: Mapping[str, tuple[str, str]]
) -> None:
    style.tidy(axes, grid="x")
    axes.set_title(f"Split: {panel.split}", loc="left", fontsize=10, color=style.INK)
    for place, row in enumerate(rows.to_dict("records")):
        name = row[names.RECOMMENDER]
        colour, marker = look[name]
        if np.isfinite(row[names.LOW]):
            ends = [row[names.LOW], row[names.HIGH]]
            axes.plot(ends, [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        _point(axes, row[names.MEAN], place, colour, marker, ringed=name == panel.released)
    axes.set_yticks(range(len(rows)), rows[names.RECOMMENDER])
    axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
    axes.set_xlabel(names.metric_label(panel.metric))
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _over_seconds(
    axes: Axes,
    panel: BenchmarkPanel,
    rows: pd.DataFrame,
    look: Mapping[str, tuple[str, str]],
    inches: float,
) -> None:
    style.tidy(axes, grid="both")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("seconds for the lists of all judged users")
    axes.set_ylabel(names.metric_label(panel.metric))
    means = rows[names.MEAN].to_numpy(dtype=np.float64)
    if not len(means):
        return
    low, high = float(means.min()), float(means.max())
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - room, high + room
    axes.set_ylim(low, high)
    seconds = np.array([panel.seconds[name] for name in rows[names.RECOMMENDER]])
    axes.set_xlim(seconds.min() / 1.6, seconds.max() * 1.6)
    # Names stand in a column at the right, so that points close together do not hide them.
    places = style.spread(
        ((means - low) / (high - low)).tolist(), min(_LABEL_INCHES / inches, 0.3), 0.0, 1.0
    )
    for name, x, y, place in zip(rows[names.RECOMMENDER], seconds, means, places, strict=True):
        colour, marker = look[name]
        _point(axes, x, y, colour, marker, ringed=name == panel.released)
        axes.annotate(
            name,
            (x, y),
            xytext=(1.04, float(place)),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.35, "shrinkB": 5},
        )


def _point(axes: Axes, x: float, y: float, colour: str, marker: str, *, ringed: bool) -> None:
    axes.plot(x, y, marker, color=colour, markersize=7, zorder=3)
    if ringed:
        axes.plot(
            x, y, "o", markersize=14, markerfacecolor="none", markeredgecolor=style.INK, zorder=4
        )
