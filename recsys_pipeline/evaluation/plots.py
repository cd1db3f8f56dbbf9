"""Figures about recommenders: how good, how varied, and by how much better than the baseline.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state. Comparisons are
the frames that `evaluate.compare` returns.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recsys_pipeline.evaluation import names, style


def metrics_by_k(
    comparison: pd.DataFrame,
    metrics: Sequence[str] = (names.NDCG, names.RECALL),
    *,
    baseline: str = "popularity",
) -> Figure:
    """One panel per metric: its figure at each k, a line per recommender, with its interval."""
    made = style.figure(
        f"{_listed(metrics)} by length of the list",
        "Mean over test users; bands are 95 % intervals. Higher is better.",
        width=8.0,
    )
    recommenders = comparison[names.RECOMMENDER].unique().tolist()
    colours = style.colours_of(recommenders, baseline)
    panels = made.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        _lines_by_k(axes, comparison, metric, colours)
    best_first = _best_first(comparison, metrics[0])
    handles = {line.get_label(): line for line in panels[0].get_lines()}
    known = [name for name in best_first if name in handles]
    if known:
        made.legend(
            [handles[name] for name in known],
            known,
            loc="outside right upper",
            frameon=False,
            fontsize=9,
        )
    return made


def _lines_by_k(axes: Axes, comparison: pd.DataFrame, metric: str, colours: dict[str, str]) -> None:
    style.tidy(axes)
    axes.set_title(names.metric_label(metric), loc="left", fontsize=10, color=style.INK)
    axes.set_xlabel("k (length of the list)")
    parts = comparison[names.METRIC].map(names.base_and_k)
    rows = comparison[parts.map(lambda part: part[0] == metric and part[1] is not None)]
    rows = rows.assign(**{names.K: [names.base_and_k(name)[1] for name in rows[names.METRIC]]})
    for place, (name, colour) in enumerate(colours.items()):
        own = rows[rows[names.RECOMMENDER] == name].sort_values(names.K)
        if own.empty:
            continue
        k = own[names.K].to_numpy(dtype=float)
        axes.fill_between(k, own[names.LOW], own[names.HIGH], color=colour, alpha=0.12, linewidth=0)
        axes.plot(
            k,
            own[names.MEAN],
            color=colour,
            marker=style.MARKERS[place % len(style.MARKERS)],
            markersize=5,
            linewidth=1.6,
            label=name,
        )
    ks = sorted(set(rows[names.K]))
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.set_ylim(bottom=0)


def accuracy_against_coverage(
    comparison: pd.DataFrame,
    metric: str,
    *,
    coverage: str = "coverage_at_10",
    baseline: str = "popularity",
) -> Figure:
    """One point per recommender: its figure by `metric` over its coverage of the catalogue."""
    made = style.figure(
        f"{names.metric_label(metric)} against variety",
        "Up: better lists. Right: more of the catalogue is recommended to somebody.",
        width=7.5,
        height=4.2,
    )
    return _one_against_the_other(made, comparison, metric, coverage, baseline)


def accuracy_against_serendipity(
    comparison: pd.DataFrame,
    metric: str,
    *,
    serendipity: str = "serendipity_at_10",
    baseline: str = "popularity",
) -> Figure:
    """One point per recommender: its figure by `metric` over its serendipity."""
    made = style.figure(
        f"{names.metric_label(metric)} against serendipity",
        "Up: better lists. Right: more liked movies that popularity would not have shown.",
        width=7.5,
        height=4.2,
    )
    return _one_against_the_other(made, comparison, metric, serendipity, baseline)


def _one_against_the_other(
    made: Figure, comparison: pd.DataFrame, metric: str, other: str, baseline: str
) -> Figure:
    """Points of all recommenders: `metric` upwards, `other`, a share, to the right in per cent."""
    label = names.metric_label(metric)
    points = comparison.pivot(index=names.RECOMMENDER, columns=names.METRIC, values=names.MEAN)
    if not {metric, other} <= set(points.columns):
        return style.nothing_to_show(made, f"No figures for {metric} and {other}")
    # In the order given, so that a recommender has one colour and marker in all figures.
    points = points.loc[comparison[names.RECOMMENDER].unique(), [metric, other]].dropna()
    axes = style.tidy(made.add_subplot(), grid="both")
    axes.set_xlabel(f"{names.metric_label(other)} (%)")
    axes.set_ylabel(label)
    x, y = 100 * points[other].to_numpy(), points[metric].to_numpy()
    top = float(y.max(initial=0.0)) * 1.12 or 1.0
    axes.set_ylim(0, top)
    # A baseline that is 0 by its definition stands beside the axis and not on it.
    widest = max(float(x.max(initial=0.0)), 1.0)
    axes.set_xlim(-0.03 * widest if (x == 0).any() else 0, 1.06 * widest)
    colours = style.colours_of(points.index.tolist(), baseline)
    # Labels stand in a column at the right, so that points close together do not hide them.
    heights = style.spread((y / top).tolist(), 0.065, 0.02, 0.98)
    for place, (name, height) in enumerate(zip(points.index, heights, strict=True)):
        axes.scatter(
            x[place],
            y[place],
            s=60,
            color=colours[name],
            marker=style.MARKERS[place % len(style.MARKERS)],
            zorder=3,
        )
        axes.annotate(
            name,
            (x[place], y[place]),
            xytext=(1.03, float(height)),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            color=colours[name],
            arrowprops={"arrowstyle": "-", "color": colours[name], "alpha": 0.35, "shrinkB": 5},
        )
    return made


def difference_to_baseline(
    comparison: pd.DataFrame, metric: str, *, baseline: str = "popularity"
) -> Figure:
    """A forest plot: how much better than the baseline each recommender is by `metric`."""
    difference = names.DIFFERENCE.format(baseline)
    rows = comparison[
        (comparison[names.METRIC] == metric) & (comparison[names.RECOMMENDER] != baseline)
    ].dropna(subset=[difference])
    label = names.metric_label(metric)
    made = style.figure(
        f"{label}: difference to {baseline}",
        "Dots are paired differences, bars 95 % intervals. Right of the line is better.",
        width=7.5,
        height=1.7 + 0.36 * max(len(rows), 2),
    )
    if rows.empty:
        return style.nothing_to_show(made, f"No recommender to compare with {baseline}")
    rows = rows.sort_values(difference, kind="stable")
    axes = style.tidy(made.add_subplot(), grid="x")
    axes.axvline(0, color=style.INK, linewidth=1.0)
    for place, row in enumerate(rows.to_dict("records")):
        low, high = row[names.DIFFERENCE_LOW], row[names.DIFFERENCE_HIGH]
        colour = style.MAIN if low > 0 else style.SECOND if high <= 0 else style.MUTED
        axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(row[difference], place, "o", color=colour, markersize=7)
        axes.annotate(
            f"{row[names.MEAN]:.3f} ({row[difference]:+.3f})",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=colour,
        )
    axes.set_yticks(range(len(rows)), rows[names.RECOMMENDER])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"{label}, difference to {baseline}{_figure_of(comparison, metric, baseline)}")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return made


def _figure_of(comparison: pd.DataFrame, metric: str, recommender: str) -> str:
    found = comparison[
        (comparison[names.METRIC] == metric) & (comparison[names.RECOMMENDER] == recommender)
    ][names.MEAN]
    return f" ({found.iloc[0]:.3f})" if len(found) else ""


def _listed(metrics: Sequence[str]) -> str:
    return " and ".join(names.metric_label(metric) for metric in metrics)


def _best_first(comparison: pd.DataFrame, metric: str) -> list[str]:
    """Recommenders by their figure at the largest k, best first."""
    ks = {
        k: name
        for name in comparison[names.METRIC].unique()
        for base, k in [names.base_and_k(name)]
        if base == metric and k is not None
    }
    if not ks:
        return list(comparison[names.RECOMMENDER].unique())
    rows = comparison[comparison[names.METRIC] == ks[max(ks)]]
    ordered = rows.iloc[np.argsort(-rows[names.MEAN].to_numpy(), kind="stable")]
    return list(ordered[names.RECOMMENDER])
