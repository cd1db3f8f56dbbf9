"""One week of what happened online, ready to be counted."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.attribution import attribute, watched_minutes
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.user_weeks import user_weeks

WEEK_LENGTH: Final = pd.Timedelta(days=7)


@dataclass(frozen=True)
class OnlineWeek:
    """What was shown and done in the seven days from `start`.

    Attributes:
        start: first moment, UTC.
        impressions: of the contract, attributed.
        actions: of the contract, with the minutes watched in each (``watch_minutes``).
        user_weeks: of the contract.
    """

    start: pd.Timestamp
    impressions: pd.DataFrame
    actions: pd.DataFrame
    user_weeks: pd.DataFrame

    @property
    def end(self) -> pd.Timestamp:
        """First moment after the week."""
        return self.start + WEEK_LENGTH


def online_week(
    start: pd.Timestamp,
    impressions: pd.DataFrame,
    actions: pd.DataFrame,
    *,
    movies: pd.DataFrame,
    users: pd.DataFrame,
    config: MonitoringConfig,
    left_out: Collection[Any] = (),
) -> OnlineWeek:
    """Cut, attribute and sum up one week.

    A week is counted with what is known at its end, so that it can be compared with the week
    before: a click in the next week on a movie shown in this one counts in neither.

    Args:
        start: first moment, UTC.
        impressions, actions: of the contracts; those outside of the week are left out.
        movies, users: of the contracts.
        config: of monitoring.
        left_out: ids of users whose rows do not count, such as robots.
    """
    shown = _within(impressions, n.SHOWN_AT, start, left_out)
    done = _within(actions, n.TIMESTAMP, start, left_out)
    shown = attribute(shown, done, movies, config)
    weeks = user_weeks(shown, done, movies, users, start)
    done = done.assign(**{n.WATCH_MINUTES: watched_minutes(done, movies)})
    return OnlineWeek(start, shown, done, weeks)


def _within(
    frame: pd.DataFrame, time: str, start: pd.Timestamp, left_out: Collection[Any]
) -> pd.DataFrame:
    inside = (frame[time] >= start) & (frame[time] < start + WEEK_LENGTH)
    if left_out:
        inside &= ~frame[n.USER_ID].isin(list(left_out))
    return frame if inside.all() else frame[inside].reset_index(drop=True)
