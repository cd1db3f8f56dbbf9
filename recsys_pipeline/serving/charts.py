"""Charts as SVG without scripts or styles of their own: lines with bands, bars, and intervals.

What is drawn is told beside it as a table; the picture itself is named by one sentence. Colours,
dashes and sizes come from the page's style sheet by class, so that a chart is dark where the page
is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

WIDTH: Final = 420
HEIGHT: Final = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 10, 26
_ROW: Final = 26
_LETTER, _MOST_LABEL = 7.2, 236.0
_TICKS: Final = 4
_MOST_MARKS: Final = 6
_LONGEST: Final = 32
STYLES: Final = 6
"""Styles of lines in the style sheet; further lines begin again."""

Said = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Point:
    """A figure with its interval; without bounds it is known exactly, or nobody says."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its name, and a point at each place or None where nothing can be told."""

    name: str
    points: Sequence[Point | None]


def lines(drawn: Sequence[Line], places: Sequence[str], title: str, said: Said) -> Markup:
    """Lines over places in order, such as weeks, with bands for the intervals.

    Args:
        drawn: lines, as long as `places`.
        places: names of the places, told below the axis as far as there is room.
        title: what the picture shows, for those who do not see it.
        said: a value of the axis as a text.
    """
    points = [each for line in drawn for each in line.points if each is not None]
    axis = _Axis.over(points, _TOP, HEIGHT - _BOTTOM)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(places) - 1, 1)
    x = [_LEFT + step * place for place in range(len(places))]
    if len(places) == 1:
        x = [(_LEFT + WIDTH - _RIGHT) / 2]
    parts = _grid(axis, said)
    every = max(1, math.ceil(len(places) / _MOST_MARKS))
    last = len(places) - 1
    for place, name in enumerate(places):
        if (last - place) % every == 0:
            parts.append(_text(x[place], HEIGHT - 8, name, "end" if place == last else "middle"))
    for number, line in enumerate(drawn):
        style = f"s{number % STYLES}"
        for run in _runs(line.points):
            parts += _run(line.points, run, x, axis, style)
    return _svg(parts, HEIGHT, title)


def bars(names: Sequence[str], points: Sequence[Point], title: str, said: Said) -> Markup:
    """A bar for each name, from zero, with a whisker for its interval and its figure beside."""
    reach = max((each.value if each.high is None else each.high for each in points), default=0.0)
    label = _room(names)
    width = WIDTH - label - 62
    scale = width / reach if reach > 0 else 0.0
    parts = []
    for row, (name, each) in enumerate(zip(names, points, strict=True)):
        middle = _ROW * row + _ROW / 2
        parts.append(_text(label - 8, middle + 4, _short(name), "end"))
        parts.append(
            f'<rect class="bar" x="{label:.1f}" y="{middle - 8:.1f}" height="16" '
            f'width="{max(each.value, 0) * scale:.1f}"/>'
        )
        if each.low is not None and each.high is not None:
            ends = [label + max(bound, 0) * scale for bound in (each.low, each.high)]
            parts.append(_whisker(ends[0], ends[1], middle))
        parts.append(_text(WIDTH - 2, middle + 4, said(each.value), "end"))
    return _svg(parts, _ROW * max(len(names), 1), title)


def intervals(names: Sequence[str], points: Sequence[Point], title: str, said: Said) -> Markup:
    """Effects around zero: a dot with its interval for each name."""
    label = _room(names)
    axis = _Axis.over([*points, Point(0.0)], label + 8, WIDTH - 30, upwards=False)
    height = _ROW * len(names) + 24
    parts = []
    for value in axis.ticks:
        at = axis.at(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{at:.1f} 0V{height - 22}"/>')
        parts.append(_text(at, height - 7, said(value), "middle"))
    for row, (name, each) in enumerate(zip(names, points, strict=True)):
        middle = _ROW * row + _ROW / 2
        parts.append(_text(label - 4, middle + 4, _short(name), "end"))
        if each.low is not None and each.high is not None:
            parts.append(_whisker(axis.at(each.low), axis.at(each.high), middle))
        parts.append(f'<circle class="dot" cx="{axis.at(each.value):.1f}" cy="{middle}" r="4"/>')
    return _svg(parts, height, title)


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to places: between `low` and `high`, and `start` and `end` of the picture."""

    low: float
    high: float
    start: float
    end: float
    upwards: bool
    ticks: tuple[float, ...]

    @classmethod
    def over(
        cls, points: Sequence[Point], start: float, end: float, *, upwards: bool = True
    ) -> "_Axis":
        bounds = [
            bound
            for each in points
            for bound in (each.value, each.low, each.high)
            if bound is not None and math.isfinite(bound)
        ]
        low, high = min(bounds, default=0.0), max(bounds, default=1.0)
        if high - low < 1e-12:
            margin = abs(high) * 0.1 or 1.0
            low, high = low - margin, high + margin
        step = _nice((high - low) / _TICKS)
        first, last = math.floor(low / step), math.ceil(high / step)
        ticks = tuple(round(step * number, 12) for number in range(first, last + 1))
        return cls(ticks[0], ticks[-1], start, end, upwards, ticks)

    def at(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        share = 1 - share if self.upwards else share
        return self.start + share * (self.end - self.start)


def _nice(step: float) -> float:
    """The least of 1, 2, 2.5, 5 × 10ⁿ that is no less than `step`."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(times * power for times in (1, 2, 2.5, 5, 10) if times * power >= step * 0.999)


def _grid(axis: _Axis, said: Said) -> list[str]:
    parts = []
    for value in axis.ticks:
        y = axis.at(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 6, y + 4, said(value), "end"))
    return parts


def _runs(points: Sequence[Point | None]) -> list[range]:
    """Where points follow one another without a gap."""
    found, start = [], None
    for place, each in enumerate([*points, None]):
        if each is not None and start is None:
            start = place
        if each is None and start is not None:
            found.append(range(start, place))
            start = None
    return found


def _run(
    points: Sequence[Point | None], run: range, x: Sequence[float], axis: _Axis, style: str
) -> list[str]:
    """Points one after the other: a band, the line, and a dot where there is but one."""
    own = [(x[place], each) for place in run if (each := points[place]) is not None]
    parts = []
    known = [(at, p.low, p.high) for at, p in own if p.low is not None and p.high is not None]
    if len(known) == len(own) > 1:
        top = [f"{at:.1f} {axis.at(high):.1f}" for at, _, high in known]
        under = [f"{at:.1f} {axis.at(low):.1f}" for at, low, _ in reversed(known)]
        parts.append(f'<path class="band {style}" d="M{"L".join((*top, *under))}Z"/>')
    elif len(known) == 1 == len(own):
        at, low, high = known[0]
        ends = f"M{at:.1f} {axis.at(low):.1f}V{axis.at(high):.1f}"
        parts.append(f'<path class="whisker" d="{ends}"/>')
    line = "L".join(f"{at:.1f} {axis.at(each.value):.1f}" for at, each in own)
    if len(own) > 1:
        parts.append(f'<path class="line {style}" d="M{line}"/>')
    else:
        at, each = own[0]
        parts.append(
            f'<circle class="dot {style}" cx="{at:.1f}" cy="{axis.at(each.value):.1f}" r="4"/>'
        )
    return parts


def _whisker(start: float, end: float, middle: float) -> str:
    caps = "".join(f"M{at:.1f} {middle - 4}v8" for at in (start, end))
    return f'<path class="whisker" d="M{start:.1f} {middle}H{end:.1f}{caps}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _room(names: Sequence[str]) -> float:
    """The width that names take beside bars."""
    return min(max((len(each) for each in names), default=0) * _LETTER + 12, _MOST_LABEL)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _svg(parts: Sequence[str], height: float, title: str) -> Markup:
    # What others wrote is escaped where it goes in: names by `_text`, the title here.
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
