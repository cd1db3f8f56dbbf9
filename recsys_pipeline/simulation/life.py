"""Life: the people of a world after its first year, week by week, with the lists they are given."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.simulation.frames import IntArray, checked_rows
from recsys_pipeline.simulation.life_config import LifeConfig
from recsys_pipeline.simulation.life_growth import Growth, ends
from recsys_pipeline.simulation.life_sessions import Sessions
from recsys_pipeline.simulation.life_state import announce, begin, move_on
from recsys_pipeline.simulation.lived import Floats, Ints, LivedWeek
from recsys_pipeline.simulation.world import World


class Life:
    """A world that lives on, one week after the other, under the lists that users are given.

    Equal configs and equal lists give equal weeks, byte for byte. With other lists the same
    people come with the same tastes, and every draw belongs to a user, a session and a place:
    two lives of one seed differ by what the lists change, and by little else.

    A life holds two bytes for each user and movie.

    >>> from recsys_pipeline.simulation import WorldConfig
    >>> life = Life(LifeConfig(world=WorldConfig(users=20, movies=30, interactions=40)))
    >>> lived = life.live(1, np.tile(np.arange(15, dtype=np.int32), (20, 1)))
    >>> life.week, int(lived.impressions.rank.max())
    (1, 10)
    """

    def __init__(self, config: LifeConfig) -> None:
        self.config = config
        self._growth = Growth(config)
        self._state = begin(config, self._growth, self.history())
        self._week = 0

    @property
    def week(self) -> int:
        """The week lived last; 0 before the first."""
        return self._week

    def ends(self, week: int) -> pd.Timestamp:
        """When `week` is over and the next one starts (UTC); of week 0, the end of the year."""
        return pd.Timestamp(ends(self.config, week), unit="s", tz="UTC")

    def users(self, week: int) -> pd.DataFrame:
        """The users who have signed up by the end of `week`, row i with id i + 1.

        In the dtypes of the contract. Those who have left stay in it, as a platform keeps
        accounts. The preferred genres are those that the user said to like on signing up: tastes
        change, and the table does not follow. ``signup_at`` is missing for the first year's
        users, and their months of subscription count on from what the world's table says. Any
        week may be asked for, lived or not.

        Raises:
            ValueError: `week` is below 0, or more than 5,200.
        """
        return self._growth.users(week)

    def movies(self, week: int) -> pd.DataFrame:
        """The movies that have appeared by the end of `week`, row j with id j + 1.

        In the dtypes of the contract. ``available_from`` is missing for the first year's movies.
        Raises as `users` does.
        """
        return self._growth.movies(week)

    def history(self) -> pd.DataFrame:
        """The interactions of the first year, as `World.interactions` has them."""
        return World(self.config.world).interactions(self.ends(0) - pd.Timedelta(1, unit="s"))

    def like_probability(self, user_rows: IntArray, movie_rows: IntArray) -> Floats:
        """The true probability that a user likes a movie, with the tastes of the coming week.

        As `World.like_probability`, for rows of ``users(week)`` and ``movies(week)``, `week`
        being the one lived last.

        Raises:
            IndexError: a row is not in the table.
        """
        users = checked_rows(user_rows, len(self._state.here))
        movies = checked_rows(movie_rows, len(self._state.films))
        return self._state.tenths(users, movies) / 10

    def present(self) -> npt.NDArray[np.bool_]:
        """Who has not left: bool, one per row of ``users(week)`` of the week lived last."""
        return self._state.here.copy()

    def satisfaction(self) -> Floats:
        """How satisfied each user is: float64, 0 to 1, by row; of those who left, the last."""
        return self._state.satisfaction.copy()

    def sessions(self) -> Floats:
        """Sessions that each user is expected to come for in the coming week: float64, by row."""
        return self._state.sessions(self.config)

    def live(self, week: int, lists: IntArray) -> LivedWeek:
        """Live the next week with these lists, and move on.

        Users come as a Poisson process and look at the first `places` movies of their list that
        they have not watched since the week began and that are available by then. Those who sign
        up during the week come from the next one on. A movie that was watched before the week is
        shown if it is listed, and never chosen.

        Args:
            week: the one after the week lived last.
            lists: int ``(n, m)``, rows of movies for each row of ``users(week - 1)``, best first;
                −1 pads. Movies that appear in the week may stand in it.

        Raises:
            ValueError: another week, another shape, or a movie twice in a list.
            IndexError: a movie that is not in ``movies(week)``.
        """
        if week != self._week + 1:
            raise ValueError(f"week is {week}; the week to live next is {self._week + 1}")
        lists = _checked(lists, len(self._state.here), len(self._growth.films(week)))
        announce(self._state, self._growth, week)
        start = ends(self.config, week - 1)
        diary = Sessions(self.config, self._state, week, start, lists).live()
        left = move_on(self._state, self.config, self._growth, week)
        self._week = week
        return diary.week(week, left)


def _checked(lists: IntArray, users: int, movies: int) -> Ints:
    """`lists` as int64."""
    rows: Ints = np.asarray(lists).astype(np.int64)
    if rows.ndim != 2 or len(rows) != users:
        raise ValueError(f"lists have the shape {rows.shape}; there are {users} users")
    if rows.size and (rows.min() < -1 or rows.max() >= movies):
        raise IndexError(
            f"lists hold rows {rows.min()} to {rows.max()}; the movies table has rows 0 to "
            f"{movies - 1}, and −1 pads"
        )
    in_order = np.sort(rows, axis=1)
    if ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any():
        raise ValueError("a list holds a movie twice")
    return rows
