"""Lists of texts from text or from list columns."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.sources.coded import Coded, Parsed, encode, is_null
from recsys_pipeline.sources.raw import as_text, is_list

_NO_ITEMS = frozenset({"(no genres listed)", "unknown genre"})
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_LIST: Final = pa.list_(pa.string())


@dataclass(frozen=True)
class ListFormat:
    """How lists are written as text.

    Attributes:
        brackets: as in Python or JSON, ``['Drama', 'Romance']``.
        separator: text between two items; empty where a text is one item.
    """

    brackets: bool
    separator: str = ""


def detect_list_format(texts: Sequence[str], token_seq: bool = False) -> ListFormat:
    """How the distinct `texts` write lists.

    >>> detect_list_format(["Drama|Romance", "Comedy"]).separator
    '|'
    """
    filled = [text.strip() for text in texts if not is_null(text.strip())]
    if not filled:
        return ListFormat(False)
    if sum(text.startswith("[") for text in filled) > 0.5 * len(filled):
        return ListFormat(True)
    if token_seq:
        return ListFormat(False, " ")
    for separator in ("|", ";", ","):
        if any(separator in text for text in filled):
            return ListFormat(False, separator)
    return ListFormat(False)


def parse_texts(
    column: Any, values: Mapping[str, Any], separator: str | None, token_seq: bool = False
) -> Parsed:
    """``list<string>``: items without white space around them; null where there is no list.

    Args:
        column: ChunkedArray of text or of lists.
        values: item in the file → item in the table.
        separator: text between two items, or None to detect how lists are written.
        token_seq: the header says that spaces separate the items (RecBole).
    """
    swap = {key: str(value) for key, value in values.items()}
    if is_list(column.type):
        return Parsed(_series(_from_lists(column, swap)))
    coded = encode(column)
    form = (
        ListFormat(False, separator)
        if separator is not None
        else detect_list_format(list(coded.texts), token_seq)
    )
    lists: list[list[str] | None] = []
    wrong = np.zeros(len(coded.texts), dtype=bool)
    for index, text in enumerate(coded.stripped):
        items = None if is_null(text) or text.lower() in _NO_ITEMS else _items(text, form)
        if items is None and not is_null(text) and text.lower() not in _NO_ITEMS:
            wrong[index] = True
        lists.append(None if items is None else [swap.get(item, item) for item in items])
    notes = ("its lists are written in brackets",) if form.brackets else ()
    return Parsed(_series(_taken(lists, coded)), coded.raw(wrong), notes)


def _items(text: str, form: ListFormat) -> list[str] | None:
    """The items in one text; None where brackets do not enclose a list."""
    if not (form.brackets or text.startswith("[")):
        parts = text.split(form.separator) if form.separator else [text]
        return [part.strip() for part in parts if part.strip()]
    if not text.startswith("["):
        return [text]
    if not text.endswith("]"):
        return None
    parsed = _literal(text)
    if parsed is None:
        inside = text[1:-1]
        quoted = [first or second for first, second in _QUOTED.findall(inside)]
        # numpy prints arrays of texts without commas; some writers leave out the quotes.
        parsed = quoted or inside.split(",")
    names = [item.get("name", "") if isinstance(item, dict) else item for item in parsed]
    texts = [str(item).strip() for item in names if item is not None]
    return [item for item in texts if item]


def _literal(text: str) -> list[Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    adjacent = "' '" in text or "'\n '" in text
    return found if isinstance(found, list) and not adjacent else None


def _taken(lists: list[list[str] | None], coded: Coded) -> Any:
    codes = pa.array(coded.codes, mask=coded.codes < 0)
    return pa.chunked_array([pa.array(lists, _LIST).take(codes)])


def _from_lists(column: Any, swap: Mapping[str, str]) -> Any:
    whole = column.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(whole), 0).to_numpy(zero_copy_only=False)
    items = pc.list_flatten(whole)
    if pa.types.is_struct(items.type) and "name" in {field.name for field in items.type}:
        items = pc.struct_field(items, "name")
    coded = encode(pa.chunked_array([as_text(pa.chunked_array([items]))]))
    texts = np.array([swap.get(text, text) for text in coded.stripped], dtype=object)
    spread: npt.NDArray[np.object_] = coded.spread(texts, None)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    missing = whole.is_null()
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(spread, pa.string()), mask=missing)
    return pa.chunked_array([lists])


def _series(lists: Any) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(lists), dtype=PANDAS_DTYPES[Kind.TEXTS])
