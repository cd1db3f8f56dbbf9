"""Guess: settings for a user's own files, each with the reason for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.config import FilesConfig, MovieLensConfig
from recsys_pipeline.sources.files import FilesSource
from recsys_pipeline.sources.guess_table import Guessed, distinct_items, guess_table
from recsys_pipeline.sources.looks import Look, Role, assign_roles, look_at
from recsys_pipeline.sources.movielens import MovieLensSource, find_layout
from recsys_pipeline.sources.places import data_files, display_name
from recsys_pipeline.sources.vocabulary import same_spelling

_PREFIX = "source.files"
_OVERLAP = 0.5


@dataclass(frozen=True)
class Guess:
    """What `recsys init` found out.

    Attributes:
        settings: ``{"source": {"kind": "files" or "movielens", …}}``.
        guessed: what was guessed and why, in the order of the settings.
        questions: what could not be guessed, or looks wrong; for people.
        first_event: time (UTC) of the earliest interaction; None without times.
    """

    settings: dict[str, Any]
    guessed: tuple[Guessed, ...]
    questions: tuple[str, ...]
    first_event: pd.Timestamp | None


def guess(paths: Sequence[Path], root: Path | None = None) -> Guess:
    """Guess the settings of a source from the files and folders in `paths`.

    Args:
        paths: files and folders; one folder with a MovieLens data set is recognised as that.
        root: folder of the recsys.toml to be written, the working folder where left out; paths
            in the settings are relative to it where they lie below it.

    Raises:
        SourceError: a path does not exist or is no table, or no table holds interactions.
    """
    base = Path() if root is None else root
    if not paths:
        raise SourceError("No files were named.", "Name your files, or the folder with them.")
    full = [Path(base, path) for path in paths]
    if len(full) == 1:
        found = find_layout(full[0])
        if found is not None:
            return _movielens(found[0], found[1].title, base)
    looks, questions = look_at(full, base)
    roles, remarks = assign_roles(looks)
    questions += remarks
    by_table = {role.table: role for role in roles}
    if INTERACTIONS.name not in by_table:
        raise _no_interactions(looks, questions)
    tables: dict[str, Any] = {}
    guessed = [
        Guessed("source.kind", "files", "the files are tables of your own"),
    ]
    for table in (USERS.name, MOVIES.name, INTERACTIONS.name):
        if table not in by_table:
            questions.append(
                f"No file of {table} was found: the ids in the interactions stand in for it. If "
                f"there is one, name it in [{_PREFIX}.{table}]."
            )
            continue
        role = by_table[table]
        path = _path_of(role.look, full, base)
        settings, reasons, asked = guess_table(role, path)
        tables[table] = settings
        guessed += reasons
        questions += asked
    guessed += _agree_on_genres(tables, by_table, questions)
    guessed += _overlaps(by_table, questions)
    source = FilesSource(FilesConfig.model_validate(tables), base)
    settings = {"source": {"kind": "files", "files": tables}}
    return Guess(settings, tuple(guessed), tuple(questions), source.oldest_event())


def _movielens(folder: Path, title: str, root: Path) -> Guess:
    path = display_name(folder, root)
    first = MovieLensSource(MovieLensConfig(path=path), root).oldest_event()
    reason = f"its files are those of MovieLens ({title})"
    return Guess(
        {"source": {"kind": "movielens", "movielens": {"path": path}}},
        (
            Guessed("source.kind", "movielens", reason),
            Guessed("source.movielens.path", path, "the folder with the ratings in it"),
        ),
        (),
        first,
    )


def _no_interactions(looks: Sequence[Look], remarks: Sequence[str]) -> SourceError:
    unused = "".join(f"\n{remark}" for remark in remarks)
    shown = "; ".join(f"{look.name}: {', '.join(look.columns[:8])}" for look in looks)
    return SourceError(
        f"No file has both a column of users and a column of movies ({shown}).{unused}",
        "Rename these columns to user_id and movie_id, or write [source.files.interactions] with "
        "its columns in recsys.toml.",
    )


def _path_of(look: Look, given: Sequence[Path], root: Path) -> str | list[str]:
    """The one file; the folder where the files are all that it holds; else the list of files."""
    names = [file.name for file in look.files]
    if len(names) == 1:
        return names[0]
    for folder in given:
        if folder.is_dir():
            inside = [display_name(path, root) for path in data_files(folder)[0]]
            if sorted(inside) == sorted(names):
                return display_name(folder, root)
    return names


def _agree_on_genres(
    tables: dict[str, Any], roles: dict[str, Role], questions: list[str]
) -> list[Guessed]:
    """Bring the users' genres to the spelling of the movies'; changes `tables` of this guess."""
    if not all(table in roles for table in (USERS.name, MOVIES.name)):
        return []
    movies = _items(tables[MOVIES.name], roles[MOVIES.name], n.GENRES)
    users = _items(tables[USERS.name], roles[USERS.name], n.PREFERRED_GENRES)
    if not movies or not users:
        return []
    wanted = set(movies.values())
    respelled = same_spelling(set(users.values()), wanted)
    if respelled:
        values = tables[USERS.name].setdefault("values", {})
        table = dict(values.get(n.PREFERRED_GENRES, {}))
        table |= {raw: respelled[now] for raw, now in users.items() if now in respelled}
        values[n.PREFERRED_GENRES] = table
    known = {respelled.get(genre, genre) for genre in users.values()} & wanted
    setting = f"{_PREFIX}.users.values.{n.PREFERRED_GENRES}"
    share = len(known) / len({respelled.get(genre, genre) for genre in users.values()})
    if share < _OVERLAP:
        questions.append(
            f"Only {share:.0%} of the genres that users prefer are genres of movies. Map them in "
            f"[{setting}]."
        )
        return []
    reason = f"{share:.0%} of the users' genres are genres of movies once both are mapped"
    return [Guessed(setting, ", ".join(sorted(known)), reason)]


def _items(settings: dict[str, Any], role: Role, column: str) -> dict[str, str]:
    """Item in the file → item after the guessed translation."""
    if column not in role.columns:
        return {}
    swap = settings.get("values", {}).get(column, {})
    source = role.columns[column][0]
    return {item: swap.get(item, item) for item in distinct_items(role, source, settings)}


def _overlaps(roles: dict[str, Role], questions: list[str]) -> list[Guessed]:
    """How many ids of the interactions the other tables know."""
    found = []
    events = roles[INTERACTIONS.name]
    for table, key in ((USERS.name, n.USER_ID), (MOVIES.name, n.MOVIE_ID)):
        if table not in roles:
            continue
        role = roles[table]
        ids = events.look.ids(events.columns[key][0])
        share = len(ids & role.look.ids(role.columns[key][0])) / max(len(ids), 1)
        text = f"{share:.0%} of the {key} values in {events.look.name} are found there"
        if share < _OVERLAP:
            questions.append(f"{role.look.name} may be the wrong {table}: only {text}.")
        else:
            found.append(Guessed(f"{_PREFIX}.{table}", role.look.name, text))
    return found
