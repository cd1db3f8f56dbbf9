"""Figures as SVG: sharp in print at any size, and the same bytes each time."""

from io import BytesIO

import matplotlib as mpl
from matplotlib.figure import Figure

from recsys_pipeline.reporting.document import Document, Picture


def svg_of(figure: Figure) -> bytes:
    """The figure as an SVG file without a date, that needs nothing else to be shown.

    Letters are shapes in it, so that no font is needed, and the ids within it are fixed.
    """
    buffer = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "recsys", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def picture(figure: Figure, name: str, alt: str, caption: str = "") -> Picture:
    """The block of a figure, which is drawn here, once."""
    return Picture(svg_of(figure), name, alt, caption)


def picture_files(document: Document) -> dict[str, bytes]:
    """The files that a document written as Markdown shows, by name."""
    return {f"{each.name}.svg": each.svg for each in document.pictures}
