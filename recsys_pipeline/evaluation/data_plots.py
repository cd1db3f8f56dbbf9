"""Figures about what goes in and comes out: histories, broken rows, scores, features.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state. Only counts and
distributions are drawn, never a user.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recsys_pipeline.evaluation import style


def feature_importance(importances: Mapping[str, float], *, top: int = 20) -> Figure:
    """Bars of the `top` features that the ranker leans on most, the strongest first."""
    shown = sorted(importances.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    more = len(importances) - len(shown)
    made = style.figure(
        "What the ranker leans on",
        "Importance of each feature, as a share of all"
        + (f"; {more} weaker features are not shown." if more else "."),
        width=7.5,
        height=1.4 + 0.27 * max(len(shown), 3),
    )
    if not shown:
        return style.nothing_to_show(made, "No features")
    total = sum(max(value, 0.0) for value in importances.values()) or 1.0
    return _bars(
        made,
        {name: 100 * value / total for name, value in shown},
        lambda value: f"{value:.1f} %",
        "share of importance (%)",
        style.MAIN,
    )


def broken_rows(counts: Mapping[str, int], rows: int, *, table: str) -> Figure:
    """Bars of the rows of a table that were set aside, by rule.

    Args:
        counts: for each rule the rows that break it; rules that none breaks are left out.
        rows: rows of the table.
        table: its name.
    """
    broken = {name: count for name, count in counts.items() if count}
    broken = dict(sorted(broken.items(), key=lambda pair: (-pair[1], pair[0])))
    made = style.figure(
        f"Rows of {table} that break a rule",
        f"Of {rows:,} rows; a row may break several.",
        width=7.5,
        height=1.4 + 0.32 * max(len(broken), 3),
    )
    if not broken:
        return style.nothing_to_show(made, f"All {rows:,} rows are in order")

    def text(count: float) -> str:
        return f"{count:,.0f} ({100 * count / max(rows, 1):.2g} %)"

    return _bars(made, broken, text, "rows", style.SECOND)


def _bars(made: Figure, values: Mapping[str, float], text: Any, label: str, colour: str) -> Figure:
    axes = style.tidy(made.add_subplot(), grid="x")
    bars = axes.barh(range(len(values)), list(values.values()), color=colour, height=0.7)
    axes.bar_label(
        bars, [text(v) for v in values.values()], padding=4, fontsize=8, color=style.MUTED
    )
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(max(len(values), 3) - 0.4, -0.6)
    axes.set_xlabel(label)
    axes.margins(x=0.14)
    return made


def history_lengths(lengths: npt.NDArray[Any]) -> Figure:
    """How many liked movies the users' histories hold, on a scale of doubling steps.

    Args:
        lengths: int ``(n_users,)``.
    """
    made = style.figure(
        "How long the users' histories are",
        _history_sentence(lengths),
    )
    if not len(lengths):
        return style.nothing_to_show(made, "No users")
    steps = int(np.ceil(np.log2(max(int(lengths.max()), 1) + 1)))
    lows = np.concatenate([[0], 2 ** np.arange(steps)])
    highs = np.concatenate([lows[1:] - 1, [max(2**steps - 1, 0)]])
    counts = np.histogram(lengths, np.append(lows, highs[-1] + 1))[0]
    axes = style.tidy(made.add_subplot())
    bars = axes.bar(range(len(counts)), counts, color=style.MAIN, width=0.85)
    axes.bar_label(bars, [f"{c:,}" for c in counts], padding=2, fontsize=8, color=style.MUTED)
    ticks = [
        str(low) if low == high else f"{low}–\n{high}"
        for low, high in zip(lows, highs, strict=True)
    ]
    axes.set_xticks(range(len(counts)), ticks, fontsize=8)
    axes.margins(y=0.1)
    axes.set_xlabel("liked movies in the history")
    axes.set_ylabel("users")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return made


def _history_sentence(lengths: npt.NDArray[Any]) -> str:
    if not len(lengths):
        return ""
    none = int((lengths == 0).sum())
    return f"Half of the {len(lengths):,} users have {np.median(lengths):g} or more; {none:,} none."
