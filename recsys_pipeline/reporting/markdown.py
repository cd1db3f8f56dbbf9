"""A document as Markdown."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from recsys_pipeline.reporting.document import (
    Block,
    Bullets,
    Code,
    Document,
    Notes,
    Picture,
    Steps,
    Table,
    Text,
    Tiles,
    Tone,
)

_MARKS: Final[dict[Tone, str]] = {"good": "✅", "bad": "❌", "unknown": "❔", "plain": "•"}
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~])")
_CODE: Final = re.compile(r"`([^`|]+)`")
_OPENING: Final = re.compile(r"^(\s*)([#+-]|\d+[.)])(?=\s)")


def markdown(document: Document, pictures: str | None = None) -> str:
    """The document as Markdown.

    Args:
        document: what is written.
        pictures: what stands before the name of a picture's file, such as ``images/``; without
            it pictures are left out.
    """
    lines = [f"# {_plain(document.title)}", "", _plain(document.subtitle), ""]
    for section in document.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            written = list(_block(block, pictures))
            if written:
                lines += [*written, ""]
    if document.links:
        lines += [*(f"- {_plain(what)}: <{to}>" for what, to in document.links.items()), ""]
    if document.footer:
        lines += [_plain(document.footer), ""]
    return "\n".join(lines)


def _block(block: Block, pictures: str | None) -> Iterator[str]:
    match block:
        case Text():
            yield f"**{_plain(block.text)}**" if block.strong else _start(block.text)
        case Bullets():
            yield from (f"- {_plain(item)}" for item in block.items)
        case Tiles():
            rows = [(tile.label, tile.value, tile.note, tile.change) for tile in block.tiles]
            yield from _table(("", "figure", "95 % interval", "change"), rows, (1, 2, 3))
        case Table():
            if block.caption:
                yield from (f"**{_plain(block.caption)}**", "")
            yield from _table(block.headers, block.rows, block.numeric)
        case Picture():
            yield from _picture(block, pictures)
        case Notes():
            for note in block.notes:
                yield f"- {_MARKS[note.tone]} **{_plain(note.badge)}**: {_plain(note.text)}"
        case Steps():
            yield from _steps(block)
        case Code():
            yield from ("```", block.text, "```")


def _picture(picture: Picture, folder: str | None) -> Iterator[str]:
    if folder is not None:
        yield f"![{_plain(picture.alt)}]({folder}{picture.name}.svg)"
        if picture.caption:
            yield from ("", f"*{_plain(picture.caption)}*")


def _steps(steps: Steps) -> Iterator[str]:
    for place, step in enumerate(steps.steps, 1):
        numbers = "; ".join(f"{name}: {figure}" for name, figure in step.numbers)
        yield f"{place}. **{_plain(step.title)}: {_plain(step.result)}**"
        yield f"   {_plain(step.formula)} ({_plain(numbers)})"


def _table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int]
) -> Iterator[str]:
    yield _row(headers)
    yield _row(["---:" if place in numeric else "---" for place in range(len(headers))], raw=True)
    for row in rows:
        yield _row(row)


def _row(cells: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cell if raw else _plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text on one line whose signs mean nothing but themselves; `code` stays code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        f"`{part}`" if place % 2 else _SPECIAL.sub(r"\\\1", part)
        for place, part in enumerate(parts)
    )


def _start(text: str) -> str:
    """The same at the start of a line."""
    return _OPENING.sub(r"\1\\\2", _plain(text))
