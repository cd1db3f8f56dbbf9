"""Values for the UI: figures as images, mappings as tables. Never a user row or id."""

import base64
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from matplotlib.figure import Figure

_DPI = 110

Metadata = dict[str, Any]
"""What an asset attaches: numbers, texts and `dg.MetadataValue`."""


def image(figure: Figure, title: str) -> dg.MetadataValue:
    """A figure as Markdown with the PNG inside."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{text})")


def images(figures: Mapping[str, Figure]) -> Metadata:
    """Each figure under its name."""
    return {name: image(figure, name.replace("_", " ")) for name, figure in figures.items()}


def numbers(values: Mapping[str, float], prefix: str = "") -> Metadata:
    """Finite figures, which the UI plots over time; others are left out."""
    return {
        f"{prefix}{name}": float(value) for name, value in values.items() if math.isfinite(value)
    }


def listing(lines: Iterable[str]) -> dg.MetadataValue:
    """Sentences as a list."""
    text = "\n".join(f"- {line}" for line in lines)
    return dg.MetadataValue.md(text or "none")


def two_columns(values: Mapping[str, Any], left: str, right: str) -> dg.MetadataValue:
    """A mapping as a table of two columns."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in values.items())
    return dg.MetadataValue.md(f"| {left} | {right} |\n| --- | ---: |\n{rows}")
