"""What users do: the interactions of one day."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsys_pipeline.simulation.days import DAY_SECONDS
from recsys_pipeline.simulation.rule import (
    Films,
    People,
    choice_rating,
    choice_watch_fraction,
    like_tenths,
)


@dataclass(frozen=True)
class Choices:
    """Interactions as parallel arrays of length n, in order of (second, user, movie).

    Attributes:
        second: int64, since the start of the day; no two events share second, user and movie.
        user, movie: int64, row of the user and of the movie.
        liked: bool.
        watch_fraction: float64, share of the movie watched.
        rating: float64, stars.
    """

    second: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    movie: npt.NDArray[np.int64]
    liked: npt.NDArray[np.bool_]
    watch_fraction: npt.NDArray[np.float64]
    rating: npt.NDArray[np.float64]


def draw_meetings(
    rng: np.random.Generator, n: int, n_users: int, n_movies: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Second of the day, user and movie of n events; each uniform, no two events alike.

    Returns:
        three int64 arrays of shape ``(n,)``, in order of (second, user, movie).
    """
    # One number stands for all three, so that one sort both orders and finds repetitions.
    cells = DAY_SECONDS * n_users * n_movies
    drawn = np.unique(rng.integers(cells, size=n))
    while len(drawn) < n:
        drawn = np.union1d(drawn, rng.integers(cells, size=n - len(drawn)))
    rest, movie = np.divmod(drawn, n_movies)
    second, user = np.divmod(rest, n_users)
    return second, user, movie


def draw_choices(rng: np.random.Generator, n: int, people: People, films: Films) -> Choices:
    """The n interactions of a day."""
    second, user, movie = draw_meetings(rng, n, len(people), len(films))
    tenths = like_tenths(people.traits[user], films.traits[movie], films.quality_tenths[movie])
    liked = rng.integers(10, size=n, dtype=np.int8) < tenths
    return Choices(
        second=second,
        user=user,
        movie=movie,
        liked=liked,
        watch_fraction=choice_watch_fraction(liked, rng),
        rating=choice_rating(liked, rng),
    )
