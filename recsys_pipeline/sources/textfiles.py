"""Delimited text → columns of strings, with the line of every row and errors that name it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.raw import Int64Array, NoRowsError
from recsys_pipeline.sources.separators import (
    lines_of,
    separator_name,
    sniff_separator,
    split_line,
)

_SNIFFED = 1 << 16
_BLOCK = 1 << 23
# ASCII "unit separator": stands for separators of several characters, which Arrow cannot split by.
_STAND_IN = "\x1f"


@dataclass(frozen=True)
class TextTable:
    """Columns of strings.

    Attributes:
        table: pyarrow Table of large strings; an empty cell is an empty string.
        lines: int64, the line of each row.
        separator: the separator, given or detected.
        notes: for people.
    """

    table: pa.Table
    lines: Int64Array
    separator: str
    notes: tuple[str, ...]


def header_of(data: bytes, name: str, separator: str | None) -> tuple[list[str], str, int]:
    """Header cells, separator and number of lines up to and with the header.

    Raises:
        SourceError: `separator` does not occur in the header while another would split it.
    """
    start = data[:_SNIFFED].decode("utf-8", "ignore")
    if len(data) > _SNIFFED:
        start = start[: start.rfind("\n") + 1] or start
    lines = lines_of(start)
    first = next(index for index, line in enumerate(lines) if line.strip())
    sniffed = sniff_separator(start)
    whole = separator is not None and len(split_line(lines[first], separator)) < 2
    if separator is not None and whole and sniffed is not None:
        raise SourceError(
            f"{name} line {first + 1} is one single column when split by "
            f"{separator_name(separator)}.",
            f"Set separator = {json.dumps(sniffed)} ({separator_name(sniffed)}), or leave it out "
            "to have it detected.",
        )
    chosen = separator or sniffed or ","
    return [cell.strip() for cell in split_line(lines[first], chosen)], chosen, first + 1


def read_text(
    data: bytes,
    name: str,
    separator: str | None,
    names: Sequence[str] | None = None,
    only: Sequence[int] | None = None,
) -> TextTable:
    """Parse `data`, UTF-8 text.

    Args:
        data: the content.
        name: the file for people.
        separator: text between two columns, or None to detect it.
        names: names of the columns where the file has no header.
        only: positions of the columns to return; all where left out.

    Raises:
        SourceError: a wrong separator, a row with too many or few cells, an open quote, no rows.
    """
    header, chosen, skip = header_of(data, name, separator)
    if names is not None:
        skip = 0
        width = len(names)
    else:
        width = len(header)
    notes = []
    if separator is None and names is None and chosen != ",":
        notes.append(f"{name}: columns are separated by {separator_name(chosen)} (detected).")
    data, delimiter = _single(data, chosen)
    # Bare carriage returns (old Mac files) are line ends to Arrow as well.
    newline = b"\n" if b"\n" in data else b"\r"
    start = 0
    for _ in range(skip):
        start = data.find(newline, start) + 1 or len(data)
    if not data[start : start + 4096].strip() and not data[start:].strip():
        raise NoRowsError(
            f"{name} has a header line and no rows.", "Fill the file, or leave the table out."
        )
    body = _Body(data, start, newline, name, delimiter, width, skip)
    quoted = data.find(b'"', start) >= 0 and _quotes_hold(body)
    table = _parsed(body, quoted, only)
    lines, spanning = _line_numbers(body, table.num_rows, quoted)
    if spanning:
        notes.append(f"{name}: {spanning:,} rows span several lines, between quotes.")
    return TextTable(table, lines, chosen, tuple(notes))


@dataclass(frozen=True)
class _Body:
    """The rows of a file: `data` from byte `start`, below `skip` lines, `width` cells each."""

    data: bytes
    start: int
    newline: bytes
    name: str
    delimiter: str
    width: int
    skip: int

    @property
    def line_count(self) -> int:
        ended = self.data.endswith(self.newline)
        return self.data.count(self.newline, self.start) + (not ended)

    def rows(self, quoted: bool) -> Iterator[tuple[int, int, list[str]]]:
        """First and last line of each row that is not blank, and its cells; slow.

        Raises:
            csv.Error: a cell is beyond csv's limit, as after a quote that is never closed.
        """
        text = self.data[self.start :].decode()
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        )
        first = self.skip + 1
        for row in reader:
            last = self.skip + reader.line_num
            if row:
                yield first, last, row
            first = last + 1


def _single(data: bytes, separator: str) -> tuple[bytes, str]:
    """`data` with a separator of one ASCII character, as Arrow wants it."""
    if len(separator) == 1 and separator.isascii():
        return data, separator
    return data.replace(separator.encode(), _STAND_IN.encode()), _STAND_IN


def _quotes_hold(body: _Body) -> bool:
    """Whether double quotes enclose cells, rather than being letters.

    Tab-separated files of the IMDb kind do not quote: there a cell may begin with a quote that is
    never closed. So for tabs quotes count only where the lines do not fit without them.
    """
    if body.delimiter == _STAND_IN:
        return False
    if body.delimiter != "\t":
        return True
    with_quotes = [line for line in io.BytesIO(body.data) if b'"' in line]
    balanced = all(line.count(b'"') % 2 == 0 for line in with_quotes)
    return balanced or {line.count(b"\t") + 1 for line in with_quotes} != {body.width}


def _parsed(body: _Body, quoted: bool, only: Sequence[int] | None) -> pa.Table:
    labels = [str(index) for index in range(body.width)]
    wanted = labels if only is None else [labels[index] for index in only]
    try:
        return pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(body.data).slice(body.start)),
            read_options=pa_csv.ReadOptions(column_names=labels, block_size=_BLOCK),
            parse_options=pa_csv.ParseOptions(
                delimiter=body.delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={label: pa.large_string() for label in wanted},
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _located(body, quoted, str(error)) from error


def _located(body: _Body, quoted: bool, reason: str) -> SourceError:
    """The error for rows that cannot be parsed, with the line of the first one."""
    bottom = body.skip + body.line_count
    start = body.skip + 1
    try:
        for first, last, row in body.rows(quoted):
            if len(row) != body.width:
                start = first
                if last >= bottom and last > first:
                    raise csv.Error("the row goes on to the end of the file")
                shown = "separator"
                if body.delimiter != _STAND_IN:
                    shown = separator_name(body.delimiter)
                return SourceError(
                    f"{body.name} line {first} has {len(row)} columns; {body.width} are expected.",
                    f"Mend that line: a text with the {shown} in it needs double quotes around it.",
                )
            start = last + 1
    except csv.Error:
        return SourceError(
            f'{body.name} line {start} opens a double quote (") that is not closed.',
            "Close it, or write a quote inside a text twice.",
        )
    return SourceError(f"{body.name} cannot be parsed: {reason}", "Export the table again as CSV.")


def _line_numbers(body: _Body, rows: int, quoted: bool) -> tuple[Int64Array, int]:
    """Line of each row, and how many rows span several lines."""
    top = body.skip + 1
    if body.line_count == rows:
        return np.arange(top, top + rows, dtype=np.int64), 0
    letters = np.frombuffer(body.data, dtype=np.uint8, offset=body.start)
    ends = np.flatnonzero(letters == body.newline[0])
    if not body.data.endswith(body.newline):
        ends = np.append(ends, len(letters))
    starts = np.concatenate(([0], ends[:-1] + 1))
    outside = np.ones(len(ends), dtype=bool)
    if quoted:
        quotes = np.flatnonzero(letters == ord('"'))
        outside = np.searchsorted(quotes, ends) % 2 == 0
    carriage = (ends > starts) & (letters[np.maximum(ends - 1, 0)] == ord("\r"))
    blank = (ends - carriage) <= starts
    # A row starts on a line that follows a line end outside quotes, unless it is a blank line.
    opens = np.concatenate(([True], outside[:-1])) & ~(blank & outside)
    lines = np.flatnonzero(opens).astype(np.int64) + top
    if len(lines) == rows:
        return lines, int(np.count_nonzero(opens[:-1] & ~outside[:-1]))
    # Lone quotes inside cells hide where quoted cells end; csv's own reader knows.
    spans = [(first, last) for first, last, _ in body.rows(quoted)]
    if len(spans) != rows:
        raise SourceError(
            f"{body.name}: its rows cannot be told apart ({rows:,} or {len(spans):,} of them).",
            "Double quotes are not closed or not doubled somewhere; export the table again.",
        )
    first_lines = np.array([first for first, _ in spans], dtype=np.int64)
    return first_lines, sum(last > first for first, last in spans)
