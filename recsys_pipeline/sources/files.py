"""Tables from files: CSV, any other delimited text, Parquet; packed or not; local or remote."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.assemble import RawInput, assemble
from recsys_pipeline.sources.base import Tables
from recsys_pipeline.sources.columns import map_columns
from recsys_pipeline.sources.config import FilesConfig, FileTableConfig
from recsys_pipeline.sources.places import Place, find_places, fingerprint
from recsys_pipeline.sources.raw import NoRowsError, RawTable, stack
from recsys_pipeline.sources.reading import Choose, read_file
from recsys_pipeline.sources.times import parse_time


class FilesSource:
    """A Source over files.

    Args:
        config: which files, and how their columns and values are to be read.
        root: folder that relative paths start from: that of recsys.toml.
    """

    def __init__(self, config: FilesConfig, root: Path) -> None:
        self._config = config
        self._root = root

    @property
    def description(self) -> str:
        """One line for people, such as ``files: users.csv, ratings.csv``."""
        paths = [path for table in self._tables().values() for path in table.paths]
        return f"files: {', '.join(paths)}"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest interaction not later than `not_after`; None without times.

        Only the column of times is parsed.
        """
        times = self._event_times()
        if times is None:
            return None
        if not_after is not None:
            times = times[times <= not_after]
        return None if times.empty else times.max()

    def oldest_event(self) -> pd.Timestamp | None:
        """Time (UTC) of the oldest interaction; None without times."""
        times = self._event_times()
        return None if times is None or times.empty else times.min()

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """All rows of all files; those after `as_of` have no say in how the others are read.

        Raises:
            SourceError: a file is missing, unreadable or cannot be mapped.
        """
        return assemble(
            {name: RawInput(self._raw(table), table) for name, table in self._tables().items()},
            as_of,
        )

    def fingerprint(self) -> str:
        """Sixteen digits that change with the name, size or time of change of a file."""
        return fingerprint(
            place for table in self._tables().values() for place in self._places(table)[0]
        )

    def _tables(self) -> dict[str, FileTableConfig]:
        tables = {
            USERS.name: self._config.users,
            MOVIES.name: self._config.movies,
            INTERACTIONS.name: self._config.interactions,
        }
        return {name: table for name, table in tables.items() if table is not None}

    def _places(self, table: FileTableConfig) -> tuple[list[Place], list[str]]:
        return find_places(table.paths, self._root)

    def _raw(self, table: FileTableConfig, choose: Choose | None = None) -> RawTable:
        places, notes = self._places(table)
        return read_places(places, table, notes, choose)

    def _event_times(self) -> pd.Series | None:
        """The times of interactions that can be read; None where there is no such column."""
        table = self._config.interactions
        found: list[str] = []

        def choose(columns: Sequence[str]) -> list[str]:
            mapping = map_columns(INTERACTIONS, columns, table.columns, "The interactions file")
            found.append(mapping.get(n.TIMESTAMP, ""))
            # Without times any column does: one is read so that a broken file is noticed.
            return [mapping.get(n.TIMESTAMP, mapping[n.USER_ID])]

        raw = self._raw(table, choose)
        if not found[0]:
            return None
        return parse_time(raw.columns[found[0]], table).values.dropna()


def read_places(
    places: Sequence[Place],
    table: FileTableConfig,
    notes: Sequence[str] = (),
    choose: Choose | None = None,
) -> RawTable:
    """The files at `places`, one below the other, as `table` says to read them."""
    files = []
    kept = list(notes)
    for place in places:
        try:
            files.append(read_file(place, table.separator, table.encoding, choose=choose))
        except NoRowsError as error:
            # Writers that split a table leave parts without rows; a table needs one with rows.
            if len(places) == 1 or (place is places[-1] and not files):
                raise
            kept.append(f"{error.message} It was left out.")
    raw = stack(files)
    return replace(raw, notes=(*kept, *raw.notes))
