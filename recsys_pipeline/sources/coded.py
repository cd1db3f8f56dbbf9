"""Columns of text by their distinct values: each distinct text is parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.sources.raw import as_text

NULLS = frozenset({"", "na", "n/a", "nan", "nat", "null", "none", "<na>", "\\n", "-", "?"})
"""Texts that stand for "no value" where a number, date, flag or id is expected (lower case)."""


@dataclass(frozen=True)
class Coded:
    """A column of n texts.

    Attributes:
        texts: the distinct texts as they came, object array ``(n_distinct,)``.
        codes: int64 ``(n,)``: which text a row has, -1 for null.
    """

    texts: npt.NDArray[np.object_]
    codes: npt.NDArray[np.int64]

    @property
    def stripped(self) -> npt.NDArray[np.object_]:
        """`texts` without white space around them."""
        return np.array([text.strip() for text in self.texts], dtype=object)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Rows of each distinct text."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))

    def spread(self, values: npt.NDArray[Any], missing: Any) -> npt.NDArray[Any]:
        """One value per distinct text → one per row; `missing` for null."""
        padded = np.append(values, np.array([missing], dtype=values.dtype))
        return padded[self.codes]

    def raw(self, wrong: npt.NDArray[np.bool_]) -> pd.Series | None:
        """The texts as they came of the rows whose distinct text is `wrong`; None if none is."""
        rows = self.spread(wrong, False)
        if not rows.any():
            return None
        result = np.full(len(rows), None, dtype=object)
        result[rows] = self.texts[self.codes[rows]]
        return pd.Series(result, dtype="str")


@dataclass(frozen=True)
class Parsed:
    """A canonical column.

    Attributes:
        values: the values in the dtype of their kind; null where missing or not to be parsed.
        raw: str, the text of values that could not be parsed, else null; None if all could.
        notes: for people; without the name of the file.
    """

    values: pd.Series
    raw: pd.Series | None = None
    notes: tuple[str, ...] = ()


def encode(column: Any) -> Coded:
    """`column` (a ChunkedArray of any type) by its distinct texts."""
    kind = column.type
    text = column if pa.types.is_dictionary(kind) else as_text(column)
    if not pa.types.is_dictionary(text.type):
        text = text.dictionary_encode()
    whole = text.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], kind)
    codes = pc.fill_null(whole.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    texts = as_text(pa.chunked_array([whole.dictionary]))
    return Coded(np.array(texts.to_pylist(), dtype=object), codes)


def is_null(text: str) -> bool:
    """Whether a stripped text stands for "no value".

    >>> is_null("NaN"), is_null("Nancy")
    (True, False)
    """
    return text.lower() in NULLS


def replaced(coded: Coded, values: Mapping[str, Any]) -> Coded:
    """`coded` with the texts in `values` replaced; matched as they came or stripped."""
    if not values:
        return coded
    swap = {key: _as_written(value) for key, value in values.items()}
    texts = [swap.get(text, swap.get(text.strip(), text)) for text in coded.texts]
    return Coded(np.array(texts, dtype=object), coded.codes)


def _as_written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_text(coded: Coded) -> Parsed:
    """Texts without white space around them, as ``str``; empty ones are null."""
    texts = np.append(coded.stripped, "")
    texts = np.array([text or None for text in texts], dtype=object)
    # Taking from a pandas array copies offsets, not one Python object per row.
    values = pd.array(texts, dtype="str").take(coded.codes, allow_fill=True, fill_value=None)
    return Parsed(pd.Series(values))
