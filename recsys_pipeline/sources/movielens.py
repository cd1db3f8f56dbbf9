"""Tables from a MovieLens data set as it is unzipped, of any of its editions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.assemble import RawInput, assemble
from recsys_pipeline.sources.base import Tables
from recsys_pipeline.sources.config import FileTableConfig, MovieLensConfig
from recsys_pipeline.sources.places import Place, display_name, fingerprint, local_path
from recsys_pipeline.sources.raw import RawTable, stack
from recsys_pipeline.sources.reading import Choose, read_file
from recsys_pipeline.sources.scales import STARS
from recsys_pipeline.sources.times import parse_time
from recsys_pipeline.sources.titles import split_titles

_ZIP: Final = "zip_code"
_RATINGS: Final = (n.USER_ID, n.MOVIE_ID, n.RATING, n.TIMESTAMP)
_ITEM: Final = (n.MOVIE_ID, n.TITLE, "release_date", "video_release_date", "imdb_url")
_GENRES_100K: Final = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
# The README of ml-1m gives spans ("1": under 18, "56": 56 and older); a year inside stands here.
_AGES_1M: Final = {"1": 15, "18": 21, "25": 30, "35": 40, "45": 47, "50": 53, "56": 60}
_OCCUPATIONS_1M: Final = (
    "other",
    "educator",
    "artist",
    "clerical",
    "student",
    "customer service",
    "healthcare",
    "executive",
    "farmer",
    "homemaker",
    "school student",
    "lawyer",
    "programmer",
    "retired",
    "sales",
    "scientist",
    "self-employed",
    "engineer",
    "craftsman",
    "unemployed",
    "writer",
)


@dataclass(frozen=True)
class _File:
    """One file of an edition: its separator, encoding and columns (None: it has a header)."""

    name: str
    separator: str
    encoding: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Layout:
    """An edition of the data set: which file holds which table."""

    title: str
    ratings: _File
    movies: _File
    users: _File | None = None

    @property
    def files(self) -> list[_File]:
        return [file for file in (self.ratings, self.movies, self.users) if file is not None]


LAYOUTS: Final = (
    Layout(
        "ml-latest, ml-20m, ml-25m, ml-32m", _File("ratings.csv", ","), _File("movies.csv", ",")
    ),
    Layout(
        "ml-100k",
        _File("u.data", "\t", columns=_RATINGS),
        _File("u.item", "|", "latin-1", (*_ITEM, *_GENRES_100K)),
        _File("u.user", "|", None, (n.USER_ID, n.AGE, n.GENDER, n.OCCUPATION, _ZIP)),
    ),
    Layout(
        "ml-1m, ml-10m",
        _File("ratings.dat", "::", columns=_RATINGS),
        _File("movies.dat", "::", columns=(n.MOVIE_ID, n.TITLE, n.GENRES)),
        _File("users.dat", "::", None, (n.USER_ID, n.GENDER, n.AGE, n.OCCUPATION, _ZIP)),
    ),
)


def find_layout(folder: Path) -> tuple[Path, Layout] | None:
    """The folder with the ratings in it, and the edition; None where there is none.

    It is `folder`, or the one folder inside it, as when a zip file was unpacked into a folder of
    the same name. CSV files count only with the headers of MovieLens.
    """
    if not folder.is_dir():
        return None
    inside = [item for item in sorted(folder.iterdir()) if item.is_dir()]
    for place in (folder, *(inside if len(inside) == 1 else [])):
        for layout in LAYOUTS:
            if _fits(place, layout):
                return place, layout
    return None


def _fits(folder: Path, layout: Layout) -> bool:
    if not all((folder / file.name).is_file() for file in (layout.ratings, layout.movies)):
        return False
    if layout.ratings.columns is not None:
        return True
    with (folder / layout.ratings.name).open("rb") as ratings:
        return ratings.readline().strip().lower().startswith(b"userid,movieid,rating")


class MovieLensSource:
    """A Source over an unzipped MovieLens data set.

    Args:
        config: where the folder is.
        root: folder that a relative path starts from: that of recsys.toml.
    """

    def __init__(self, config: MovieLensConfig, root: Path) -> None:
        self._config = config
        self._root = root

    @property
    def description(self) -> str:
        """One line for people, such as ``MovieLens: data/ml-latest-small``."""
        return f"MovieLens: {self._config.path}"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time (UTC) of the newest rating not later than `not_after`; None where all are later."""
        times = self._times()
        if not_after is not None:
            times = times[times <= not_after]
        return None if times.empty else times.max()

    def oldest_event(self) -> pd.Timestamp | None:
        """Time (UTC) of the oldest rating."""
        times = self._times()
        return None if times.empty else times.min()

    def read(self, as_of: pd.Timestamp | None = None) -> Tables:
        """Ratings, movies with titles, years and genres, and users where the edition has them.

        Where the edition has no users, they are those with a rating up to `as_of`.

        Raises:
            SourceError: no edition is recognised, or a file is unreadable.
        """
        folder, layout = self._layout()
        ratings = self._read(folder, layout.ratings)
        movies = split_titles(_with_genres(self._read(folder, layout.movies)))
        inputs = {
            MOVIES.name: RawInput(movies, _config()),
            INTERACTIONS.name: RawInput(ratings, _config()),
        }
        if layout.users is not None and (folder / layout.users.name).is_file():
            users = self._read(folder, layout.users)
            inputs[USERS.name] = RawInput(users, _config(_USER_VALUES.get(layout.title, {})))
        return assemble(inputs, as_of)

    def fingerprint(self) -> str:
        """Sixteen digits that change with the size or time of change of a file."""
        folder, layout = self._layout()
        present = [file for file in layout.files if (folder / file.name).is_file()]
        return fingerprint(self._place(folder, file) for file in present)

    def _times(self) -> pd.Series:
        folder, layout = self._layout()
        # Every edition has the time in the last column.
        raw = self._read(folder, layout.ratings, lambda columns: columns[-1:])
        return parse_time(next(iter(raw.columns.values())), _config()).values.dropna()

    def _layout(self) -> tuple[Path, Layout]:
        folder = local_path(self._config.path, self._root)
        if not folder.is_dir():
            is_file = folder.exists()
            raise SourceError(
                f"{self._config.path} is {'a file, not a folder' if is_file else 'not there'} "
                f"(looked for {folder}).",
                "Name the folder that the MovieLens zip file was unpacked into.",
            )
        found = find_layout(folder)
        if found is None:
            inside = ", ".join(sorted(item.name for item in folder.iterdir())[:8]) or "nothing"
            raise SourceError(
                f"{self._config.path} holds no MovieLens data set (it holds {inside}).",
                "It needs "
                + "; or ".join(f"{item.ratings.name} and {item.movies.name}" for item in LAYOUTS)
                + '. For other files use kind = "files".',
            )
        return found

    def _place(self, folder: Path, file: _File) -> Place:
        path = folder / file.name
        return Place(display_name(path, self._root), str(path), remote=False)

    def _read(
        self,
        folder: Path,
        file: _File,
        choose: Choose | None = None,
    ) -> RawTable:
        place = self._place(folder, file)
        raw = read_file(place, file.separator, file.encoding, file.columns, choose)
        return stack([raw])


_USER_VALUES: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "ml-1m, ml-10m": {
        n.AGE: _AGES_1M,
        n.OCCUPATION: {str(code): name for code, name in enumerate(_OCCUPATIONS_1M)},
    }
}


def _config(values: dict[str, dict[str, Any]] | None = None) -> FileTableConfig:
    """How every edition writes its values; the path plays no part."""
    return FileTableConfig(
        path="", values=values or {}, list_separator="|", time_unit="s", rating_scale=STARS
    )


def _with_genres(movies: RawTable) -> RawTable:
    """`movies` of ml-100k with its 19 columns of flags as one column; others as they are."""
    if _GENRES_100K[-1] not in movies.columns:
        return movies
    flags = np.column_stack([movies.columns[name].to_numpy() == "1" for name in _GENRES_100K])
    names = np.array(_GENRES_100K)
    # The first flag says that no genre is known.
    genres = ["|".join(names[1:][row]) for row in flags[:, 1:]]
    columns = {
        n.MOVIE_ID: movies.columns[n.MOVIE_ID],
        n.TITLE: movies.columns[n.TITLE],
        n.GENRES: pa.chunked_array([pa.array(genres, pa.large_string())]),
    }
    return replace(movies, columns=columns)
