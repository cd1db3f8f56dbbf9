"""The rows of one user in a Parquet table, whatever the table is."""

import io
import json
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pandas import Series

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.privacy_keys import canonical

_RAW_ID: Final = n.raw(n.USER_ID)

NAMING: Final = (n.USER_ID, _RAW_ID, n.TABLE, n.RULES, n.ROW)
"""Columns that `names_users` and `people_in` look at."""


def names_users(columns: list[str]) -> bool:
    """Whether a table with these columns has rows of users."""
    return bool({n.USER_ID, _RAW_ID} & set(columns)) or _is_quarantine(columns)


def rows_of(table: pa.Table, user_id: str) -> npt.NDArray[np.bool_]:
    """Which rows of a table are those of a user: bool ``(n_rows,)``.

    A row is theirs by its user id, by the text of an id that could not be parsed, or, in the
    quarantine, by either of these in the row that was set aside.

    Args:
        table: any one.
        user_id: the id as text; the one of a number too.
    """
    theirs = np.zeros(len(table), dtype=bool)
    columns = table.column_names
    for name in (n.USER_ID, _RAW_ID):
        if name in columns:
            theirs |= _equal(table[name], user_id)
    if _is_quarantine(columns):
        for text in _json_of(user_id):
            theirs |= _mask(pc.match_substring(table[n.ROW], text))
    return theirs


def people_in(table: pa.Table) -> set[str]:
    """The ids of all users whose rows a table holds, as text; see `rows_of`."""
    found: set[str] = set()
    columns = table.column_names
    for name in (n.USER_ID, _RAW_ID):
        if name in columns:
            found.update(map(canonical, pc.unique(table[name]).drop_null().to_pylist()))
    if _is_quarantine(columns):
        for row in map(json.loads, table[n.ROW].to_pylist()):
            for value in (row.get(n.USER_ID), row.get(_RAW_ID)):
                whole = isinstance(value, float) and value.is_integer()
                if value is not None:
                    found.add(canonical(int(value) if whole else value))
    return found


def without_rows(table: pa.Table, theirs: npt.NDArray[np.bool_]) -> bytes:
    """The other rows of a table as a Parquet file, in their order."""
    buffer = io.BytesIO()
    pq.write_table(table.filter(pa.array(~theirs)), buffer, compression="zstd")
    return buffer.getvalue()


def plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as values of JSON; a row that was set aside as what it was."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name, value in row.items():
            if isinstance(value, datetime | date):
                row[name] = value.isoformat()
            elif isinstance(value, float) and not np.isfinite(value):
                row[name] = None
        if _is_quarantine(list(row)):
            row[n.ROW] = json.loads(row[n.ROW])
    return rows


def _is_quarantine(columns: list[str]) -> bool:
    return {n.TABLE, n.RULES, n.ROW} <= set(columns)


def _equal(ids: pa.ChunkedArray, user_id: str) -> npt.NDArray[np.bool_]:
    kind = ids.type
    if pa.types.is_integer(kind):
        number = _whole(user_id)
        if number is None:
            return np.zeros(len(ids), dtype=bool)
        return _mask(pc.equal(ids, pa.scalar(number, pa.int64())))
    text = ids.cast(pa.large_string())
    return _mask(pc.equal(pc.utf8_trim_whitespace(text), pa.scalar(user_id, pa.large_string())))


def _whole(user_id: str) -> int | None:
    """The number that an id is the text of, None where it is of none."""
    digits = user_id.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        return None
    return int(user_id) if str(int(user_id)) == user_id else None


def _json_of(user_id: str) -> list[str]:
    """How an id is written in a row of the quarantine."""
    # As pandas writes it: with its own way of escaping.
    text = str(Series([user_id]).to_json(orient="values"))[1:-1]
    values = [text] if _whole(user_id) is None else [text, user_id, f"{user_id}.0"]
    return [
        f'"{name}":{value}{end}'
        for name in (n.USER_ID, _RAW_ID)
        for value in values
        for end in (",", "}")
    ]


def _mask(found: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(found, False).to_numpy(), dtype=bool)
