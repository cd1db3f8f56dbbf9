"""What a report is made of, whatever it is written as: sections of plain blocks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Tone = Literal["good", "bad", "unknown", "plain"]
"""How a figure or note is marked: by colour, and by a word or sign as well."""


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; `strong` for the sentence that is to be read first."""

    kind: ClassVar[str] = "text"
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences, one each."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure to be seen at once.

    Attributes:
        label: what it is.
        value: the figure with its unit.
        change: how it changed and since when, or empty.
        tone: whether that is good.
        note: its interval, or what it rests on.
    """

    label: str
    value: str
    change: str = ""
    tone: Tone = "plain"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Figures beside each other."""

    kind: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes:
        caption: what it shows.
        headers: one per column.
        rows: as long as the headers; the first cell of a row names it.
        numeric: columns of figures, from 0, set to the right.
    """

    kind: ClassVar[str] = "table"
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Attributes:
        svg: the figure as a file, see `reporting.pictures`.
        name: short name of its file, unique in the document, without an ending.
        alt: what is seen, for who cannot see it.
        caption: a sentence below it, or empty.
    """

    kind: ClassVar[str] = "picture"
    svg: bytes
    name: str
    alt: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence with a badge.

    Attributes:
        tone: colour of the badge.
        badge: one or two words, such as ``met`` or ``alarm``.
        text: the sentence.
    """

    tone: Tone
    badge: str
    text: str


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences with badges, one below the other."""

    kind: ClassVar[str] = "notes"
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a reckoning: what comes out, how, from which figures, and the figure."""

    title: str
    formula: str
    numbers: tuple[tuple[str, str], ...]
    result: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A reckoning, step by step."""

    kind: ClassVar[str] = "steps"
    steps: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed."""

    kind: ClassVar[str] = "code"
    text: str


Block = Text | Bullets | Tiles | Table | Picture | Notes | Steps | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading.

    Attributes:
        key: its anchor: small letters and hyphens, unique in the document.
        title: its heading.
        blocks: what is in it.
        own_page: whether it takes a printed page of its own.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    own_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        title: its name.
        subtitle: what and when it is about.
        sections: its parts, the most important first.
        footer: a sentence at the end.
        links: addresses of further pages by what they are.
        language: code of its language.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    footer: str = ""
    links: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    @property
    def pictures(self) -> Iterator[Picture]:
        """All pictures in their order."""
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    yield block
