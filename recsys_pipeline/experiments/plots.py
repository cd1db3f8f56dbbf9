"""An experiment in pictures: the effect over the looks, and arms beside each other.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

from collections.abc import Sequence
from math import isnan
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recsys_pipeline.evaluation import style
from recsys_pipeline.experiments.results import Effect, ExperimentResult
from recsys_pipeline.experiments.wording import LABELS

_MOST: Final = 3.0
"""Bounds beyond this many times the control's figure are cut off, lest the rest be unreadable."""


def effect_over_looks(results: Sequence[ExperimentResult], metric: str = "") -> Figure:
    """The effect of each arm at each look, with its always-valid band.

    Args:
        results: of one experiment, in any order, one for each look.
        metric: which one; empty for the one that decides.
    """
    looks = sorted(results, key=lambda each: each.looked_at)
    last = looks[-1] if looks else None
    metric = metric or (last.metric if last else "")
    made = style.figure(
        f"{last.name}: {LABELS[metric]} against “{last.arms[0]}”" if last else "Effect",
        "Bands hold at all looks together: an arm whose band leaves out zero once is different.",
        height=3.8,
    )
    drawn = False
    axes = made.add_subplot()
    arms = last.arms[1:] if last else ()
    colours = style.colours_of(arms)
    for place, arm in enumerate(arms):
        own = [(each.weeks, each.effect(metric, arm)) for each in looks]
        told = [(week, effect) for week, effect in own if effect and not isnan(effect.relative_low)]
        if told:
            _band(axes, told, colours[arm], arm, style.MARKERS[place % len(style.MARKERS)])
            drawn = True
    if last is None or not drawn:
        made.delaxes(axes)
        return style.nothing_to_show(made, "Too early to tell: too few users took part so far")
    style.tidy(axes)
    axes.axhline(0, color=style.INK, linewidth=1)
    if metric == last.metric:
        for sign in (-1, 1):
            axes.axhline(sign * last.planned.least_effect, color=style.MUTED, linestyle=":")
    axes.yaxis.set_major_formatter(FuncFormatter(_signed))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"weeks since {last.started}")
    axes.set_ylabel("change, dotted: worth finding" if metric == last.metric else "change")
    axes.legend(loc="upper right", frameon=False, fontsize=9)
    return made


def arms_beside(result: ExperimentResult) -> Figure:
    """Every metric of every arm against the control, as one row each."""
    told = [each for each in result.effects if not isnan(each.relative_low)]
    metrics = list(dict.fromkeys(each.metric for each in told))
    arms = list(dict.fromkeys(each.arm for each in told))
    made = style.figure(
        f"{result.name}: each arm against “{result.arms[0]}”",
        f"Dots are changes after {result.weeks} weeks, bars intervals that hold at all looks.",
        height=1.6 + 0.28 * max(len(told), 1),
    )
    if not told:
        return style.nothing_to_show(made, "Too early to tell: too few users took part so far")
    axes = style.tidy(made.add_subplot(), grid="x")
    colours = style.colours_of(arms)
    step = 0.7 / len(arms)
    for place, arm in enumerate(arms):
        own = {each.metric: each for each in told if each.arm == arm}
        for row, metric in enumerate(metrics):
            if metric in own:
                y = row + step * (place - (len(arms) - 1) / 2)
                _bar(axes, own[metric], y, colours[arm], arm if row == 0 else "_nolegend_")
    axes.axvline(0, color=style.INK, linewidth=1)
    axes.set_yticks(
        range(len(metrics)),
        [LABELS[each] + (" (decides)" if each == result.metric else "") for each in metrics],
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(FuncFormatter(_signed))
    if len(arms) > 1:
        axes.legend(loc="best", frameon=False, fontsize=9)
    return made


def _signed(value: float, _: int | None = None) -> str:
    return f"{100 * value:+.3g} %" if value else "0 %"


def _band(
    axes: Axes, told: Sequence[tuple[int, Effect]], colour: str, arm: str, marker: str
) -> None:
    weeks = [week for week, _ in told]
    value, low, high = (
        np.clip([getattr(effect, name) for _, effect in told], -1, _MOST)
        for name in ("relative", "relative_low", "relative_high")
    )
    axes.fill_between(weeks, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(weeks, value, color=colour, marker=marker, markersize=4, label=arm)


def _bar(axes: Axes, effect: Effect, y: float, colour: str, label: str) -> None:
    low, high = np.clip([effect.relative_low, effect.relative_high], -1, _MOST)
    axes.hlines(y, low, high, color=colour, alpha=0.45, linewidth=4)
    axes.plot(np.clip(effect.relative, -1, _MOST), y, "o", color=colour, label=label)
