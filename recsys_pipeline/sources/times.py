"""Times: numbers since 1970 in any unit, timestamps, and dates written as text."""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.sources.coded import Parsed, encode, is_null
from recsys_pipeline.sources.config import TableConfig
from recsys_pipeline.sources.dates import NAT, parse_dates
from recsys_pipeline.sources.numbers import fast_floats, is_number_type
from recsys_pipeline.sources.raw import as_text, is_list

Int64Array = npt.NDArray[np.int64]

UNIT_NAMES: Final = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# Years 1678 to 2262, the span of nanosecond timestamps: a number that leads out of it has
# another unit than the rest, or is a typing error.
_LOWEST: Final = -9_214_560_000
_HIGHEST: Final = 9_214_646_400
_NUMBER: Final = re.compile(r"-?\d+(\.\d*)?([eE]\+?\d+)?")
_LOOK: Final = 1_000


def detect_unit(numbers: npt.NDArray[Any]) -> str:
    """Unit of numbers that count from 1970, judged by the size of their median.

    >>> detect_unit(np.array([1_700_000_000])), detect_unit(np.array([1_700_000_000_000]))
    ('s', 'ms')
    """
    present = numbers[np.isfinite(numbers)]
    size = float(np.median(np.abs(present))) if len(present) else 0.0
    for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)):
        if size < limit:
            return unit
    return "ns"


def parse_time(column: Any, config: TableConfig) -> Parsed:
    """``datetime64[us, UTC]``; a time without zone counts as UTC.

    Args:
        column: ChunkedArray of text, numbers, dates or timestamps.
        config: `time_unit`, `time_format` and `day_first` of it are used.
    """
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return Parsed(_series(_from_arrow(column)))
    if config.time_format is None:
        numbers = time_numbers(column, config)
        if numbers is not None:
            return _from_numbers(column, numbers, config)
        fast = _fast_iso(column)
        if fast is not None:
            return Parsed(_series(fast))
    coded = encode(column)
    micros, wrong, notes = parse_dates(coded, config.time_format, config.day_first)
    return Parsed(_series(coded.spread(micros, NAT)), coded.raw(wrong), tuple(notes))


def time_numbers(column: Any, config: TableConfig) -> npt.NDArray[Any] | None:
    """`column` as numbers since 1970, NaN where there is none; None where it holds dates."""
    if config.time_unit == "iso":
        return None
    numbers: npt.NDArray[Any] | None
    if is_list(column.type):
        return None
    if is_number_type(column):
        numbers = _whole(column)
        numbers = fast_floats(column) if numbers is None else numbers
    else:
        texts = [item.as_py() for item in column.slice(0, _LOOK)]
        filled = [text.strip() for text in texts if text is not None and not is_null(text.strip())]
        like_numbers = sum(_NUMBER.fullmatch(text) is not None for text in filled)
        if not filled or like_numbers < len(filled) / 2:
            return None
        numbers = _whole(column)
        numbers = fast_floats(column) if numbers is None else numbers
        if numbers is None:
            parsed = pd.to_numeric(column.to_pandas(), errors="coerce")
            numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    if numbers is None or not np.isfinite(numbers).any() or _are_dates(numbers, config):
        return None
    return numbers


def _whole(column: Any) -> Int64Array | None:
    """int64 values, exact, where all are whole and present."""
    if column.null_count:
        return None
    try:
        whole: Int64Array = column.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return whole


def _are_dates(numbers: npt.NDArray[Any], config: TableConfig) -> bool:
    """Whether the numbers are dates such as 20240131, or years."""
    present = numbers[np.isfinite(numbers)]
    if config.time_unit != "auto" or not len(present):
        return False
    day, month = present % 100, present // 100 % 100
    dates = (present >= 19000101) & (present <= 21001231) & (month >= 1) & (month <= 12)
    years = (present >= 1900) & (present <= 2100)
    return bool((dates & (day >= 1) & (day <= 31)).mean() > 0.9 or years.mean() > 0.9)


def _from_numbers(column: Any, numbers: npt.NDArray[Any], config: TableConfig) -> Parsed:
    unit = detect_unit(numbers) if config.time_unit == "auto" else config.time_unit
    per_second = _PER_SECOND[unit]
    with np.errstate(invalid="ignore"):
        fits = (numbers >= _LOWEST * per_second) & (numbers <= _HIGHEST * per_second)
    kept = np.where(fits, numbers, 0)
    if kept.dtype.kind == "f":
        micros = np.round(kept * (1_000_000 / per_second)).astype(np.int64)
    elif per_second <= 1_000_000:
        micros = kept * (1_000_000 // per_second)
    else:
        micros = kept // 1_000
    micros[~fits] = NAT
    notes = (f"read as {UNIT_NAMES[unit]} since 1970",) if config.time_unit == "auto" else ()
    return Parsed(_series(micros), _raw_of(column, ~fits), notes)


def _raw_of(column: Any, rows: npt.NDArray[np.bool_]) -> pd.Series | None:
    """The texts of `rows` that are there; None where all others are empty."""
    places = np.flatnonzero(rows)
    texts = as_text(column).take(pa.array(places)).to_pylist() if len(places) else []
    wrong = [text if text is not None and not is_null(text.strip()) else None for text in texts]
    if not any(text is not None for text in wrong):
        return None
    raw = np.full(len(rows), None, dtype=object)
    raw[places] = wrong
    return pd.Series(raw, dtype="str")


def _series(micros: Int64Array) -> pd.Series:
    stamps = pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")
    return stamps.astype(PANDAS_DTYPES[Kind.TIME])


def _from_arrow(column: Any) -> Int64Array:
    unit = pa.timestamp("us", tz=getattr(column.type, "tz", None))
    micros: Int64Array = (
        pc.fill_null(column.cast(unit, safe=False).cast(pa.int64()), NAT).to_numpy().copy()
    )
    return micros


def _fast_iso(column: Any) -> Int64Array | None:
    """ISO times by Arrow's parser; None where it cannot read one of them."""
    texts = as_text(column)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    for zone in (None, "UTC"):
        try:
            return _from_arrow(texts.cast(pa.timestamp("us", tz=zone)))
        except pa.ArrowInvalid:
            continue
    return None
