"""A document as one self-contained HTML page: it opens offline, prints, and runs no script.

Its own policy forbids whatever is not in it: no address is asked, no script is run.
"""

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from recsys_pipeline.reporting.document import Document

_SAFE_LINK: Final = re.compile(r"(https?://|/(?!/)|#)")
_BEFORE_UNIT: Final = re.compile(r"(?<=\d) (?=%|€|ms\b|min\b|stars\b|points\b)")
_CODE: Final = re.compile(r"`([^`]+)`")
"""Split by it, every second part of a text is code."""


def html(document: Document) -> str:
    """The page. All text is escaped; a link that is no web address or path is shown as text."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _templates()
        .get_template("document.html")
        .render(
            document=document,
            style=style,
            policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'",
        )
    )


@lru_cache(maxsize=1)
def _style() -> str:
    sheet = files("recsys_pipeline.reporting").joinpath("templates", "document.css")
    return sheet.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("recsys_pipeline.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_together,
    )
    environment.filters["parts"] = _CODE.split
    environment.filters["picture"] = _picture
    environment.tests["safe_link"] = lambda address: bool(_SAFE_LINK.match(address))
    return environment


def _picture(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _together(value: object) -> object:
    """Text in which no line ends between a figure and its unit."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", value) if type(value) is str else value
