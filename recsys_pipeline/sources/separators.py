"""Which text separates the columns of a text file."""

import csv
import re

CANDIDATES = (",", ";", "\t", "|", "::", " ")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "space"}
_LINES = 200


def separator_name(separator: str) -> str:
    """`separator` for people.

    >>> separator_name("\\t"), separator_name("::")
    ('tab', "'::'")
    """
    return _NAMES.get(separator, repr(separator))


def lines_of(text: str) -> list[str]:
    """The lines of `text`; only line feeds and carriage returns end a line, as in CSV readers.

    >>> lines_of("a\\r\\nb\\u2028c")
    ['a', 'b\\u2028c']
    """
    return re.split(r"\r\n|\n|\r", text)


def split_line(line: str, separator: str) -> list[str]:
    """The cells of one line; quotes are honoured where the separator is one character."""
    if len(separator) > 1:
        return line.split(separator)
    try:
        rows = list(csv.reader([line], delimiter=separator))
    except csv.Error:
        # A cell beyond csv's limit of 128 KiB: its quotes do not matter for counting.
        return line.split(separator)
    return rows[0] if rows else []


def sniff_separator(text: str) -> str | None:
    """The separator that the first lines of `text` agree on; None where it is one column.

    Every row must have as many cells as the header for a separator to be sure; otherwise the one
    with the largest share of such rows is taken. A space counts only where all rows agree.
    """
    lines = [line for line in lines_of(text)[:_LINES] if line.strip()]
    if not lines:
        return None
    best, best_score = None, 0.0
    for rank, candidate in enumerate(CANDIDATES):
        width = len(split_line(lines[0], candidate))
        if width < 2:
            continue
        widths = [len(split_line(line, candidate)) for line in lines[1:]]
        share = sum(item == width for item in widths) / len(widths) if widths else 1.0
        if candidate == " " and (share < 1.0 or width < 3):
            continue
        score = max(share, 0.01) - rank * 1e-6
        if score > best_score:
            best, best_score = candidate, score
    return best
