"""Values for the UI: figures as images, mappings as tables. Never a user row or id."""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import pandas as pd
from matplotlib.figure import Figure

from recsys_pipeline.evaluation.style import png_of

Metadata = dict[str, Any]
"""What an asset attaches: numbers, texts and `dg.MetadataValue`."""


def image(figure: Figure, title: str) -> dg.MetadataValue:
    """A figure as Markdown with the PNG inside."""
    text = base64.b64encode(png_of(figure)).decode("ascii")
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


def markdown_table(table: pd.DataFrame) -> dg.MetadataValue:
    """A small table of figures; numbers with four digits that count."""
    if table.empty:
        return dg.MetadataValue.md("none")
    head = " | ".join(str(name) for name in table.columns)
    rule = " | ".join("---" for _ in table.columns)
    rows = [" | ".join(_cell(value) for value in row) for row in table.itertuples(index=False)]
    return dg.MetadataValue.md("\n".join(f"| {row} |" for row in (head, rule, *rows)))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "–"
    return str(value).replace("|", "/")


def two_columns(values: Mapping[str, Any], left: str, right: str) -> dg.MetadataValue:
    """A mapping as a table of two columns."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in values.items())
    return dg.MetadataValue.md(f"| {left} | {right} |\n| --- | ---: |\n{rows}")
