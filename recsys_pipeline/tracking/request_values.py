"""Values of a request as they come from JSON or pandas: lists, and the users' profile."""

import json
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import PANDAS_DTYPES, USERS, Column, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ModelError

PROFILE_COLUMNS: Final = tuple(column for column in USERS.columns if column.name != n.USER_ID)


def profiles_of(requests: pd.DataFrame) -> pd.DataFrame:
    """The profile columns of `requests` with the dtypes of the users table; n rows, from 0.

    Raises:
        ModelError: a value is not of the column's kind or out of its range.
    """
    known = {column.name for column in PROFILE_COLUMNS}
    columns = {
        column.name: _typed(requests[column.name], column)
        if column.name in requests.columns
        else pd.Series([None] * len(requests), dtype=PANDAS_DTYPES[column.kind])
        for column in PROFILE_COLUMNS
    }
    further = {
        name: requests[name].reset_index(drop=True)
        for name in requests.columns
        if name not in known and name != n.USER_ID
    }
    return pd.DataFrame({**columns, **further}, index=pd.RangeIndex(len(requests)))


def _typed(values: pd.Series, column: Column) -> pd.Series:
    """`values` as the dtype of `column`, indexed from 0."""
    dtype = PANDAS_DTYPES[column.kind]
    present = [None if is_null(value) else value for value in values]
    if column.kind is Kind.TEXTS:
        cells = [
            None if value is None else _texts_of(row, column.name, value)
            for row, value in enumerate(present)
        ]
        return pd.Series(cells, dtype=dtype)
    if column.kind is Kind.TEXT:
        return pd.Series([None if v is None else str(v) for v in present], dtype=dtype)
    plain = pd.Series(present, dtype=object)
    if column.kind is Kind.TIME:
        parsed = pd.to_datetime(plain, utc=True, errors="coerce", format="ISO8601")
    else:
        parsed = pd.to_numeric(plain, errors="coerce")
    bad = plain.notna() & parsed.isna()
    if column.minimum is not None:
        bad |= parsed < column.minimum
    if column.maximum is not None:
        bad |= parsed > column.maximum
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        wanted = " ".join(filter(None, [f"a {column.kind.value}", column.range_text]))
        raise ModelError(
            f"Row {row} of the request: {column.name} is {present[row]!r}.",
            f"It must be {wanted}, or null.",
        )
    return parsed.astype(dtype)


def _texts_of(row: int, name: str, value: Any) -> list[str]:
    """A list of texts without nulls; a single text is a list of one."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [value]
    return [str(entry) for entry in _list_of(row, name, value) if not is_null(entry)]


def lists_of(requests: pd.DataFrame, name: str) -> list[list[Any]]:
    """The lists of a column; empty ones where it is null or the column is absent."""
    if name not in requests.columns:
        return [[] for _ in range(len(requests))]
    return [_list_of(row, name, value) for row, value in enumerate(requests[name])]


def _list_of(row: int, name: str, value: Any) -> list[Any]:
    if is_null(value):
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except json.JSONDecodeError as error:
            raise _no_list(row, name) from error
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise _no_list(row, name)
    return list(value)


def _no_list(row: int, name: str) -> ModelError:
    return ModelError(
        f"Row {row} of the request: {name} is no list.",
        'Give a list, or a text with a JSON list such as ["12", "40"].',
    )


def is_null(value: Any) -> bool:
    """Whether `value` is None or a missing value of pandas or numpy; a list never is."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
    )
