"""Small worlds on which every recommender is tried."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset

GENRES = ("Action", "Comedy", "Drama", "Horror")
SEGMENTS = ("young", "adult", "senior")
AS_OF = pd.Timestamp("2023-12-31", tz="UTC")


@dataclass(frozen=True)
class Tables:
    """Three clean tables; `dataset` turns them into arrays."""

    users: pd.DataFrame
    movies: pd.DataFrame
    interactions: pd.DataFrame

    def dataset(self, as_of: pd.Timestamp | None = AS_OF) -> Dataset:
        return build_dataset(self.users, self.movies, self.interactions, LikesConfig(), as_of)

    def only(self, table: str, columns: list[str]) -> "Tables":
        """The same tables, one of them with these columns alone."""
        return replace(self, **{table: getattr(self, table)[columns]})

    def first_events(self, count: int) -> "Tables":
        return replace(self, interactions=self.interactions.iloc[:count])


def tables(n_users: int, n_items: int, seed: int = 0) -> Tables:
    """A world with every optional column, gaps in the profiles, and no event of the last movie."""
    rng = np.random.default_rng(seed)
    age = rng.normal(35, 12, n_users).clip(16, 80).round()
    segment = np.array(SEGMENTS)[np.digitize(age, [25, 45])].astype(object)
    age[::7], segment[1::7] = np.nan, None
    preferred = [list(rng.choice(GENRES, 2)) if row % 5 else None for row in range(n_users)]
    genre = rng.choice(GENRES, n_items)
    users = pd.DataFrame(
        {
            n.USER_ID: [f"person-{row:03d}" for row in range(n_users)],
            n.AGE: age,
            n.SEGMENT: pd.Series(segment, dtype="str"),
            n.PREFERRED_GENRES: preferred,
            n.SIGNUP_AT: AS_OF - pd.to_timedelta(rng.integers(1, 900, n_users), unit="D"),
        }
    )
    movies = pd.DataFrame(
        {
            n.MOVIE_ID: np.arange(n_items) + 100,
            n.TITLE: [f"The {name} night of day {row}" for row, name in enumerate(genre)],
            n.GENRES: [[name] for name in genre],
            n.YEAR: pd.array(rng.integers(1960, 2024, n_items), dtype="Int64"),
            n.DURATION_MINUTES: rng.normal(105, 20, n_items),
            n.MEAN_RATING: rng.uniform(1, 5, n_items),
            n.RATING_COUNT: rng.poisson(50, n_items).astype(float),
        }
    )
    user = np.repeat(np.arange(n_users), 12)
    item = np.concatenate([rng.choice(n_items - 1, 12, replace=False) for _ in range(n_users)])
    interactions = pd.DataFrame(
        {
            n.USER_ID: users[n.USER_ID].to_numpy()[user],
            n.MOVIE_ID: movies[n.MOVIE_ID].to_numpy()[item],
            n.TIMESTAMP: AS_OF - pd.to_timedelta(rng.integers(1, 365, len(user)), unit="D"),
            n.LIKED: pd.array(rng.random(len(user)) < 0.6, dtype="boolean"),
        }
    )
    return Tables(users, movies, interactions)


@pytest.fixture(scope="session")
def world() -> Tables:
    return tables(61, 40)


@pytest.fixture(scope="session", params=["more users", "more movies"])
def data(request: pytest.FixtureRequest) -> Dataset:
    """Data with more users than movies, and the other way round."""
    return (tables(61, 40) if request.param == "more users" else tables(23, 67)).dataset()


@pytest.fixture(scope="session")
def checkerboard() -> Callable[[int], Dataset]:
    """Even users like even movies, odd ones odd movies; user u has not met movie u.

    The segment of a user and the genre of a movie are its parity. Movie u is the only movie of
    the user's parity that is left, so a personal model must put it first.
    """

    def build(size: int) -> Dataset:
        parity = np.array(["even", "odd"])[np.arange(size) % 2]
        users = pd.DataFrame({n.USER_ID: np.arange(size), n.SEGMENT: pd.Series(parity)})
        movies = pd.DataFrame({n.MOVIE_ID: np.arange(size), n.GENRES: [[name] for name in parity]})
        user, item = np.nonzero(np.add.outer(np.arange(size), np.arange(size)) % 2 == 0)
        met = user != item
        interactions = pd.DataFrame({n.USER_ID: user[met], n.MOVIE_ID: item[met]})
        return Tables(users, movies, interactions).dataset(as_of=None)

    return build
