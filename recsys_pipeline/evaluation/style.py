"""The look of the figures: one palette, one size, one way to label."""

from collections.abc import Sequence
from functools import cached_property
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by colour-blind readers as well; their yellow is too light
# for lines on white and is left out.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
INK: Final = "#222222"
MUTED: Final = "#6B6B6B"
GRID: Final = "#E3E3E3"
MAIN: Final = COLOURS[0]
SECOND: Final = COLOURS[1]
DIVERGING: Final = LinearSegmentedColormap.from_list("diverging", (SECOND, "white", MAIN))
"""From the worse through nothing to the better."""

_BASELINE: Final = "#6B6B6B"

# inches
_MARGIN: Final = 0.12
_HEAD: Final = 0.6


class Picture(Figure):
    """A figure that is drawn once, however many places it is shown in."""

    @cached_property
    def png(self) -> bytes:
        """The finished figure as a PNG: what is drawn afterwards is not in it."""
        return _png(self)


def png_of(figure: Figure) -> bytes:
    """A figure as a PNG."""
    return figure.png if isinstance(figure, Picture) else _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def figure(title: str, subtitle: str, *, width: float = 7.0, height: float = 4.0) -> Figure:
    """An empty figure whose title says what is seen and whose subtitle how to read it."""
    made = Picture(figsize=(width, height), dpi=110, facecolor="white")
    left, head = _MARGIN / width, 1 - _HEAD / height
    made.text(left, 1 - 0.12 / height, title, va="top", fontsize=12, fontweight="bold", color=INK)
    made.text(left, 1 - 0.36 / height, subtitle, va="top", fontsize=9, color=MUTED)
    made.set_layout_engine(
        "constrained",
        rect=(0.0, 0.0, 1.0, head),
        w_pad=_MARGIN,
        h_pad=_MARGIN,
        wspace=0.03,
    )
    return made


def tidy(axes: Axes, *, grid: str = "y") -> Axes:
    """Take away what carries no information; leave a light grid along `grid` (x, y or both)."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.xaxis.label.set(size=9, color=INK)
    axes.yaxis.label.set(size=9, color=INK)
    return axes


def colours_of(names: Sequence[str], baseline: str = "") -> dict[str, str]:
    """A colour for each name; the baseline is grey."""
    others = [name for name in names if name != baseline]
    colours = {name: COLOURS[:-1][i % (len(COLOURS) - 1)] for i, name in enumerate(others)}
    return {name: colours.get(name, _BASELINE) for name in names}


def spread(places: Sequence[float], least: float, low: float, high: float) -> npt.NDArray[Any]:
    """`places` moved as little as needed to be `least` apart, within `low`…`high` if they fit."""
    wanted = np.asarray(places, dtype=np.float64)
    order = np.argsort(wanted, kind="stable")
    moved = wanted[order].copy()
    moved[0:1] = np.maximum(moved[0:1], low)
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + least)
    if len(moved) and moved[-1] > high:
        moved[-1] = high
        for i in range(len(moved) - 2, -1, -1):
            moved[i] = min(moved[i], moved[i + 1] - least)
    out = np.empty_like(moved)
    out[order] = moved
    return out


def nothing_to_show(made: Figure, text: str) -> Figure:
    """Say so in an otherwise empty figure."""
    axes = made.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=10, color=MUTED)
    return made
