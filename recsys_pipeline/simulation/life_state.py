"""State: everything that changes from week to week in a life."""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation.days import Purpose, generator
from recsys_pipeline.simulation.frames import IntArray
from recsys_pipeline.simulation.life_config import LifeConfig
from recsys_pipeline.simulation.life_growth import Growth
from recsys_pipeline.simulation.rule import (
    GENRES,
    SEGMENT_GENRES,
    Films,
    People,
    like_tenths,
    user_traits,
)

_TALK_KEPT: Final = 0.8
"""Share of what was watched that is still talked of a week later."""

_SEGMENT_PLACES: Final = np.array(
    [[GENRES.index(genre) for genre in row] for row in SEGMENT_GENRES], dtype=np.int8
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Cell = TypeVar("Cell", bound=np.generic)


@dataclass
class State:
    """What people are and remember at one moment; arrays by row of users, or of movies.

    Attributes:
        people: as they are now: their traits follow their tastes.
        films: all that have appeared or will in the week to come.
        available: int64 ``(n_movies,)``, first second of each.
        attention: float64 ``(n_users,)``, how readily each chooses, around 1.
        satisfaction: float64 ``(n_users,)``, 0 to 1.
        here: bool ``(n_users,)``, who has not left.
        shown: uint8 ``(n_users, n_movies)``, showings in vain that are remembered.
        seen: bool ``(n_users, n_movies)``, what was ever watched.
        genres: float32 ``(n_users, n_genres)``, movies watched that are remembered.
        talk: float64 ``(n_movies,)``, movies watched, by whomever, that are talked of.
    """

    people: People
    films: Films
    available: Ints
    attention: Floats
    satisfaction: Floats
    here: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.uint8]
    seen: npt.NDArray[np.bool_]
    genres: npt.NDArray[np.float32]
    talk: Floats

    def tenths(self, users: IntArray, movies: IntArray) -> npt.NDArray[np.int8]:
        """Ten times the true probability of a like, of rows that can be broadcast."""
        films = self.films
        return like_tenths(
            self.people.traits[users], films.traits[movies], films.quality_tenths[movies]
        )

    def sessions(self, config: LifeConfig) -> Floats:
        """Sessions that each user is expected to come for in a week; 0 of those who left."""
        pulled = 1 + config.pull * (self.satisfaction - 0.5)
        expected: Floats = np.where(self.here, self.people.sessions_per_week * pulled, 0)
        return expected


def begin(config: LifeConfig, growth: Growth, history: pd.DataFrame) -> State:
    """The state at the end of the first year, in which `history` was watched."""
    people, films = growth.people(0), growth.films(0)
    shape = len(people), len(films)
    seen = np.zeros(shape, dtype=bool)
    seen[history[n.USER_ID].to_numpy() - 1, history[n.MOVIE_ID].to_numpy() - 1] = True
    return State(
        people=people,
        films=films,
        available=growth.available(0),
        attention=_attention(config, 0, len(people)),
        satisfaction=np.full(len(people), config.satisfaction_start),
        here=np.ones(len(people), dtype=bool),
        shown=np.zeros(shape, dtype=np.uint8),
        seen=seen,
        genres=np.zeros((len(people), len(GENRES)), dtype=np.float32),
        talk=np.zeros(len(films)),
    )


def announce(state: State, growth: Growth, week: int) -> None:
    """Take in the movies that appear in `week`."""
    state.films, state.available = growth.films(week), growth.available(week)
    shape = len(state.here), len(state.films)
    state.shown, state.seen = _grown(state.shown, shape), _grown(state.seen, shape)
    state.talk = _grown(state.talk, shape[1:])


def move_on(state: State, config: LifeConfig, growth: Growth, week: int) -> Ints:
    """End `week`: people leave, forget, change taste and join; the rows of who leaves."""
    size = len(state.here)
    chance = config.leaving * np.exp(-config.loyalty * state.satisfaction)
    leaves = generator(config.world, Purpose.LEAVING, week).random(size) < chance
    left = np.flatnonzero(leaves & state.here)
    state.here[left] = False
    state.shown -= (state.shown + np.uint8(3)) // np.uint8(4)
    state.genres /= np.float32(2)
    state.talk *= _TALK_KEPT
    people = growth.people(week)
    preferred = people.preferred.copy()
    preferred[:size] = _changed(state.people, config, generator(config.world, Purpose.TASTES, week))
    new = len(people) - size
    state.people = People(
        age=people.age,
        segment=people.segment,
        preferred=preferred,
        subscription_months=people.subscription_months,
        sessions_per_week=people.sessions_per_week,
        traits=user_traits(people.segment, preferred),
    )
    state.attention = np.concatenate([state.attention, _attention(config, week, new)])
    state.satisfaction = np.concatenate(
        [state.satisfaction, np.full(new, config.satisfaction_start)]
    )
    state.here = np.concatenate([state.here, np.ones(new, dtype=bool)])
    shape = len(people), len(state.films)
    state.shown, state.seen = _grown(state.shown, shape), _grown(state.seen, shape)
    state.genres = _grown(state.genres, (len(people), len(GENRES)))
    return left


def _changed(people: People, config: LifeConfig, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Preferred genres ``(n, 2)``, of a few users one drawn anew."""
    size = len(people)
    changes = rng.random(size) < config.taste_change
    which = rng.integers(2, size=size)
    usual = _SEGMENT_PLACES[people.segment, rng.integers(_SEGMENT_PLACES.shape[1], size=size)]
    any_genre = rng.integers(len(GENRES), size=size, dtype=np.int8)
    surprises = rng.random(size) < config.taste_surprise
    preferred = people.preferred.copy()
    rows = np.flatnonzero(changes)
    preferred[rows, which[rows]] = np.where(surprises, any_genre, usual)[rows]
    return preferred


def _attention(config: LifeConfig, week: int, size: int) -> Floats:
    """Attention of those who join in `week`: uniform around 1."""
    rng = generator(config.world, Purpose.ATTENTION, week)
    return rng.uniform(1 - config.attention_spread, 1 + config.attention_spread, size)


def _grown(values: npt.NDArray[Cell], shape: tuple[int, ...]) -> npt.NDArray[Cell]:
    """`values` with zeros behind, up to `shape`."""
    if values.shape == shape:
        return values
    grown = np.zeros(shape, dtype=values.dtype)
    grown[tuple(slice(length) for length in values.shape)] = values
    return grown
