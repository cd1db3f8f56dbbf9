"""Figures about settings: what a dial costs, and whether probabilities can be believed.

Each function returns a new `matplotlib.figure.Figure` and keeps no global state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from recsys_pipeline.evaluation import names, style
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.evaluation.reliability import reliability


@dataclass(frozen=True, slots=True)
class DialPoint:
    """One setting of a dial.

    Attributes:
        setting: its value, in words.
        accuracy: the figure of accuracy; bounds that are NaN are not drawn.
        variety: the figure that the dial trades it for.
        shipped: whether this is the setting in the settings file.
    """

    setting: str
    accuracy: Interval
    variety: float
    shipped: bool = False


def trade_off(points: Sequence[DialPoint], *, dial: str, accuracy: str, variety: str) -> Figure:
    """Accuracy over variety, a point for each setting of a dial in order, the shipped one marked.

    Args:
        points: in the order of the dial; those without a figure are left out.
        dial: its name.
        accuracy, variety: names of the metrics.
    """
    up, right = names.metric_label(accuracy), names.metric_label(variety)
    made = style.figure(
        f"What {dial} costs and gains",
        f"Points are settings, bars {_level(points)} intervals; the ring is the one in use.",
        width=7.5,
        height=4.2,
    )
    known = [p for p in points if np.isfinite([p.accuracy.mean, p.variety]).all()]
    if not known:
        return style.nothing_to_show(made, "No settings to compare")
    axes = style.tidy(made.add_subplot(), grid="both")
    axes.set_xlabel(right)
    axes.set_ylabel(up)
    x = np.array([p.variety for p in known])
    y = np.array([p.accuracy.mean for p in known])
    axes.plot(x, y, color=style.MAIN, linewidth=1.2, alpha=0.6, zorder=2)
    for point in known:
        low, high = point.accuracy.low, point.accuracy.high
        if np.isfinite([low, high]).all():
            axes.plot([point.variety] * 2, [low, high], color=style.MAIN, alpha=0.35, linewidth=2)
        axes.plot(point.variety, point.accuracy.mean, "o", color=style.MAIN, markersize=6)
        if point.shipped:
            axes.plot(
                point.variety,
                point.accuracy.mean,
                "o",
                markersize=14,
                markerfacecolor="none",
                markeredgecolor=style.SECOND,
                markeredgewidth=2,
            )
        axes.annotate(
            f"{point.setting} (in use)" if point.shipped else point.setting,
            (point.variety, point.accuracy.mean),
            xytext=(9, 9),
            textcoords="offset points",
            fontsize=9,
            fontweight="bold" if point.shipped else "normal",
            color=style.SECOND if point.shipped else style.INK,
        )
    axes.margins(x=0.12, y=0.12)
    return made


def _level(points: Sequence[DialPoint]) -> str:
    return f"{100 * points[0].accuracy.level:.0f} %" if points else "95 %"


def calibration_plot(
    probabilities: npt.NDArray[Any], liked: npt.NDArray[np.bool_], *, n_bins: int = 10
) -> Figure:
    """A reliability diagram: the share liked over the probability that was said.

    Args:
        probabilities: ``(n,)``, from 0 to 1.
        liked: bool ``(n,)``.
    """
    found = reliability(probabilities, liked, n_bins=n_bins)
    made = style.figure(
        "Does a probability of a like mean what it says?",
        f"Brier score {found.brier:.3f}, mean gap {100 * found.error:.1f} points "
        f"(expected calibration error) over {len(liked):,} held-out pairs."
        if len(liked)
        else "",
        width=6.4,
        height=5.4,
    )
    if not len(liked):
        return style.nothing_to_show(made, "No held-out pairs with labels")
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    style.tidy(upper, grid="both")
    upper.plot([0, 100], [0, 100], "--", color=style.MUTED, linewidth=1.0, label="as it should be")
    # Two standard errors of a share.
    error = 200 * np.sqrt(found.found * (1 - found.found) / found.counts)
    upper.errorbar(
        100 * found.said,
        100 * found.found,
        yerr=error,
        fmt="o-",
        color=style.MAIN,
        markersize=6,
        linewidth=1.6,
        elinewidth=2,
        ecolor=style.MAIN + "66",
        label="as it is (bars: two standard errors)",
    )
    upper.legend(frameon=False, fontsize=9, loc="upper left")
    upper.set_ylabel("liked in truth (%)")
    upper.set_xlim(-2, 102)
    upper.set_ylim(-2, 102)
    style.tidy(lower)
    lower.hist(
        100 * probabilities, bins=np.linspace(0, 100, n_bins + 1), color=style.MAIN, rwidth=0.9
    )
    lower.set_xlabel("probability said (%)")
    lower.set_ylabel("pairs")
    lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return made
