"""The rule of the world: who the users are, what the movies are, and who likes what.

A probability of liking is a whole number of tenths, so it is kept as one: exact and small.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

GENRES: Final = (
    "Action",
    "Animation",
    "Sci-Fi",
    "Drama",
    "Comedy",
    "Thriller",
    "Romance",
    "Documentary",
    "Horror",
)
SEGMENTS: Final = ("young", "adult", "senior")
SEGMENT_GENRES: Final = (
    ("Action", "Animation", "Sci-Fi"),
    ("Drama", "Comedy", "Thriller"),
    ("Drama", "Romance", "Documentary"),
)
"""For each of SEGMENTS the genres that its members may prefer."""

_SEGMENT_STARTS: Final = (25, 45)
_WELL_RATED_GENRES: Final = ("Drama", "Documentary")

# Years before the year after the first one: with a start in 2023, before 2024.
_OLDEST: Final = 34
_RATED_AS_NEW: Final = 9
_NEW_TO_THE_YOUNG: Final = 10
_OLD_TO_SENIORS: Final = 20

# The traits of a user and of a movie are bits: one per genre, then these two.
_GENRE_BITS: Final = (1 << len(GENRES)) - 1
_YOUNG_OR_NEW: Final = 1 << len(GENRES)
_SENIOR_OR_OLD: Final = 2 << len(GENRES)


@dataclass(frozen=True)
class People:
    """The users, as arrays of length n.

    Attributes:
        age: float64, years, one decimal.
        segment: int8, place in SEGMENTS.
        preferred: int8 ``(n, 2)``, places in GENRES; both may be the same genre.
        subscription_months: float64, one decimal.
        sessions_per_week: float64, whole numbers from 1.
        traits: uint16, the bits that `like_tenths` compares.
    """

    age: npt.NDArray[np.float64]
    segment: npt.NDArray[np.int8]
    preferred: npt.NDArray[np.int8]
    subscription_months: npt.NDArray[np.float64]
    sessions_per_week: npt.NDArray[np.float64]
    traits: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.age)


@dataclass(frozen=True)
class Films:
    """The movies, as arrays of length n.

    Attributes:
        genre: int8, place in GENRES.
        year: int16, year of release.
        duration_minutes: float64, one decimal.
        mean_rating: float64, 1 to 5 stars, two decimals.
        rating_count: float64, whole numbers from 50.
        traits: uint16, the bits that `like_tenths` compares.
        quality_tenths: int8, what the mean rating adds to a like: 0, 3 or minus 3.
    """

    genre: npt.NDArray[np.int8]
    year: npt.NDArray[np.int16]
    duration_minutes: npt.NDArray[np.float64]
    mean_rating: npt.NDArray[np.float64]
    rating_count: npt.NDArray[np.float64]
    traits: npt.NDArray[np.uint16]
    quality_tenths: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.genre)


def draw_people(rng: np.random.Generator, n: int) -> People:
    """n users. What depends on the age is taken from the rounded age, which the table shows."""
    age = _rounded(np.clip(rng.normal(35, 12, n), 16, 80), 1)
    segment = np.searchsorted(_SEGMENT_STARTS, age, side="right").astype(np.int8)
    genres = np.array(
        [[GENRES.index(genre) for genre in row] for row in SEGMENT_GENRES], dtype=np.int8
    )
    preferred = genres[segment[:, None], rng.integers(genres.shape[1], size=(n, 2))]
    return People(
        age=age,
        segment=segment,
        preferred=preferred,
        subscription_months=_rounded(rng.exponential(12, n), 1),
        sessions_per_week=1.0 + rng.poisson(4, n).astype(np.float64),
        traits=user_traits(segment, preferred),
    )


def user_traits(
    segment: npt.NDArray[np.int8], preferred: npt.NDArray[np.int8]
) -> npt.NDArray[np.uint16]:
    """The bits that `like_tenths` compares, of users with these segments and preferred genres."""
    likes = np.left_shift(1, preferred.astype(np.uint16), dtype=np.uint16)
    of_segment = np.array([_YOUNG_OR_NEW, 0, _SENIOR_OR_OLD], dtype=np.uint16)
    traits: npt.NDArray[np.uint16] = likes[:, 0] | likes[:, 1] | of_segment[segment]
    return traits


def draw_films(rng: np.random.Generator, n: int, reference_year: int) -> Films:
    """n movies of the 34 years before `reference_year`."""
    genre = rng.integers(len(GENRES), size=n, dtype=np.int8)
    age = rng.integers(1, _OLDEST, endpoint=True, size=n, dtype=np.int16)
    return _films(rng, genre, age, reference_year)


def draw_new_films(rng: np.random.Generator, n: int, reference_year: int, year: int) -> Films:
    """n movies of `year`, whose age is counted from the same `reference_year` as all others'."""
    genre = rng.integers(len(GENRES), size=n, dtype=np.int8)
    return _films(rng, genre, np.full(n, reference_year - year, dtype=np.int16), reference_year)


def _films(
    rng: np.random.Generator,
    genre: npt.NDArray[np.int8],
    age: npt.NDArray[np.int16],
    reference_year: int,
) -> Films:
    """Movies of these genres and ages, in years before `reference_year`."""
    n = len(genre)
    well_rated = np.isin(genre, [GENRES.index(name) for name in _WELL_RATED_GENRES])
    rating = 3.5 + 0.3 * (age < _RATED_AS_NEW) + 0.4 * well_rated + rng.normal(0, 0.8, n)
    mean_rating = _rounded(np.clip(rating, 1, 5), 2)
    traits = np.left_shift(1, genre.astype(np.uint16), dtype=np.uint16)
    traits[age < _NEW_TO_THE_YOUNG] |= _YOUNG_OR_NEW
    traits[age > _OLD_TO_SENIORS] |= _SENIOR_OR_OLD
    return Films(
        genre=genre,
        year=(reference_year - age).astype(np.int16),
        duration_minutes=_rounded(np.clip(rng.normal(105, 20, n), 60, 180), 1),
        mean_rating=mean_rating,
        rating_count=50.0 + rng.poisson(500, n).astype(np.float64),
        traits=traits,
        quality_tenths=(3 * (mean_rating > 4) - 3 * (mean_rating < 2.5)).astype(np.int8),
    )


def like_tenths(
    user_traits: npt.NDArray[np.uint16],
    movie_traits: npt.NDArray[np.uint16],
    quality_tenths: npt.NDArray[np.int8],
) -> npt.NDArray[np.int8]:
    """Ten times the probability that a user likes a movie: int8, 0 to 10.

    The arguments are broadcast against each other, and so is the result.
    """
    shared = user_traits & movie_traits
    tenths = np.full(shared.shape, 3, dtype=np.int8)
    tenths += np.int8(4) * ((shared & _GENRE_BITS) != 0)
    tenths += np.int8(2) * ((shared & ~np.uint16(_GENRE_BITS)) != 0)
    tenths += quality_tenths
    clipped: npt.NDArray[np.int8] = np.clip(tenths, 0, 10, out=tenths)
    return clipped


def choice_watch_fraction(
    liked: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Share watched, three decimals: uniform 0.1…1 where liked, else 0.05…0.4."""
    return _uniform(liked, (0.1, 1.0), (0.05, 0.4), 3, rng)


def choice_rating(
    liked: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Stars given, two decimals: uniform 1…5 where liked, else 1…3."""
    return _uniform(liked, (1.0, 5.0), (1.0, 3.0), 2, rng)


def _uniform(
    liked: npt.NDArray[np.bool_],
    if_liked: tuple[float, float],
    if_not: tuple[float, float],
    decimals: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    low = np.where(liked, if_liked[0], if_not[0])
    high = np.where(liked, if_liked[1], if_not[1])
    return _rounded(rng.uniform(low, high), decimals)


def _rounded(values: npt.NDArray[np.float64], decimals: int) -> npt.NDArray[np.float64]:
    rounded: npt.NDArray[np.float64] = np.round(values, decimals)
    return rounded
