"""One week as arrays that every figure is made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.codes import codes_in
from recsys_pipeline.monitoring.online_week import OnlineWeek
from recsys_pipeline.monitoring.rates import Float64Array, Int64Array, Parts
from recsys_pipeline.monitoring.user_weeks import segments

_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Counted:
    """A week with users and movies as numbers.

    Attributes:
        week: the week.
        weeks_user: number of the user of each row of the user weeks.
        shown_user: number of the user of each impression.
        shown_movie: row of each impression's movie in the catalogue, −1 for none of it.
        clicked: whether each impression was.
        done_user: number of the user of each action.
        answer: number of each impression's answer, from 0.
        first: position of the first impression of each answer.
    """

    week: OnlineWeek
    weeks_user: Int64Array
    shown_user: Int64Array
    shown_movie: Int64Array
    clicked: npt.NDArray[np.bool_]
    done_user: Int64Array
    answer: Int64Array
    first: Int64Array

    @classmethod
    def of(cls, week: OnlineWeek, user_ids: pd.Index, movie_ids: pd.Index) -> "Counted":
        """Count a week; every user of it must be in `user_ids`."""
        shown = week.impressions
        answer = pd.factorize(shown[n.REQUEST_ID])[0].astype(np.int64)
        return cls(
            week,
            codes_in(user_ids, week.user_weeks[n.USER_ID]),
            codes_in(user_ids, shown[n.USER_ID]),
            codes_in(movie_ids, shown[n.MOVIE_ID]),
            shown[n.CLICKED_AT].notna().to_numpy(),
            codes_in(user_ids, week.actions[n.USER_ID]),
            answer,
            np.flatnonzero(~pd.Series(answer).duplicated().to_numpy()),
        )

    def per_user(self, y: str, x: str | None, group: Int64Array) -> Parts:
        """A column of the user weeks by another one, or by 1 for each user."""
        rows = self.week.user_weeks
        by = np.ones(len(rows)) if x is None else _floats(rows[x])
        return Parts(self.weeks_user, group, _floats(rows[y]), by)

    def per_impression(self, group: Int64Array) -> Parts:
        """Clicks by impressions."""
        return Parts(
            self.shown_user, group, self.clicked.astype(np.float64), np.ones(len(self.clicked))
        )

    def per_rating(self, group: Int64Array) -> Parts:
        """Ratings of movies shown: their sum by their number."""
        rating = self.week.impressions[n.RATING].to_numpy(dtype=np.float64)
        rated = ~np.isnan(rating)
        return Parts(self.shown_user, group, np.where(rated, rating, 0.0), rated.astype(np.float64))

    def per_answer(self, values: Float64Array, group: Int64Array) -> Parts:
        """Values of answers by their number; an answer without a value (NaN) does not count.

        Args:
            values: ``(n_answers,)``.
            group: of each impression; an answer is in the group of its first one.
        """
        known = ~np.isnan(values)
        return Parts(
            self.shown_user[self.first],
            group[self.first],
            np.where(known, values, 0.0),
            known.astype(np.float64),
        )

    @cached_property
    def answers_clicked(self) -> Float64Array:
        """1 for each answer of which a movie was clicked."""
        clicks = np.bincount(self.answer, weights=self.clicked, minlength=len(self.first))
        return np.asarray(clicks > 0, dtype=np.float64)

    @cached_property
    def answers_fallback(self) -> Float64Array:
        """1 for each answer that is not personal."""
        shown = self.week.impressions
        if n.PERSONAL not in shown:
            return np.zeros(len(self.first))
        personal = shown[n.PERSONAL].iloc[self.first].fillna(True).to_numpy(dtype=bool)
        return np.asarray(~personal, dtype=np.float64)

    @cached_property
    def shown_day(self) -> Int64Array:
        """Day of each impression, from 0, the first of the week."""
        return _days(self.week.impressions[n.SHOWN_AT], self.week.start)

    @cached_property
    def done_day(self) -> Int64Array:
        """Day of each action, from 0, the first of the week."""
        return _days(self.week.actions[n.TIMESTAMP], self.week.start)

    @cached_property
    def done_minutes(self) -> Float64Array:
        """Minutes watched in each action."""
        return _floats(self.week.actions[n.WATCH_MINUTES])

    def segment_of_users(self, users: pd.DataFrame) -> pd.Series:
        """Segment of each row of the user weeks, empty where none is known."""
        rows = self.week.user_weeks
        if n.SEGMENT in rows:
            return rows[n.SEGMENT].fillna("")
        return segments(rows[n.USER_ID], users)

    @cached_property
    def arm_of_users(self) -> pd.Series:
        """Experiment and arm of each row of the user weeks, empty for none."""
        return arm_texts(self.week.user_weeks)


def arm_texts(frame: pd.DataFrame) -> pd.Series:
    """``experiment/arm`` of each row, empty for none."""
    if n.EXPERIMENT not in frame or n.ARM not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    experiment, arm = frame[n.EXPERIMENT].fillna(""), frame[n.ARM].fillna("")
    return (experiment + "/" + arm).where(experiment != "", "")


def named_groups(texts: pd.Series) -> pd.Index:
    """The distinct texts but the empty one, sorted."""
    groups = pd.Index(texts.unique())
    return groups[groups != ""].sort_values()


def _floats(values: pd.Series) -> Float64Array:
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=0.0))


def _days(times: pd.Series, start: pd.Timestamp) -> Int64Array:
    return np.asarray((times - start) // _DAY, dtype=np.int64)
