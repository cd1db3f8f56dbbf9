"""Ids: one dtype across all tables, exact to the last digit."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.coded import NULLS, Coded, encode

_EXACT_IN_FLOAT = 2**53
_INT64 = np.iinfo(np.int64)
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}")
_WHOLE_AS_FLOAT = re.compile(r"(0|-?[1-9]\d*)\.0+")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
# "-" and "?" may be ids; the words for "no value" are not.
_NO_ID = NULLS - {"-", "?"}


@dataclass(frozen=True)
class IdColumn:
    """An id column as it came.

    Attributes:
        table: name of the table, for notes.
        file: the file for people.
        column: ChunkedArray of text or numbers.
        place_of: from the number of a row (from 0) to its file and line, for people.
    """

    table: str
    file: str
    column: Any
    place_of: Callable[[int], str]


@dataclass(frozen=True)
class _Read:
    """Distinct ids and which one each row has; -1 for a missing id."""

    texts: npt.NDArray[np.object_]
    codes: npt.NDArray[np.int64]
    stray: str | None


def parse_ids(columns: Sequence[IdColumn], what: str) -> tuple[list[pd.Series], list[str]]:
    """The id columns of all tables in one dtype, and notes.

    ``int64`` (``Int64`` in a column with missing ids) where every id in every column is a whole
    number written without leading zeros and within int64, else ``str`` without white space
    around it. Numbers never pass through floating point.

    Args:
        columns: the columns that hold the same kind of id.
        what: the kind for people: ``"user"`` or ``"movie"``.

    Raises:
        SourceError: ids that were rounded before they came here, so that different ones may
            have become one.
    """
    notes: list[str] = []
    whole = [_integers(column) for column in columns]
    if all(column is not None for column in whole):
        return [_from_integers(column) for column in whole if column is not None], notes
    read = [_texts(column, what, notes) for column in columns]
    strays = [item.stray for item in read]
    if all(stray is None for stray in strays):
        return [_as_integers(item) for item in read], notes
    notes += _stray_notes(columns, read, what)
    return [_as_strings(item) for item in read], notes


def _integers(column: IdColumn) -> Any | None:
    """int64 ChunkedArray of a column of whole numbers; None for any other."""
    if not pa.types.is_integer(column.column.type):
        return None
    try:
        return column.column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _from_integers(column: Any) -> pd.Series:
    if column.null_count == 0:
        return pd.Series(column.to_numpy())
    series: pd.Series = column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return series


def _texts(item: IdColumn, what: str, notes: list[str]) -> _Read:
    column = item.column
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        column = _unfloated(item, what)
    coded = encode(column)
    stripped = coded.stripped
    spaced = np.array(
        [text != raw for text, raw in zip(stripped, coded.texts, strict=True)], dtype=bool
    )
    missing = np.array([text.lower() in _NO_ID for text in stripped], dtype=bool)
    count = int(coded.counts[spaced & ~missing].sum())
    if count:
        notes.append(
            f"{item.file}: {count:,} {what} ids had white space around them; they are the same "
            "ids without it."
        )
    present = stripped[~missing]
    rounded = np.array([_ROUNDED.fullmatch(text) is not None for text in stripped], dtype=bool)
    rounded &= ~missing
    if rounded.sum() > len(present) / 2:
        raise SourceError(
            f"{item.file}: {int(coded.counts[rounded].sum()):,} {what} ids were rounded, the first "
            f"in {_first_place(item, rounded, coded.codes)}.",
            "Export the ids as text or whole numbers; a spreadsheet or float column cut them.",
        )
    stripped, with_point = _without_points(stripped, missing)
    if with_point.any():
        notes.append(
            f"{item.file}: {int(coded.counts[with_point].sum()):,} {what} ids were written like "
            '"123.0", as a column of decimals with empty cells writes them; they were read as 123.'
        )
    return _merged(stripped, missing, coded)


def _unfloated(item: IdColumn, what: str) -> Any:
    """Floating point ids as text; whole ones without decimals."""
    column = item.column
    sizes = pc.max(pc.abs(column.cast(pa.float64(), safe=False))).as_py()
    if pa.types.is_floating(column.type) and sizes is not None and sizes > _EXACT_IN_FLOAT:
        raise SourceError(
            f"{item.file}: the {what} ids are floating point numbers beyond 2^53, so their last "
            "digits are lost.",
            "Write the ids as whole numbers or text.",
        )
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.large_string())


def _without_points(
    texts: npt.NDArray[np.object_], missing: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    """`texts` with "123.0" as "123", if all are whole numbers then; and which ones changed."""
    matches = [_WHOLE_AS_FLOAT.fullmatch(text) for text in texts]
    pointed = np.array([match is not None for match in matches], dtype=bool)
    plain = np.array([_WHOLE.fullmatch(text) is not None for text in texts], dtype=bool)
    if not pointed.any() or not (pointed | plain | missing).all():
        return texts, np.zeros(len(texts), dtype=bool)
    bare = [match[1] if match else text for match, text in zip(matches, texts, strict=True)]
    return np.array(bare, dtype=object), pointed


def _merged(texts: npt.NDArray[np.object_], missing: npt.NDArray[np.bool_], coded: Coded) -> _Read:
    """Distinct texts again, now that different ones may have become equal."""
    numbers, distinct = pd.factorize(np.where(missing, np.array(None, dtype=object), texts))
    values = np.asarray(distinct, dtype=object)
    stray = next((text for text in values if not _is_int64(text)), None)
    return _Read(values, coded.spread(numbers.astype(np.int64), -1), stray)


def _is_int64(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and _INT64.min <= int(text) <= _INT64.max


def _as_integers(read: _Read) -> pd.Series:
    numbers = np.array([int(text) for text in read.texts], dtype=np.int64)
    padded = np.append(numbers, np.int64(0))[read.codes]
    missing = read.codes < 0
    if not missing.any():
        return pd.Series(padded)
    return pd.Series(pd.arrays.IntegerArray(padded, missing))


def _as_strings(read: _Read) -> pd.Series:
    texts = pd.array(read.texts, dtype="str")
    return pd.Series(texts.take(read.codes, allow_fill=True, fill_value=None))


def _stray_notes(columns: Sequence[IdColumn], read: Sequence[_Read], what: str) -> list[str]:
    """A note where a few ids that are no whole numbers turn all of them into text."""
    total = sum(len(item.texts) for item in read)
    for column, item in zip(columns, read, strict=True):
        strays = np.array([not _is_int64(text) for text in item.texts], dtype=bool)
        count = int(strays.sum())
        if 0 < count < 0.1 * total:
            return [
                f"The {what} ids are kept as text, as {count:,} of them are no plain whole "
                f"numbers, the first in {_first_place(column, strays, item.codes)}."
            ]
    return []


def _first_place(
    column: IdColumn, chosen: npt.NDArray[np.bool_], codes: npt.NDArray[np.int64]
) -> str:
    """File and line of the first row whose distinct text is `chosen`; an id is never shown."""
    return column.place_of(int(np.argmax(np.append(chosen, False)[codes])))
