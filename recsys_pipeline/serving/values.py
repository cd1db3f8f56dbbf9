"""Values that come in: what JSON says is meant as it is said; in an address all are texts."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

ADDRESS: Final = "address"
"""Context of a validation whose values come from an address, so that ``"5"`` is a number."""

_LONGEST: Final = 200
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _number(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and info.context != ADDRESS):
        raise ValueError("this is no number")
    return value


def _flag(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, bool) and info.context != ADDRESS:
        raise ValueError("this is neither true nor false")
    return value


def _id(value: Any) -> Any:
    if type(value) is int:
        return str(value)
    # As privacy knows people: an id with blanks around it is the same one.
    return value.strip() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    # A bare number would be taken for seconds or milliseconds, depending on its size.
    if not isinstance(value, str) or not _DAY.match(value):
        raise ValueError("write it as ISO 8601 with a time zone, such as 2026-11-22T18:30:00Z")
    return value


def _near(value: datetime) -> datetime:
    # At the ends of the calendar a moment of one time zone has no counterpart in another.
    if not _FIRST <= value < _LAST:
        raise ValueError(f"it must lie in the years {_FIRST.year} to {_LAST.year - 1} (UTC)")
    return value


Integer = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_near)]
"""A moment of the years 1970 to 2199, with its time zone."""


def _id_schema(**text: Any) -> WithJsonSchema:
    texts = {"type": "string", "minLength": 1, "maxLength": _LONGEST, **text}
    return WithJsonSchema({"anyOf": [texts, {"type": "integer"}]})


Id = Annotated[str, Field(min_length=1, max_length=_LONGEST), BeforeValidator(_id), _id_schema()]
"""An id as a text; JSON may give a number without a fraction."""
PlainId = Annotated[
    str,
    Field(min_length=1, max_length=_LONGEST, pattern=_PRINTABLE),
    BeforeValidator(_id),
    _id_schema(pattern=_PRINTABLE),
]
"""An id without control characters, as what is stored has."""
UserId = Annotated[
    str, Path(min_length=1, max_length=_LONGEST, pattern=_PRINTABLE), BeforeValidator(_id)
]
"""A user in an address; PostgreSQL takes no text with a NUL."""
AnyUserId = Annotated[str, Path(min_length=1, pattern=r"^[^\x00]+$"), BeforeValidator(_id)]
"""The same where nobody may be out of reach: whatever id a table could hold."""
