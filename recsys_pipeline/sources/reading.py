"""Places → raw files: whatever a file is, its columns come out the same way."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.content import open_content
from recsys_pipeline.sources.places import Place
from recsys_pipeline.sources.raw import NoRowsError, RawFile, plain
from recsys_pipeline.sources.textfiles import header_of, read_text

Choose = Callable[[Sequence[str]], Collection[str]]

_TYPED = re.compile(r"(.+):(token|token_seq|float|float_seq)")


def read_file(
    place: Place,
    separator: str | None = None,
    encoding: str | None = None,
    names: Sequence[str] | None = None,
    choose: Choose | None = None,
    limit: int | None = None,
) -> RawFile:
    """Read the file at `place`.

    Args:
        place: the file.
        separator, encoding: of text, or None to detect them.
        names: names of the columns where the file has no header line.
        choose: from the names of the columns to those to read; all where left out.
        limit: number of bytes of text after which to stop, at the end of a line; for a look.

    Raises:
        SourceError: the file is missing, damaged, empty or no table.
    """
    content = open_content(place.read(), place.name, encoding)
    if content.parquet:
        return _parquet(content.data, place.name, choose, content.notes)
    data = content.data
    if limit is not None and len(data) > limit:
        data = data[: data.rfind(b"\n", 0, limit) + 1] or data
    given = names
    types: dict[str, str] = {}
    if given is None:
        header, _, _ = header_of(data, place.name, separator)
        given, types = _clean_header(header, place.name)
    positions = None
    if choose is not None:
        wanted = choose(given)
        positions = [index for index, name in enumerate(given) if name in wanted]
    text = read_text(data, place.name, separator, names, positions)
    chosen = list(given) if positions is None else [given[index] for index in positions]
    columns = {name: text.table.column(index) for index, name in enumerate(chosen)}
    columns, counter = _without_counter(columns, place.name)
    return RawFile(
        place.name,
        columns,
        text.lines,
        types,
        text.separator,
        content.encoding,
        (*content.notes, *text.notes, *counter),
    )


def _opened(data: bytes, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{name} is a Parquet file that is cut off or damaged ({error}).",
            "Fetch or write the file again.",
        ) from error


def _parquet(data: bytes, name: str, choose: Choose | None, notes: tuple[str, ...]) -> RawFile:
    file = _opened(data, name)
    names = [str(item) for item in file.schema_arrow.names]
    _refuse_repeated(names, name)
    chosen = names if choose is None else choose(names)
    # pandas keeps a named index as a column, and an unnamed one under this name.
    wanted = [item for item in names if item in chosen and not item.startswith("__index_level_")]
    try:
        table = file.read(columns=wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{name} is a Parquet file that is cut off or damaged ({error}).",
            "Fetch or write the file again.",
        ) from error
    if table.num_rows == 0:
        raise NoRowsError(f"{name} has no rows.", "Fill the file, or leave the table out.")
    columns = {item: plain(table.column(item), item, name) for item in wanted}
    lines = np.arange(2, table.num_rows + 2, dtype=np.int64)
    return RawFile(name, columns, lines, notes=notes)


def _clean_header(header: Sequence[str], name: str) -> tuple[list[str], dict[str, str]]:
    """Column names without RecBole's types, and the types; a cell without name gets one."""
    names: list[str] = []
    types: dict[str, str] = {}
    for position, cell in enumerate(header, start=1):
        match = _TYPED.fullmatch(cell)
        column = match[1] if match else cell or f"column_{position}"
        names.append(column)
        if match:
            types[column] = match[2]
    if len(names) > 1 and all(re.fullmatch(r"[\d.,:+ -]+", cell) for cell in header if cell):
        raise SourceError(
            f"{name} has no header line: its first line holds {len(header)} numbers and no name.",
            "Add a first line with the names of the columns.",
        )
    _refuse_repeated(names, name)
    return names, types


def _refuse_repeated(names: Sequence[str], name: str) -> None:
    repeated = sorted({item for item in names if list(names).count(item) > 1})
    if repeated:
        raise SourceError(
            f"{name} has more than one column called {', '.join(repeated)}.",
            "Rename or remove the repeated ones.",
        )


def _without_counter(columns: dict[str, Any], name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`columns` without a nameless first one that only counts the rows, as pandas writes it."""
    first = next(iter(columns), "")
    if first not in ("column_1", "Unnamed: 0") or len(columns) < 2:
        return columns, ()
    try:
        numbers = columns[first].cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return columns, ()
    if (np.diff(numbers) == 1).all() and numbers[0] in (0, 1):
        kept = {key: value for key, value in columns.items() if key != first}
        return kept, (f"{name}: the first column only counts the rows; it was left out.",)
    return columns, ()
