"""Figures by group: for whom recommenders are good, and where any two of them differ.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation import names, style
from recsys_pipeline.evaluation.groups import MOVIE_POPULARITY
from recsys_pipeline.evaluation.pairwise import LEVEL_OF_SIGNIFICANCE

_LABELS = {
    n.HISTORY_LENGTH: "by liked movies in the history",
    n.SEGMENT: "by segment",
    MOVIE_POPULARITY: "by popularity of the movie",
}


def figures_by_group(
    table: pd.DataFrame,
    metric: str,
    *,
    recommenders: Sequence[str] | None = None,
    baseline: str = "popularity",
) -> Figure:
    """One panel per grouping: the figure in each group, beside that of the baseline.

    Args:
        table: from `groups.group_table`.
        metric: name of one of its metrics.
        recommenders: which ones to show, in order; None is all.
        baseline: is drawn in grey.
    """
    rows = table[table[names.METRIC] == metric].dropna(subset=[names.MEAN])
    shown = list(recommenders or rows[names.RECOMMENDER].unique())
    rows = rows[rows[names.RECOMMENDER].isin(shown)]
    groupings = rows[names.GROUPING].unique().tolist()
    sizes = [rows.loc[rows[names.GROUPING] == each, names.GROUP].nunique() for each in groupings]
    label = names.metric_label(metric)
    made = style.figure(
        f"{label}: for whom it works",
        "Dots are means over the users of a group, bars 95 % intervals, n the users behind them.",
        width=max(3.0 + 0.65 * sum(sizes), 7.5),
        height=4.0,
    )
    if rows.empty:
        return style.nothing_to_show(made, f"No figures by group for {metric}")
    panels = made.subplots(
        1, len(groupings), squeeze=False, sharey=True, width_ratios=[size + 0.8 for size in sizes]
    )[0]
    colours = style.colours_of(shown, baseline)
    for axes, grouping in zip(panels, groupings, strict=True):
        style.tidy(axes)
        axes.set_title(
            _LABELS.get(grouping, f"by {grouping}"), loc="left", fontsize=10, color=style.INK
        )
        _dots(axes, rows[rows[names.GROUPING] == grouping], colours)
    panels[0].set_ylabel(label)
    panels[0].set_ylim(bottom=min(0.0, float(rows[names.MEAN].min())))
    handles, texts = panels[0].get_legend_handles_labels()
    made.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=9)
    return made


def _dots(axes: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> None:
    groups = rows[names.GROUP].unique().tolist()
    step = min(0.7 / len(colours), 0.22)
    for place, (name, colour) in enumerate(colours.items()):
        own = rows[rows[names.RECOMMENDER] == name].set_index(names.GROUP).reindex(groups)
        x = np.arange(len(groups)) + step * (place - (len(colours) - 1) / 2)
        axes.vlines(x, own[names.LOW], own[names.HIGH], color=colour, alpha=0.45, linewidth=3)
        marker = style.MARKERS[place % len(style.MARKERS)]
        axes.plot(x, own[names.MEAN], marker, color=colour, markersize=5.5, label=name)
    most = rows.groupby(names.GROUP)[names.N_USERS].max()
    axes.set_xticks(
        range(len(groups)), [f"{each}\nn={most[each]:,}" for each in groups], fontsize=8
    )
    axes.set_xlim(-0.6, len(groups) - 0.4)


def difference_matrix(tests: pd.DataFrame, *, level: float = LEVEL_OF_SIGNIFICANCE) -> Figure:
    """A heat map of the differences of any two recommenders; those that chance may explain muted.

    Args:
        tests: from `pairwise.pairwise_tests`, of one metric.
        level: a difference counts where its corrected p is below.
    """
    order = list(dict.fromkeys([*tests[names.FIRST], *tests[names.SECOND]]))
    metric = str(tests[names.METRIC].iloc[0]) if len(tests) else ""
    size = max(len(order), 3)
    made = style.figure(
        f"{names.metric_label(metric)}: which differences are real",
        f"Row less column. Grey: may be chance (p ≥ {level:g}, corrected for {len(tests)} pairs).",
        width=2.6 + 0.72 * size,
        height=2.0 + 0.42 * size,
    )
    if tests.empty:
        return style.nothing_to_show(made, "No two recommenders to compare")
    difference = np.full((len(order), len(order)), np.nan)
    sure = np.zeros(difference.shape, dtype=bool)
    for row in tests.to_dict("records"):
        i, j = order.index(row[names.FIRST]), order.index(row[names.SECOND])
        difference[i, j] = row[names.DIFFERENCE_OF_PAIR]
        difference[j, i] = -row[names.DIFFERENCE_OF_PAIR]
        sure[i, j] = sure[j, i] = row[names.P_CORRECTED] < level
    # Best first: by how much better than all the others together.
    best = np.argsort(-np.nansum(difference, axis=1), kind="stable")
    difference, sure = difference[np.ix_(best, best)], sure[np.ix_(best, best)]
    order = [order[place] for place in best]
    axes = style.tidy(made.add_subplot())
    axes.grid(visible=False)
    most = float(np.nanmax(np.abs(difference), initial=0.0)) or 1.0
    axes.imshow(
        np.where(sure, difference, np.nan),
        cmap=style.DIVERGING,
        vmin=-most,
        vmax=most,
        aspect="auto",
    )
    for (i, j), value in np.ndenumerate(difference):
        if np.isfinite(value):
            strong = sure[i, j] and abs(value) > 0.6 * most
            axes.text(
                j,
                i,
                f"{value:+.3f}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if strong else style.INK if sure[i, j] else style.MUTED,
            )
    axes.set_xticks(range(len(order)), order, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(order)), order)
    return made
