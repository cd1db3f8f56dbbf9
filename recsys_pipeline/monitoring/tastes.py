"""Tastes: what each segment does with each genre in a week, in counts and how sure they are."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable

EVERYBODY: Final = ""
"""The segment that stands for all users together."""

FEWEST_USERS: Final = 20
"""A segment in which fewer did something is left out: it says too much of each of them."""

_MOST_SEGMENTS: Final = 20

IntArray = npt.NDArray[np.integer[Any]]
Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Count:
    """A share as two counts: ``part / whole``.

    Attributes:
        part, whole: counts of events.
        spread: Σ over users of (their part − share × their whole)²: the variance of `part` given
            `whole`, where each user's events hang together.
        users: users with any event of the whole.
    """

    part: float
    whole: float
    spread: float
    users: int

    @property
    def share(self) -> float:
        """NaN where nothing is counted."""
        return self.part / self.whole if self.whole else float("nan")

    @property
    def variance(self) -> float:
        """Variance of the share; NaN with fewer than two users."""
        if self.users < 2:
            return float("nan")
        return self.spread / self.whole**2 * self.users / (self.users - 1)


@dataclass(frozen=True, slots=True)
class Taste:
    """What one segment did with one genre in one week.

    Attributes:
        segment: its name; `EVERYBODY` for all users.
        genre: a genre of the catalogue.
        actions: what was done with movies of the genre, out of what was done with any movie.
        clicks: movies of the genre that were clicked, out of those that were shown; None where
            nothing is known of what was shown.
    """

    segment: str
    genre: str
    actions: Count
    clicks: Count | None


@dataclass(frozen=True)
class Crowd:
    """The users and movies of a week as rows, with their segments and genres.

    Attributes:
        users, movies: the ids, row by row.
        segments: names; those of the most users, `EVERYBODY` first.
        members: CSR float64 ``(n_segments, n_users)``, 1 for a member.
        genres: the genres of the movies.
    """

    users: pd.Index
    movies: pd.Index
    segments: tuple[str, ...]
    members: sp.csr_matrix
    genres: GenreTable

    @classmethod
    def of(cls, users: pd.DataFrame, movies: pd.DataFrame) -> "Crowd":
        """From the users and movies tables (contracts USERS and MOVIES)."""
        size = len(users)
        named = users[n.SEGMENT] if n.SEGMENT in users.columns else pd.Series([None] * size)
        text = named.astype("str").where(named.notna().to_numpy(), None).reset_index(drop=True)
        often = text.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        segments = tuple(str(each) for each in often.index[:_MOST_SEGMENTS] if each)
        code = pd.Index(segments, dtype=object).get_indexer(pd.Index(text.to_numpy(dtype=object)))
        rows = np.flatnonzero(code >= 0)
        members = sp.csr_matrix(
            (
                np.ones(size + len(rows)),
                (
                    np.concatenate([np.zeros(size, dtype=np.int64), 1 + code[rows]]),
                    np.concatenate([np.arange(size), rows]),
                ),
            ),
            shape=(1 + len(segments), size),
        )
        return cls(
            pd.Index(users[n.USER_ID]),
            pd.Index(movies[n.MOVIE_ID]),
            (EVERYBODY, *segments),
            members,
            GenreTable.of(movies),
        )

    def rows_of(self, events: pd.DataFrame) -> tuple[Int64Array, Int64Array]:
        """Row of the user and of the movie of each event, −1 for one that is in no table."""
        user = self.users.get_indexer(pd.Index(events[n.USER_ID]))
        movie = self.movies.get_indexer(pd.Index(events[n.MOVIE_ID]))
        return user.astype(np.int64), movie.astype(np.int64)


def tastes_of(
    crowd: Crowd,
    actions: tuple[Int64Array, Int64Array],
    shown: tuple[Int64Array, Int64Array, npt.NDArray[np.bool_]] | None,
) -> tuple[Taste, ...]:
    """What every segment did with every genre.

    Args:
        crowd: users, movies, segments and genres.
        actions: rows of the users and movies of what was done, −1 for unknown ones.
        shown: rows of the users and movies that were shown, and whether each was clicked.

    Returns:
        the segments in which at least `FEWEST_USERS` did something, largest first, each with
        every genre in ascending order.
    """
    done, by_user = _per_user(crowd, *actions)
    acting = _counts(crowd, done, by_user[:, None])
    clicking = None
    if shown is not None:
        user, movie, clicked = shown
        clicking = _counts(
            crowd,
            _per_user(crowd, user[clicked], movie[clicked])[0],
            _per_user(crowd, user, movie)[0],
        )
    return tuple(
        Taste(
            segment,
            genre,
            acting[place][column],
            None if clicking is None else clicking[place][column],
        )
        for place, segment in enumerate(crowd.segments)
        for column, genre in enumerate(crowd.genres.vocabulary)
        if acting[place][column].users >= FEWEST_USERS
    )


def _per_user(
    crowd: Crowd, user: Int64Array, movie: Int64Array
) -> tuple[Float64Array, Float64Array]:
    """Events of each user by genre ``(n_users, n_genres)``, and all of them ``(n_users,)``."""
    known = (user >= 0) & (movie >= 0)
    user, movie = user[known], movie[known]
    users, genres = len(crowd.users), len(crowd.genres.vocabulary)
    event, genre = labels_of(crowd.genres.movies, movie)
    counted = np.bincount(user[event] * genres + genre, minlength=users * genres)
    by_genre = counted.reshape(users, genres).astype(np.float64)
    return by_genre, np.bincount(user, minlength=users).astype(np.float64)


def labels_of(genres: sp.csr_matrix, movie: IntArray) -> tuple[Int64Array, IntArray]:
    """The genres of movies, one below the other: the place in `movie` of each, and the genre.

    Args:
        genres: CSR ``(n_movies, n_genres)``, an entry for each genre of a movie.
        movie: rows of movies, each any number of times.
    """
    labels = np.diff(genres.indptr)[movie]
    place = np.repeat(np.arange(len(movie)), labels)
    # Of each movie its labels, one after the other: where they begin, and which one it is.
    within = np.arange(len(place)) - np.repeat(np.cumsum(labels) - labels, labels)
    return place, genres.indices[genres.indptr[movie][place] + within]


def _counts(crowd: Crowd, part: Float64Array, whole: Float64Array) -> list[list[Count]]:
    """A `Count` for each segment and genre.

    Args:
        part: float64 ``(n_users, n_genres)``.
        whole: float64, of the same shape or ``(n_users, 1)``.
    """

    def summed(values: Any) -> Float64Array:
        sums = np.asarray(crowd.members @ values)
        return np.broadcast_to(sums, (len(crowd.segments), part.shape[1]))

    parts, wholes, users = summed(part), summed(whole), summed((whole > 0).astype(np.float64))
    share = np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)
    spread = summed(part**2) - 2 * share * summed(part * whole) + share**2 * summed(whole**2)
    return [
        [Count(*each) for each in zip(*columns, strict=True)]
        for columns in zip(
            parts.tolist(),
            wholes.tolist(),
            np.maximum(spread, 0).tolist(),
            users.astype(np.int64).tolist(),
            strict=True,
        )
    ]
