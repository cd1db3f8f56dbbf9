"""Growth: who has signed up and which movies there are by the end of each week."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation.config import MOST_WEEKS
from recsys_pipeline.simulation.days import DAY_SECONDS, Purpose, generator, last_second
from recsys_pipeline.simulation.frames import NEVER, genre_lists, ids, table, times
from recsys_pipeline.simulation.life_config import LifeConfig
from recsys_pipeline.simulation.rule import (
    SEGMENTS,
    Films,
    People,
    draw_films,
    draw_new_films,
    draw_people,
)
from recsys_pipeline.simulation.titles import invent_titles

WEEK_SECONDS: Final = 7 * DAY_SECONDS
_MONTH_SECONDS: Final = DAY_SECONDS * 365.25 / 12

T = TypeVar("T", People, Films)


@dataclass(frozen=True)
class _Grown:
    """Those who come in one week, and the second (since 1970) at which each does."""

    people: People
    films: Films
    signup: npt.NDArray[np.int64]
    available: npt.NDArray[np.int64]


class Growth:
    """What comes week by week, whatever the lists: it needs no life to be lived.

    Week 0 is the end of the first year. Rows never move: what comes later stands further down,
    and nothing is taken out, as a platform keeps the accounts of those who have left.
    """

    def __init__(self, config: LifeConfig) -> None:
        self._config = config
        self._weeks: list[_Grown] = []

    def people(self, week: int) -> People:
        """All who have signed up by the end of `week`, with the tastes that they came with."""
        return joined([grown.people for grown in self._until(week)])

    def films(self, week: int) -> Films:
        """All movies that have appeared by the end of `week`."""
        return joined([grown.films for grown in self._until(week)])

    def available(self, week: int) -> npt.NDArray[np.int64]:
        """First second (since 1970) of each movie of ``films(week)``; `NEVER` for always."""
        return np.concatenate([grown.available for grown in self._until(week)])

    def users(self, week: int) -> pd.DataFrame:
        """The users table at the end of `week`; see `Life.users`."""
        people = self.people(week)
        signup = np.concatenate([grown.signup for grown in self._until(week)])
        start, end = ends(self._config, 0), ends(self._config, week)
        since = (end - np.maximum(signup, start)) / _MONTH_SECONDS
        return table(
            USERS,
            {
                n.USER_ID: ids(len(people)),
                n.AGE: people.age,
                n.SEGMENT: np.array(SEGMENTS, dtype=object)[people.segment],
                n.PREFERRED_GENRES: genre_lists(people.preferred),
                n.SUBSCRIPTION_MONTHS: np.round(people.subscription_months + since, 1),
                n.SESSIONS_PER_WEEK: people.sessions_per_week,
                n.SIGNUP_AT: times(signup),
            },
        )

    def movies(self, week: int) -> pd.DataFrame:
        """The movies table at the end of `week`; see `Life.movies`."""
        films = self.films(week)
        # The titles of the first movies do not change with what comes after them.
        titles = invent_titles(films.genre, generator(self._config.world, Purpose.TITLES))
        return table(
            MOVIES,
            {
                n.MOVIE_ID: ids(len(films)),
                n.TITLE: titles,
                n.GENRES: genre_lists(films.genre[:, None]),
                n.YEAR: films.year,
                n.DURATION_MINUTES: films.duration_minutes,
                n.MEAN_RATING: films.mean_rating,
                n.RATING_COUNT: films.rating_count,
                n.AVAILABLE_FROM: times(self.available(week)),
            },
        )

    def _until(self, week: int) -> list[_Grown]:
        if not 0 <= week <= MOST_WEEKS:
            raise ValueError(f"week is {week}; a life has weeks 0 to {MOST_WEEKS}")
        while len(self._weeks) <= week:
            number = len(self._weeks)
            self._weeks.append(self._come(number) if number else self._first())
        return self._weeks[: week + 1]

    def _first(self) -> _Grown:
        world = self._config.world
        return _Grown(
            draw_people(generator(world, Purpose.USERS), world.users),
            draw_films(generator(world, Purpose.MOVIES), world.movies, world.starts.year + 1),
            np.full(world.users, NEVER),
            np.full(world.movies, NEVER),
        )

    def _come(self, week: int) -> _Grown:
        world, start = self._config.world, ends(self._config, week - 1)
        rng = generator(world, Purpose.JOINING, week)
        size = int(rng.poisson(self._config.joining * world.users))
        signup = start + np.sort(rng.integers(WEEK_SECONDS, size=size))
        people = draw_people(rng, size)
        rng = generator(world, Purpose.NEW_MOVIES, week)
        size = int(rng.poisson(self._config.new_movies))
        available = start + np.sort(rng.integers(WEEK_SECONDS, size=size))
        year = datetime.fromtimestamp(start, UTC).year
        return _Grown(
            replace(people, subscription_months=np.zeros(len(people))),
            draw_new_films(rng, size, world.starts.year + 1, year),
            signup,
            available,
        )


def ends(config: LifeConfig, week: int) -> int:
    """The second (since 1970) at which `week` is over, and the next one starts."""
    return last_second(config.world, week) + 1


def joined(parts: Sequence[T]) -> T:
    """The rows of all `parts`, in their order."""
    kind = type(parts[0])
    return kind(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(kind)
        }
    )
