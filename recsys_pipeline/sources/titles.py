"""MovieLens titles: "Matrix, The (1999)" → "The Matrix" and 1999."""

import re
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.coded import encode
from recsys_pipeline.sources.raw import RawTable

_YEAR: Final = re.compile(r"(.*?)\s*\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*")
_ARTICLE: Final = re.compile(
    r"(.*), (The|A|An|Le|La|Les|L'|Un|Une|El|Los|Las|Il|Lo|Gli|Der|Die|Das|Ein|Eine|De|Den|Det)"
    r"( \(.*\))?",
    re.DOTALL,
)


def split_title(title: str) -> tuple[str, str]:
    """Readable title, and year; the year is empty where the title has none.

    >>> split_title("Matrix, The (1999)"), split_title("Nixon")
    (('The Matrix', '1999'), ('Nixon', ''))
    """
    match = _YEAR.fullmatch(title)
    name, year = (match[1], match[2]) if match else (title.strip(), "")
    article = _ARTICLE.fullmatch(name)
    if article:
        gap = "" if article[2].endswith("'") else " "
        name = f"{article[2]}{gap}{article[1]}{article[3] or ''}"
    return name, year


def split_titles(movies: RawTable) -> RawTable:
    """`movies` with readable titles, and their years in a further column."""
    coded = encode(movies.columns[n.TITLE])
    pairs = [split_title(text) for text in coded.texts]
    columns = dict(movies.columns)
    for name, values in ((n.TITLE, [pair[0] for pair in pairs]), (n.YEAR, [p[1] for p in pairs])):
        texts = coded.spread(np.array(values, dtype=object), None)
        columns[name] = pa.chunked_array([pa.array(texts, pa.large_string())])
    return replace(movies, columns=columns)
