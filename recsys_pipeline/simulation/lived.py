"""LivedWeek: what was shown in a week, what people did, and who left."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation.frames import table, times

EVENT_TYPES: Final = ("click", "view", n.RATING)
"""What `Actions.event_type` counts in, in the order in which they happen."""

ORGANIC: Final = -1
"""As number of an answer: none showed the movie, the user found it alone."""

_SECONDS_PER_PLACE: Final = 3
SESSION_SECONDS: Final = 60 * _SECONDS_PER_PLACE
"""All that a session leaves behind is dated within so many seconds of its start."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Impressions:
    """Movies shown, as parallel arrays, in order of answer and rank.

    Attributes:
        answer: int64, number of the page within the week, from 0, in order of time.
        user, movie: int64, rows of the tables.
        rank: int64, place on the page, from 1.
        second: int64, since 1970; the same all over a page.
    """

    answer: Ints
    user: Ints
    movie: Ints
    rank: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.answer)


@dataclass(frozen=True)
class Watched:
    """Movies watched, as parallel arrays, in order of (second, user, movie).

    Attributes:
        user, movie: int64, rows of the tables; no pair comes twice in a life.
        second: int64, since 1970: when it was chosen.
        answer: int64, number of the page that it was chosen from, or `ORGANIC`.
        rank: int64, place on that page from 1; 0 for none.
        liked: bool, the truth.
        watch_fraction: float64, share of the movie watched.
        rating: float64, stars; NaN where the user gave none.
    """

    user: Ints
    movie: Ints
    second: Ints
    answer: Ints
    rank: Ints
    liked: npt.NDArray[np.bool_]
    watch_fraction: Floats
    rating: Floats

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Browsed:
    """Movies opened without a page, and not watched: parallel arrays, in order of time.

    Attributes:
        user, movie: int64, rows of the tables.
        second: int64, since 1970.
    """

    user: Ints
    movie: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Actions:
    """What users did, as parallel arrays, in order of (second, user, movie).

    Attributes:
        user, movie: int64, rows of the tables.
        second: int64, since 1970.
        event_type: int8, place in `EVENT_TYPES`.
        watch_fraction: float64, share watched; NaN but for views.
        rating: float64, stars; NaN but for ratings.
        answer: int64, number of the page that showed the movie, or `ORGANIC`.
    """

    user: Ints
    movie: Ints
    second: Ints
    event_type: npt.NDArray[np.int8]
    watch_fraction: Floats
    rating: Floats
    answer: Ints

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class LivedWeek:
    """A week of a life.

    Attributes:
        week: its number, from 1.
        impressions: what was shown.
        watched: what was watched, from a page or not.
        browsed: what was opened without a page, and not watched.
        left: int64, rows of the users who leave at the end of the week, ascending.
    """

    week: int
    impressions: Impressions
    watched: Watched
    browsed: Browsed
    left: Ints

    def actions(self) -> Actions:
        """Clicks, views and ratings: one to three records of each movie opened.

        A movie is clicked, a second later viewed, if at all, and a second after that rated, if at
        all; time spent watching does not pass on this clock.
        """
        seen, other = self.watched, self.browsed
        rated = np.flatnonzero(~np.isnan(seen.rating))
        watched = np.arange(len(seen))
        rows = np.concatenate([watched, watched, rated])
        kind = np.repeat(np.arange(3, dtype=np.int8), [len(seen), len(seen), len(rated)])
        none = np.full(len(other), np.nan)
        click = np.zeros(len(other), dtype=np.int8)
        found = np.full(len(other), ORGANIC)
        user = np.concatenate([seen.user[rows], other.user])
        movie = np.concatenate([seen.movie[rows], other.movie])
        second = np.concatenate([seen.second[rows] + kind, other.second])
        fraction = np.where(kind == 1, seen.watch_fraction[rows], np.nan)
        rating = np.where(kind == 2, seen.rating[rows], np.nan)
        order = np.lexsort((movie, user, second))
        return Actions(
            user=user[order],
            movie=movie[order],
            second=second[order],
            event_type=np.concatenate([kind, click])[order],
            watch_fraction=np.concatenate([fraction, none])[order],
            rating=np.concatenate([rating, none])[order],
            answer=np.concatenate([seen.answer[rows], found])[order],
        )

    def interactions(self) -> pd.DataFrame:
        """One row per movie watched, as `World.interactions` has them and in their dtypes.

        The time is that of the view. The rating is missing where the user gave none.
        """
        seen = self.watched
        return table(
            INTERACTIONS,
            {
                n.USER_ID: seen.user + 1,
                n.MOVIE_ID: seen.movie + 1,
                n.TIMESTAMP: times(seen.second + 1),
                n.LIKED: seen.liked,
                n.WATCH_FRACTION: seen.watch_fraction,
                n.RATING: seen.rating,
            },
        )


class Diary:
    """Takes down what happens in the sessions of a week, in whatever order they come."""

    def __init__(self) -> None:
        self._pages: list[tuple[Ints, ...]] = []
        self._seen: list[tuple[npt.NDArray[Any], ...]] = []
        self._opened: list[tuple[npt.NDArray[Any], ...]] = []
        self._answers = 0

    def shown(self, user: Ints, second: Ints, row: Ints, movie: Ints, place: Ints) -> Ints:
        """Take down pages, one per user of `user` at `second`; return each movie's answer.

        Args:
            user, second: ``(p,)``, whose page, and when.
            row: ``(n,)``, places in `user`, ascending; a page without a movie is no answer.
            movie, place: ``(n,)``, what stands there, and where on the page, from 0.
        """
        _, number = np.unique(row, return_inverse=True)
        answer = number.astype(np.int64) + self._answers
        self._answers += int(number[-1]) + 1 if len(number) else 0
        self._pages.append((answer, user[row], movie, place + 1, second[row]))
        return answer

    def watched(
        self,
        user: Ints,
        movie: Ints,
        second: Ints,
        answer: Ints,
        rank: Ints,
        liked: npt.NDArray[np.bool_],
        watch_fraction: Floats,
        rating: Floats,
    ) -> None:
        """Take down movies watched; `second` is that of the session."""
        chosen = second + _SECONDS_PER_PLACE * rank
        self._seen.append((user, movie, chosen, answer, rank, liked, watch_fraction, rating))

    def browsed(self, user: Ints, movie: Ints, second: Ints) -> None:
        """Take down movies opened and not watched."""
        self._opened.append((user, movie, second))

    def week(self, week: int, left: Ints) -> LivedWeek:
        """All of it, in order of time, answers numbered in that order."""
        answer, user, movie, rank, second = _columns(self._pages, 5)
        order = np.lexsort((rank, answer, user, second))
        answer = answer[order]
        starts = np.ones(len(answer), dtype=bool)
        starts[1:] = answer[1:] != answer[:-1]
        number = np.cumsum(starts) - 1
        # The last place is that of no answer at all.
        numbers = np.full(self._answers + 1, ORGANIC)
        numbers[answer] = number
        impressions = Impressions(number, user[order], movie[order], rank[order], second[order])

        seen = _columns(self._seen, 8)
        order = np.lexsort((seen[1], seen[0], seen[2]))
        user, movie, second, answer, rank, liked, fraction, rating = (
            column[order] for column in seen
        )
        watched = Watched(
            user, movie, second, numbers[answer], rank, liked.astype(bool), fraction, rating
        )

        user, movie, second = _columns(self._opened, 3)
        order = np.lexsort((movie, user, second))
        browsed = Browsed(user[order], movie[order], second[order])
        return LivedWeek(week, impressions, watched, browsed, left)


def _columns(parts: list[tuple[npt.NDArray[Any], ...]], width: int) -> list[npt.NDArray[Any]]:
    """The parts of each column end to end; whole numbers where there are none."""
    if not parts:
        return [np.empty(0, dtype=np.int64)] * width
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
