"""Looks: a first view of files of unknown meaning, and which of them is which table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.coded import encode, is_null
from recsys_pipeline.sources.places import Place, data_files, display_name, find_places
from recsys_pipeline.sources.raw import RawFile, RawTable, stack
from recsys_pipeline.sources.reading import read_file
from recsys_pipeline.sources.wording import guess_columns, table_by_name

_LIMIT = 1 << 26
_KEYS = {USERS.name: n.USER_ID, MOVIES.name: n.MOVIE_ID}
_UNIQUE = 0.98
_CONTAINED = 0.9


@dataclass(frozen=True)
class Look:
    """Files with one and the same header: the parts of one table.

    Attributes:
        files: the files, each as far as it was read (64 MB of text).
        raw: the files, one below the other.
    """

    files: tuple[RawFile, ...]
    raw: RawTable

    @property
    def columns(self) -> list[str]:
        return list(self.raw.columns)

    @property
    def name(self) -> str:
        return self.raw.title

    def ids(self, column: str) -> set[str]:
        """Distinct values of a column as ids: stripped, without the ``.0`` of whole floats."""
        texts = encode(self.raw.columns[column]).stripped
        return {text.removesuffix(".0") for text in texts if not is_null(text)}

    def is_unique(self, column: str) -> bool:
        """Whether hardly any value of a column repeats."""
        return len(self.ids(column)) >= _UNIQUE * len(self.raw)


@dataclass(frozen=True)
class Role:
    """A table, the files that hold it, and what its columns are by their names.

    Attributes:
        table: name of the table.
        look: the files.
        columns: canonical column → (column of the file, why).
        reason: why these files are that table.
    """

    table: str
    look: Look
    columns: dict[str, tuple[str, str]]
    reason: str


def look_at(paths: Sequence[Path], root: Path) -> tuple[list[Look], list[str]]:
    """Looks at the files in `paths`, and remarks on files in folders that hold no table.

    Raises:
        SourceError: a path that is a file holds no table, or nothing is left.
    """
    files: list[RawFile] = []
    remarks: list[str] = []
    for path in paths:
        if not path.is_dir():
            files += [_read(place) for place in find_places([str(path)], root)[0]]
            continue
        for inside in _data_files_below(path):
            place = Place(display_name(inside, root), str(inside.absolute()), remote=False)
            try:
                files.append(_read(place))
            except SourceError as error:
                remarks.append(f"{place.name} is not used: {error.message}")
    if not files:
        raise SourceError(
            f"No table was found in {', '.join(map(str, paths))}."
            + "".join(f" {remark}" for remark in remarks),
            "Name the CSV or Parquet files of your users, movies and interactions.",
        )
    groups: dict[tuple[str, ...], list[RawFile]] = {}
    for file in files:
        groups.setdefault(tuple(file.columns), []).append(file)
    return [Look(tuple(group), stack(group)) for group in groups.values()], remarks


def _read(place: Place) -> RawFile:
    return read_file(place, limit=_LIMIT)


def _data_files_below(folder: Path) -> list[Path]:
    """Data files in `folder`; where it has none, those of the folders in it."""
    files, _ = data_files(folder)
    if not files:
        folders = sorted(item for item in folder.iterdir() if item.is_dir())
        files = [file for inside in folders for file in data_files(inside)[0]]
    return files


def assign_roles(looks: Sequence[Look]) -> tuple[list[Role], list[str]]:
    """Which looks are the users, the movies and the interactions; and remarks on the others.

    The interactions have a column of users and a column of movies, by name or because their
    values are the ids of another file; users and movies have an id that does not repeat.
    """
    remarks: list[str] = []
    roles: dict[str, Role] = {}
    events = [role for look in looks if (role := _as_interactions(look)) is not None]
    for table in (USERS.name, MOVIES.name):
        taken = [role.look for role in (*events, *roles.values())]
        free = [look for look in looks if not any(look is item for item in taken)]
        found = [role for look in free if (role := _as_profiles(look, table)) is not None]
        best = _best(found, remarks)
        if best is not None:
            roles[table] = best
    if not events:
        taken = [role.look for role in roles.values()]
        free = [look for look in looks if not any(look is item for item in taken)]
        events = [role for look in free if (role := _by_overlap(look, roles)) is not None]
    best = _best(events, remarks)
    if best is not None:
        roles[INTERACTIONS.name] = best
    used = [role.look for role in roles.values()]
    mentioned = {role.look.name for role in events}
    remarks += [
        f"{look.name} (columns {', '.join(look.columns[:8])}) is not used: it is not clear which "
        "table it is."
        for look in looks
        if not any(look is item for item in used) and look.name not in mentioned
    ]
    return list(roles.values()), remarks


def _as_interactions(look: Look) -> Role | None:
    columns = guess_columns(INTERACTIONS.name, look.columns)
    if n.USER_ID not in columns or n.MOVIE_ID not in columns:
        return None
    user, movie = columns[n.USER_ID][0], columns[n.MOVIE_ID][0]
    reason = f"it has users (`{user}`) and movies (`{movie}`)"
    return Role(INTERACTIONS.name, look, columns, reason)


def _as_profiles(look: Look, table: str) -> Role | None:
    key = _KEYS[table]
    columns = guess_columns(table, look.columns)
    other = MOVIES.name if table == USERS.name else USERS.name
    rival = guess_columns(other, look.columns)
    if key not in columns or not look.is_unique(columns[key][0]):
        return None
    if _KEYS[other] in rival and _weight(look, table, columns) <= _weight(look, other, rival):
        return None
    return Role(table, look, columns, f"each `{columns[key][0]}` is there once")


def _weight(look: Look, table: str, columns: Iterable[str]) -> float:
    named = table_by_name(PurePosixPath(look.files[0].name).name) == table
    return len(list(columns)) + (1.5 if named else 0.0)


def _by_overlap(look: Look, roles: dict[str, Role]) -> Role | None:
    """`look` as interactions by columns whose values are the ids of users and movies."""
    columns = guess_columns(INTERACTIONS.name, look.columns)
    for table, key in _KEYS.items():
        if key in columns or table not in roles:
            continue
        role = roles[table]
        known = role.look.ids(role.columns[key][0])
        used = {source for source, _ in columns.values()}
        shares = {
            column: len(ids & known) / max(len(ids), 1)
            for column in look.columns
            if column not in used and (ids := look.ids(column)) is not None
        }
        column = max(shares, key=lambda item: shares[item], default="")
        if column and shares[column] >= _CONTAINED:
            columns[key] = (column, f"its values are ids of {role.look.name}")
    if n.USER_ID not in columns or n.MOVIE_ID not in columns:
        return None
    return Role(INTERACTIONS.name, look, columns, "its ids are those of the other files")


def _best(roles: Sequence[Role], remarks: list[str]) -> Role | None:
    if not roles:
        return None
    scores = [(_weight(role.look, role.table, role.columns), len(role.look.raw)) for role in roles]
    best = roles[int(np.lexsort(np.array(scores).T[::-1])[-1])]
    remarks += [
        f"{role.look.name} could be the {role.table} too and is not used: {best.look.name} says "
        "more."
        for role in roles
        if role is not best
    ]
    return best
