"""Numbers, whole numbers and flags from text or typed columns."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.sources.coded import Coded, Parsed, encode, is_null, replaced

FloatArray = npt.NDArray[np.float64]

_TRUE = frozenset({"1", "true", "t", "vrai", "yes", "y", "oui", "o", "on", "liked", "like"})
_FALSE = frozenset({"0", "false", "f", "faux", "no", "n", "non", "off", "disliked", "dislike"})
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([, \u00a0\u202f]\d{3})+(\.\d+)?")
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}\b)")
_MARKS = re.compile(r"(?<=\d)[, \u00a0\u202f](?=\d{3}\b)")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_UNITS = re.compile(r"\s*(%|min|mins|minutes?|mn|ans?|years?|stars?|étoiles?)\.?", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d|2100)(?!\d)")


def is_number_type(column: Any) -> bool:
    """Whether a ChunkedArray holds numbers or booleans already."""
    kind = column.type
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def fast_floats(column: Any) -> FloatArray | None:
    """float64 values of `column`, NaN where empty; None where some text is no plain number."""
    try:
        if is_number_type(column):
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            numbers = column.cast(pa.float64(), safe=False)
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            if len(column) and is_wordy(column):
                return None
            empty = pc.equal(column, "")
            if pc.any(empty).as_py():
                column = pc.if_else(empty, pa.scalar(None, column.type), column)
            numbers = column.cast(pa.float64())
        else:
            return None
    except pa.ArrowInvalid:
        return None
    floats: FloatArray = numbers.to_numpy().astype(np.float64, copy=False)
    return None if np.isinf(floats).any() else floats


def is_wordy(column: Any) -> bool:
    """Whether the first value that is there starts like no number: a cheap way out."""
    for value in column.slice(0, 100):
        text = value.as_py()
        if text:
            return text[0] not in "+-.0123456789"
    return False


def parse_number(column: Any, values: dict[str, Any], grouping: bool) -> Parsed:
    """``float64``; decimal commas, grouped thousands, percent signs and units are understood.

    Args:
        column: ChunkedArray of text or numbers.
        values: text in the file → value to read in its place.
        grouping: whether ``1,203`` may be a thousand: not where values are known to be small.
    """
    floats = None if values else fast_floats(column)
    if floats is not None:
        return Parsed(pd.Series(floats))
    coded = replaced(encode(column), values)
    numbers, notes = _read_floats(coded, grouping)
    wrong = np.isnan(numbers) & ~_nulls(coded)
    return Parsed(pd.Series(coded.spread(numbers, np.nan)), coded.raw(wrong), tuple(notes))


def parse_integer(column: Any, values: dict[str, Any]) -> Parsed:
    """``Int64``; a number with decimals cannot be parsed."""
    if pa.types.is_integer(column.type) and column.type != pa.uint64() and not values:
        return Parsed(_masked(column.cast(pa.int64())))
    coded = replaced(encode(column), values)
    numbers, notes = _read_floats(coded, grouping=True)
    return _whole(coded, numbers, tuple(notes))


def parse_year(column: Any, values: dict[str, Any]) -> Parsed:
    """``Int64``; of a date the year is taken, with a note."""
    if pa.types.is_integer(column.type) and not values:
        return parse_integer(column, values)
    coded = replaced(encode(column), values)
    numbers, _ = _read_floats(coded, grouping=False)
    notes: tuple[str, ...] = ()
    dated = np.isnan(numbers)
    for index in np.flatnonzero(dated):
        match = _YEAR.findall(coded.texts[index])
        if len(match) == 1:
            numbers[index] = float(match[0])
    if (dated & ~np.isnan(numbers)).any():
        notes = ("years were taken out of dates",)
    return _whole(coded, numbers, notes)


def parse_flag(column: Any, values: dict[str, Any]) -> Parsed:
    """``boolean`` from 1 and 0, true and false, yes and no, oui and non, vrai and faux."""
    if pa.types.is_boolean(column.type) and not values:
        return Parsed(_masked(column))
    coded = replaced(encode(column), values)
    keys = [text.lower().removesuffix(".0") for text in coded.stripped]
    minus = np.array([key == "-1" for key in keys], dtype=bool)
    yes = np.array([key in _TRUE for key in keys], dtype=bool)
    no = np.array([key in _FALSE for key in keys], dtype=bool)
    notes: tuple[str, ...] = ()
    if minus.any() and yes.any() and not no.any():
        no = minus
        notes = ("-1 was read as no",)
    known = yes | no
    wrong = ~known & ~_nulls(coded)
    missing = ~coded.spread(known, False)
    flags = pd.arrays.BooleanArray(coded.spread(yes, False), missing)
    return Parsed(pd.Series(flags), coded.raw(wrong), notes)


def _nulls(coded: Coded) -> npt.NDArray[np.bool_]:
    return np.array([is_null(text) for text in coded.stripped], dtype=bool)


def _masked(column: Any) -> pd.Series:
    """An Arrow column of 64-bit integers or booleans as a nullable pandas column."""
    dtypes = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    series: pd.Series = column.to_pandas(types_mapper=dtypes.get)
    return series


def _whole(coded: Coded, numbers: FloatArray, notes: tuple[str, ...]) -> Parsed:
    whole = np.isfinite(numbers) & (np.floor(numbers) == numbers) & (np.abs(numbers) < 2**53)
    wrong = ~whole & ~_nulls(coded)
    integers = np.where(whole, numbers, 0).astype(np.int64)
    missing = ~coded.spread(whole, False)
    array = pd.arrays.IntegerArray(coded.spread(integers, 0), missing)
    return Parsed(pd.Series(array), coded.raw(wrong), notes)


def _read_floats(coded: Coded, grouping: bool) -> tuple[FloatArray, list[str]]:
    """The number in each distinct text, NaN where there is none; infinities count as none."""
    texts = coded.stripped
    notes: list[str] = []
    numbers = _floats(texts)
    left = np.flatnonzero(np.isnan(numbers))
    if not len(left):
        return numbers, notes
    bare = np.array([_UNITS.sub("", texts[index]) for index in left], dtype=object)
    with_unit = [text != texts[index] for text, index in zip(bare, left, strict=True)]
    grouped = grouping and _grouped(bare)
    marks = _MARKS if grouped else _SPACES
    bare = np.array([marks.sub("", text) for text in bare], dtype=object)
    if not grouped:
        bare = np.array(
            [text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text for text in bare],
            dtype=object,
        )
    numbers[left] = _floats(bare)
    mended = ~np.isnan(numbers[left])
    if (mended & np.array(with_unit)).any():
        notes.append("units after numbers were left out")
    if (mended & ~np.array(with_unit)).any():
        notes.append("thousands are grouped" if grouped else "commas are decimal points")
    return numbers, notes


def _grouped(texts: npt.NDArray[Any]) -> bool:
    """Whether separators group thousands: a comma is that where all have three digits after."""
    marked = [text for text in texts if re.search(r"\d[, \u00a0\u202f]\d", text)]
    return bool(marked) and all(_GROUPED.fullmatch(text) for text in marked)


def _floats(texts: npt.NDArray[Any]) -> FloatArray:
    if not len(texts):
        return np.zeros(0)
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    floats: FloatArray = numbers.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    floats[~np.isfinite(floats)] = np.nan
    return floats
