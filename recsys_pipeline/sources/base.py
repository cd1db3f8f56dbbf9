"""The Source protocol and what every source returns."""

from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd


@dataclass(frozen=True)
class Tables:
    """The three canonical tables as mapped from a source: every row, no row judged yet.

    Columns have the canonical names and dtypes of `contracts`; each frame also has
    ``source_file`` (str) and ``source_row`` (int64, the line of the file, counted from 1 with the
    header), and, where a value could not be parsed, ``<column>__raw`` (str, null where all is
    well) with the text as it came; the parsed value is null there. Further columns are carried
    along. `user_id` (and `movie_id`) has one dtype in all tables: int64 where every id is a whole
    number, else str without surrounding white space.

    Attributes:
        users, movies, interactions: the tables.
        notes: what was guessed, converted or filled in, one sentence each, for people.
    """

    users: pd.DataFrame
    movies: pd.DataFrame
    interactions: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    def table(self, name: str) -> pd.DataFrame:
        """The table called `name`: ``users``, ``movies`` or ``interactions``."""
        frame: pd.DataFrame = getattr(self, name)
        return frame


class Source(Protocol):
    """Where tables come from."""

    @property
    def description(self) -> str:
        """One line for people: the kind of the source and where it is."""
        ...

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`.

        None where the interactions have no time.
        """
        ...

    def read(self, as_of: pd.Timestamp | None) -> Tables:
        """All rows as they lie in the source.

        Args:
            as_of: the moment that the reader looks from. A source that is generated ends there;
                files return later rows too: the contract's rules set those aside, and they give
                neither users nor movies nor the scale of a column.

        Raises:
            SourceError: a file is missing, unreadable or cannot be mapped.
        """
        ...

    def fingerprint(self) -> str:
        """A short text that changes when the source's data change; cheap to compute."""
        ...
