"""Dates written as text → microseconds since 1970."""

import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.sources.coded import Coded, is_null

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]

NAT: Final = np.iinfo(np.int64).min
"""The microseconds of a missing time."""

_NUMERIC: Final = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})"
    r"(?:[ T,]+(?:à )?(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s*([AaPp][Mm])?)?"
)
_FORMATS: Final = (
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d %H:%M:%S",
    "%m %d, %Y",
    "%d-%b-%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S",
)


def parse_dates(
    coded: Coded, time_format: str | None, day_first: bool | None
) -> tuple[Int64Array, BoolArray, list[str]]:
    """Microseconds of each distinct text (`NAT` where there are none), which are wrong, notes.

    Args:
        coded: the texts.
        time_format: format as in strptime; None for ISO and the other usual ways of writing.
        day_first: whether 03/04/2024 is the third of April; None to judge by the other dates.
    """
    texts = np.array([re.sub(r"\s*(UTC|GMT)$", "", text) for text in coded.stripped], dtype=object)
    micros = np.full(len(texts), NAT, dtype=np.int64)
    left = np.array([not is_null(text) for text in texts], dtype=bool)
    if time_format is not None:
        micros[left] = _by_format(texts[left], time_format)
        return micros, left & (micros == NAT), []
    notes: list[str] = []
    matches = [_NUMERIC.fullmatch(text) for text in texts]
    numeric = left & np.array([match is not None for match in matches], dtype=bool)
    if numeric.any():
        found = [match for match in matches if match is not None]
        first, note = _judge_day_first(found) if day_first is None else (day_first, "")
        notes += [note] if note else []
        iso = np.array([_iso(match, first) for match in found], dtype=object)
        micros[numeric] = _by_format(iso, "ISO8601")
    rest = left & ~numeric
    for how in ("ISO8601", *_FORMATS):
        if not rest.any():
            break
        micros[rest] = _by_format(texts[rest], how)
        rest &= micros == NAT
    return micros, left & (micros == NAT), notes


def detect_day_first(coded: Coded) -> bool | None:
    """Whether dates such as 13/01/2024 have the day first; None where there are none of those."""
    found = [match for match in map(_NUMERIC.fullmatch, coded.stripped) if match is not None]
    return _judge_day_first(found)[0] if found else None


def _by_format(texts: ObjectArray, how: str) -> Int64Array:
    if not len(texts):
        return np.zeros(0, dtype=np.int64)
    try:
        stamps = pd.to_datetime(
            pd.Series(texts, dtype=object), format=how, utc=True, errors="coerce"
        )
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        return np.full(len(texts), NAT, dtype=np.int64)
    micros: Int64Array = stamps.dt.as_unit("us").dt.tz_localize(None).to_numpy().view(np.int64)
    return micros


def _judge_day_first(dates: list[re.Match[str]]) -> tuple[bool, str]:
    """Whether the day comes first, by the numbers above twelve; with a note where it is open."""
    day_first = sum(int(match[1]) > 12 for match in dates)
    month_first = sum(int(match[3]) > 12 for match in dates)
    if day_first == month_first:
        return True, (
            f"dates such as {dates[0][0]} were read day first, as nothing shows the order; set "
            "`day_first`"
        )
    return day_first > month_first, ""


def _iso(match: re.Match[str], day_first: bool) -> str:
    day, month = (match[1], match[3]) if day_first else (match[3], match[1])
    hour = int(match[5] or 0)
    if match[9]:
        hour = hour % 12 + (12 if match[9].lower() == "pm" else 0)
    return (
        f"{match[4]}-{int(month):02}-{int(day):02}T{hour:02}:{match[6] or '00'}:{match[7] or '00'}"
        f".{(match[8] or '0'):0<6}"
    )
