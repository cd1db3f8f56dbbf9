"""Raw tables: the columns of one or several files as they lie there, before any mapping."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.errors import SourceError

Int64Array = npt.NDArray[np.int64]


class NoRowsError(SourceError):
    """A file that is empty or has a header line only."""


@dataclass(frozen=True)
class RawFile:
    """One file as read.

    Attributes:
        name: the file for people.
        columns: each column as a ChunkedArray: strings from text, any type from Parquet.
        lines: int64, the line of each row in the file, counted from 1 with the header.
        types: type written in the header of a column (RecBole's ``item_id:token``), by column.
        separator: text between two columns; empty for Parquet.
        encoding: encoding of the text.
        notes: what was detected, for people.
    """

    name: str
    columns: dict[str, Any]
    lines: Int64Array
    types: dict[str, str] = field(default_factory=dict)
    separator: str = ""
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class RawTable:
    """The files of one table, one below the other.

    Attributes:
        columns: each column as a ChunkedArray, in the order in which they are met.
        names: the files, in order.
        counts: rows of each file.
        lines: int64, the line of each row in its file.
        types: types written in headers, by column.
        notes: what was detected, for people.
        unit: what `lines` counts, for people.
    """

    columns: dict[str, Any]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    lines: Int64Array
    types: dict[str, str]
    notes: tuple[str, ...]
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def title(self) -> str:
        """The files for people: the one name, or how many there are."""
        if len(self.names) == 1:
            return self.names[0]
        return f"{self.names[0]} and {len(self.names) - 1} more"

    def place_of(self, row: int) -> str:
        """File and line of row number `row` (from 0), such as ``ratings.csv line 7``."""
        ends = np.cumsum(self.counts)
        name = self.names[int(np.searchsorted(ends, row, "right"))]
        return f"{name} {self.unit} {self.lines[row]}"

    def source_files(self) -> Any:
        """The file of each row, as an Arrow array of strings."""
        parts = [
            pa.repeat(pa.scalar(name, pa.large_string()), count)
            for name, count in zip(self.names, self.counts, strict=True)
        ]
        return pa.chunked_array(parts, pa.large_string())


def stack(files: Sequence[RawFile]) -> RawTable:
    """`files` one below the other; a column that a file lacks is null there, with a note."""
    notes = [note for file in files for note in file.notes]
    order = list(dict.fromkeys(name for file in files for name in file.columns))
    columns = {}
    for name in order:
        parts = [file.columns.get(name) for file in files]
        lacking = [file.name for file, part in zip(files, parts, strict=True) if part is None]
        if lacking:
            notes.append(f"{', '.join(lacking)}: no column `{name}`; its values are missing there.")
        columns[name] = joined(parts, [len(file) for file in files])
    types = {name: kind for file in files for name, kind in file.types.items()}
    lines = np.concatenate([file.lines for file in files])
    return RawTable(
        columns,
        tuple(file.name for file in files),
        tuple(len(file) for file in files),
        lines,
        types,
        tuple(notes),
    )


def joined(parts: Sequence[Any], lengths: Sequence[int]) -> Any:
    """Parts of a column one below the other; of different types, they become texts.

    Args:
        parts: a ChunkedArray each, or None where a part lacks the column.
        lengths: rows of each part.
    """
    kinds = {str(part.type): part.type for part in parts if part is not None}
    kind = next(iter(kinds.values())) if len(kinds) == 1 else pa.large_string()
    chunks = []
    for part, length in zip(parts, lengths, strict=True):
        if part is None:
            chunks.append(pa.nulls(length, kind))
        else:
            chunks += (part if part.type == kind else as_text(part)).chunks
    return pa.chunked_array(chunks, kind)


def as_text(values: Any) -> Any:
    """Any column as a ChunkedArray of large strings; lists are joined by ``|``.

    Raises:
        pyarrow.ArrowInvalid: the column holds bytes that are no UTF-8.
    """
    kind = values.type
    if pa.types.is_large_string(kind):
        return values
    if pa.types.is_dictionary(kind):
        return as_text(values.cast(kind.value_type))
    if is_list(kind) and not pa.types.is_nested(kind.value_type):
        texts = values.cast(pa.list_(kind.value_type)).cast(pa.list_(pa.string()))
        return pc.binary_join(texts, "|").cast(pa.large_string())
    if pa.types.is_nested(kind):
        # Structs and maps have no text of their own; each row's repr keeps what was there.
        written = [None if item is None else str(item) for item in values.to_pylist()]
        return pa.chunked_array([pa.array(written, pa.large_string())])
    return values.cast(pa.large_string())


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of the list types."""
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def plain(values: Any, column: str, file: str) -> Any:
    """A column of any Arrow type as one of the types that are parsed here.

    Those are whole and decimal numbers, booleans, timestamps, dates, lists and large strings.

    Raises:
        SourceError: the column holds bytes that are no text.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return plain(values.cast(kind.value_type), column, file)
    if pa.types.is_primitive(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        return values
    if pa.types.is_decimal(kind):
        return values
    if is_list(kind):
        return values.cast(pa.list_(kind.value_type))
    try:
        return as_text(values)
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{file}: column `{column}` holds bytes that are no text.",
            "Write the column as text or numbers, or leave it out.",
        ) from error
