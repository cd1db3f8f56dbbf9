"""The sessions of a week: users come, look at their list or search, choose and watch."""

from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.simulation.days import Purpose, generator
from recsys_pipeline.simulation.life_choices import choosing, page
from recsys_pipeline.simulation.life_config import LifeConfig
from recsys_pipeline.simulation.life_growth import WEEK_SECONDS
from recsys_pipeline.simulation.life_state import State
from recsys_pipeline.simulation.lived import ORGANIC, SESSION_SECONDS, Diary, Floats, Ints
from recsys_pipeline.simulation.rule import choice_rating, choice_watch_fraction

_MOST_SHOWN: Final = 200
"""Showings of one movie to one user that are counted at most: so that they fit into a byte."""


class Sessions:
    """One week of sessions, which changes the state as it goes.

    Each session number of the week has a stream of its own, and in it a draw for every user and
    place, whoever comes: so another list, or another user's, moves nobody's draws.

    Args:
        config: the rates.
        state: changed in place.
        week: its number.
        start: its first second, since 1970.
        lists: int64 ``(n_users, m)``, rows of movies, best first; −1 pads.
    """

    def __init__(
        self, config: LifeConfig, state: State, week: int, start: int, lists: Ints
    ) -> None:
        self._config, self._state = config, state
        self._week, self._start, self._lists = week, start, lists
        self._diary = Diary()
        self._gone = lists < 0
        # What is available as the week starts can be met by search; the talk is that of the past.
        known = int(np.count_nonzero(state.available < start))
        self._talk = np.cumsum(1 + state.talk[:known])
        self._watched = np.zeros(len(state.films))

    def live(self) -> Diary:
        """Live them all, session number by session number."""
        size = len(self._lists)
        expected = self._state.sessions(self._config)
        coming = expected > 0
        elapsed = np.zeros(size)
        for number in count():
            rng = generator(self._config.world, Purpose.SESSIONS, self._week, number)
            gap = rng.exponential(WEEK_SECONDS, size=size)
            elapsed[coming] += gap[coming] / expected[coming]
            coming &= elapsed < WEEK_SECONDS - SESSION_SECONDS
            if not coming.any():
                break
            second = self._start + elapsed.astype(np.int64)
            looks = rng.random(size) < self._config.looks
            self._look(rng, np.flatnonzero(coming & looks), second)
            self._search(rng, np.flatnonzero(coming & ~looks), second)
        self._state.talk += self._watched
        return self._diary

    def _look(self, rng: np.random.Generator, users: Ints, second: Ints) -> None:
        """Those of the rows `users` look at their lists, at ``second[users]``."""
        config, state = self._config, self._state
        draws = _Draws(rng, (len(second), config.places))
        lists = self._lists[users]
        there = ~self._gone[users] & (state.available[lists] <= second[users, None])
        row, column, place = page(there, config.places)
        user, movie = users[row], lists[row, column]
        answer = self._diary.shown(users, second[users], row, movie, place)
        like = state.tenths(user, movie) / 10
        probability = choosing(
            config,
            place,
            like,
            state.attention[user],
            state.shown[user, movie],
            state.genres[user, state.films.genre[movie]],
        )
        seen = state.seen[user, movie]
        chosen = (draws.choice[user, place] < probability) & ~seen
        vain = user[~chosen], movie[~chosen]
        state.shown[vain] = np.minimum(state.shown[vain] + np.uint8(1), _MOST_SHOWN)
        self._gone[user[chosen], column[chosen]] = True
        liked = self._watch(
            draws, user[chosen], place[chosen], movie[chosen], second, answer[chosen]
        )
        found = np.zeros(len(second))
        found[user[chosen][liked]] = 1
        state.satisfaction[users] += config.satisfaction_pace * (
            found[users] - state.satisfaction[users]
        )

    def _search(self, rng: np.random.Generator, users: Ints, second: Ints) -> None:
        """Those of the rows `users` search, or follow what others watch; they meet one movie."""
        config, state = self._config, self._state
        draws = _Draws(rng, (len(second), 1))
        spoken = rng.random(len(second)) * self._talk[-1]
        followed = np.searchsorted(self._talk[:-1], spoken, "right")
        any_movie = rng.integers(len(self._talk), size=len(second))
        met = np.where(rng.random(len(second)) < config.friends, followed, any_movie)[users]
        opened = rng.random(len(second))[users] < config.browses
        users, met = users[opened], met[opened]
        like = state.tenths(users, met) / 10
        watched = (draws.choice[users, 0] < config.plays * like) & ~state.seen[users, met]
        self._diary.browsed(users[~watched], met[~watched], second[users[~watched]])
        user, movie = users[watched], met[watched]
        nowhere = np.full(len(user), ORGANIC)
        self._watch(draws, user, np.zeros(len(user), dtype=np.int64), movie, second, nowhere)
        self._gone[user] |= self._lists[user] == movie[:, None]

    def _watch(
        self,
        draws: "_Draws",
        user: Ints,
        place: Ints,
        movie: Ints,
        second: Ints,
        answer: Ints,
    ) -> npt.NDArray[np.bool_]:
        """Watch the movies: whether each is liked, and all that follows from it."""
        config, state = self._config, self._state
        liked = draws.like[user, place] < state.tenths(user, movie)
        fraction, stars = draws.outcomes(user, place, liked)
        self._diary.watched(
            user=user,
            movie=movie,
            second=second[user],
            answer=answer,
            rank=np.where(answer == ORGANIC, 0, place + 1),
            liked=liked,
            watch_fraction=fraction,
            rating=np.where(draws.rating[user, place] < config.rates, stars, np.nan),
        )
        state.seen[user, movie] = True
        np.add.at(state.genres, (user, state.films.genre[movie]), np.float32(1))
        self._watched += np.bincount(movie, minlength=len(self._watched))
        return liked


class _Draws:
    """The draws of one session number: one of each for every user and place.

    Args:
        rng: the stream of the session number.
        shape: ``(n_users, places)``.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int]) -> None:
        self.choice = rng.random(shape)
        self.rating = rng.random(shape)
        self.like = rng.integers(10, size=shape, dtype=np.int8)
        self._rng, self._shape = rng.spawn(1)[0], shape

    def outcomes(
        self, user: Ints, place: Ints, liked: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """Share watched and stars of those that are watched, by the rule of the world."""
        everywhere = np.zeros(self._shape, dtype=bool)
        everywhere[user, place] = liked
        fraction = choice_watch_fraction(everywhere, self._rng)
        stars = choice_rating(everywhere, self._rng)
        return fraction[user, place], stars[user, place]
