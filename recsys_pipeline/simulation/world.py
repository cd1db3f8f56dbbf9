"""World: the simulated tables, and the truth behind them."""

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.simulation.choices import draw_choices, draw_meetings
from recsys_pipeline.simulation.config import MOST_WEEKS, WorldConfig
from recsys_pipeline.simulation.days import (
    Day,
    Purpose,
    days_until,
    generator,
    last_second,
)
from recsys_pipeline.simulation.frames import (
    IntArray,
    checked_rows,
    genre_lists,
    ids,
    table,
    times,
)
from recsys_pipeline.simulation.rule import (
    SEGMENTS,
    Films,
    People,
    draw_films,
    draw_people,
    like_tenths,
)
from recsys_pipeline.simulation.titles import invent_titles

_EPOCH: Final = pd.Timestamp(0, unit="s", tz="UTC")
_SECOND: Final = pd.Timedelta(1, unit="s")


class World:
    """A streaming service with known tastes: one fixed world that goes on week after week.

    Equal configs give equal tables, byte for byte. The users do not depend on the number of
    movies or interactions, nor the movies on that of users or interactions, and a longer life
    has the shorter one as its beginning.

    Values are rounded (age, months and minutes to one decimal, stars to two, shares watched to
    three) before the rule is applied, so the rule holds exactly on what the tables show. Rows
    are counted from 0; the id of row i is i + 1.

    >>> world = World(WorldConfig(users=3, movies=2, interactions=4))
    >>> world.users().shape, world.movies().shape, world.interactions().shape
    ((3, 6), (2, 7), (4, 6))
    """

    def __init__(self, config: WorldConfig) -> None:
        self.config = config

    @cached_property
    def _people(self) -> People:
        return draw_people(generator(self.config, Purpose.USERS), self.config.users)

    @cached_property
    def _films(self) -> Films:
        rng = generator(self.config, Purpose.MOVIES)
        return draw_films(rng, self.config.movies, self.config.starts.year + 1)

    def users(self) -> pd.DataFrame:
        """The users table, row i with id i + 1, in the dtypes of its contract.

        Both preferred genres may be the same one: they are drawn with replacement.
        """
        people = self._people
        return table(
            USERS,
            {
                n.USER_ID: ids(len(people)),
                n.AGE: people.age,
                n.SEGMENT: np.array(SEGMENTS, dtype=object)[people.segment],
                n.PREFERRED_GENRES: genre_lists(people.preferred),
                n.SUBSCRIPTION_MONTHS: people.subscription_months,
                n.SESSIONS_PER_WEEK: people.sessions_per_week,
            },
        )

    def movies(self) -> pd.DataFrame:
        """The movies table, row j with id j + 1, in the dtypes of its contract."""
        films = self._films
        return table(
            MOVIES,
            {
                n.MOVIE_ID: ids(len(films)),
                n.TITLE: invent_titles(films.genre, generator(self.config, Purpose.TITLES)),
                n.GENRES: genre_lists(films.genre[:, None]),
                n.YEAR: films.year,
                n.DURATION_MINUTES: films.duration_minutes,
                n.MEAN_RATING: films.mean_rating,
                n.RATING_COUNT: films.rating_count,
            },
        )

    def interactions(self, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
        """The interactions up to `as_of`, in order of time, user and movie.

        An earlier `as_of` gives exactly the rows of a later one that are not after it. No two
        rows share user, movie and timestamp.

        Args:
            as_of: a moment with a time zone; None is the end of the first year and of the
                ``config.weeks`` weeks after it. Before the start the table is empty.

        Raises:
            ValueError: `as_of` has no time zone.
            SettingsError: `as_of` is more than 5,200 weeks after the first year.
        """
        until = self._until(as_of)
        days = days_until(self.config, until)
        size = sum(day.events for day in days)
        # Filled day by day, and in the dtypes of the table, so that no second copy is ever held.
        second = np.empty(size, dtype=np.int64)
        user, movie = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        liked = np.empty(size, dtype=bool)
        watch_fraction, rating = np.empty(size), np.empty(size)
        end = 0
        for day in days:
            rows = slice(end, end + day.events)
            end = rows.stop
            drawn = draw_choices(day.generator(self.config), day.events, self._people, self._films)
            second[rows] = day.start + drawn.second
            user[rows] = 1 + drawn.user
            movie[rows] = 1 + drawn.movie
            liked[rows] = drawn.liked
            watch_fraction[rows] = drawn.watch_fraction
            rating[rows] = drawn.rating
        known = slice(int(np.searchsorted(second, until, side="right")))
        return table(
            INTERACTIONS,
            {
                n.USER_ID: user[known],
                n.MOVIE_ID: movie[known],
                n.TIMESTAMP: times(second[known]),
                n.LIKED: pd.arrays.BooleanArray(liked[known], np.zeros(known.stop, dtype=bool)),
                n.WATCH_FRACTION: watch_fraction[known],
                n.RATING: rating[known],
            },
            copy=False,
        )

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        """Time of the newest interaction of ``interactions(not_after)``; None if it has none.

        Makes a day or two, not the whole table. Raises as `interactions` does.
        """
        until = self._until(not_after)
        for day in reversed(days_until(self.config, until)):
            second = day.start + self._seconds(day)
            known = second[second <= until]
            if len(known):
                newest: pd.Timestamp = _EPOCH + int(known[-1]) * _SECOND
                return newest
        return None

    def like_probability(
        self, user_rows: IntArray, movie_rows: IntArray
    ) -> npt.NDArray[np.float64]:
        """The true probability that a user likes a movie: float64, 0 to 1.

        Args:
            user_rows, movie_rows: rows (not ids) of the tables, of shapes that can be broadcast:
                ``(n,)`` and ``(n,)`` for pairs, ``(n, 1)`` and ``(n, k)`` for lists.

        Returns:
            the probabilities, of the broadcast shape.

        Raises:
            IndexError: a row is not in the table (a negative one, which pads short lists, is not).
        """
        users = checked_rows(user_rows, self.config.users)
        movies = checked_rows(movie_rows, self.config.movies)
        traits, films = self._people.traits[users], self._films
        return like_tenths(traits, films.traits[movies], films.quality_tenths[movies]) / 10

    def like_probabilities(self, user_rows: IntArray) -> npt.NDArray[np.float32]:
        """The true probabilities of every movie: float32 ``(len(user_rows), n_movies)``.

        Needs about eight bytes per user and movie: ask for users in blocks.

        Raises:
            IndexError: a row is not in the users table.
        """
        users = checked_rows(user_rows, self.config.users)
        films = self._films
        tenths = like_tenths(
            self._people.traits[users][:, None], films.traits, films.quality_tenths
        )
        p: npt.NDArray[np.float32] = np.divide(tenths, 10, dtype=np.float32)
        return p

    def best_possible(self, user_rows: IntArray, k: int) -> npt.NDArray[np.float64]:
        """What the best list of k movies is worth to each user: float64 ``(len(user_rows),)``.

        That is the mean true probability of the k movies that the user would like most; all
        movies if there are fewer.

        Raises:
            IndexError: a row is not in the users table.
            ValueError: k is below 1.
        """
        if k < 1:
            raise ValueError(f"k is {k}; a list has at least one movie")
        films = self._films
        # Users with the same traits have the same list, and there are few kinds of them.
        kinds, kind = np.unique(
            self._people.traits[checked_rows(user_rows, self.config.users)], return_inverse=True
        )
        tenths = like_tenths(kinds[:, None], films.traits, films.quality_tenths)
        best = np.sort(tenths, axis=1)[:, ::-1][:, :k]
        worth: npt.NDArray[np.float64] = best.mean(axis=1)[kind] / 10
        return worth

    def _until(self, as_of: pd.Timestamp | None) -> int:
        """The last second that is known at `as_of`."""
        if as_of is None:
            return last_second(self.config, self.config.weeks)
        if as_of.tz is None:
            raise ValueError(f"as_of {as_of} has no time zone")
        until = int((as_of - _EPOCH) // _SECOND)
        end = last_second(self.config, MOST_WEEKS)
        if until > end:
            raise SettingsError(
                f"as_of {as_of:%Y-%m-%d} lies after the end of the simulated world, which starts "
                f"on {self.config.starts} and lives for a hundred years.",
                "Give an earlier as_of, or let the world start later.",
            )
        return until

    def _seconds(self, day: Day) -> npt.NDArray[np.int64]:
        """Seconds since the start of `day` of its events, ascending."""
        rng = day.generator(self.config)
        return draw_meetings(rng, day.events, self.config.users, self.config.movies)[0]
