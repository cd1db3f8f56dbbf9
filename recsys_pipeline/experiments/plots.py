"""An experiment in pictures: the effect over the looks, and arms beside each other.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

from math import isnan
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from recsys_pipeline.evaluation import style
from recsys_pipeline.experiments.results import Effect, ExperimentResult
from recsys_pipeline.experiments.wording import LABELS

_MOST: Final = 3.0
"""Bounds beyond this many times the control's figure are cut off, lest the rest be unreadable."""


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


def _bar(axes: Axes, effect: Effect, y: float, colour: str, label: str) -> None:
    low, high = np.clip([effect.relative_low, effect.relative_high], -1, _MOST)
    axes.hlines(y, low, high, color=colour, alpha=0.45, linewidth=4)
    axes.plot(np.clip(effect.relative, -1, _MOST), y, "o", color=colour, label=label)
