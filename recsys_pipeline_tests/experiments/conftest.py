"""Users as they are: few do much, most do little, and each stays as they are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n

MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
WEEK = pd.Timedelta(days=7)


@dataclass(frozen=True)
class Weeks:
    """Rows of user × week."""

    begin: int
    user: np.ndarray
    week: np.ndarray
    answers: np.ndarray
    clicks: np.ndarray
    minutes: np.ndarray

    @property
    def start(self) -> pd.Timestamp:
        return MONDAY + self.begin * WEEK

    def frame(self, more: np.ndarray | int = 0) -> pd.DataFrame:
        """The rows, with as many further clicks."""
        clicks = self.clicks + more
        return pd.DataFrame(
            {
                n.USER_ID: self.user,
                n.WEEK: MONDAY + pd.to_timedelta(7 * self.week, unit="D"),
                n.ANSWERS: self.answers,
                n.IMPRESSIONS: 10 * self.answers,
                n.CLICKS: clicks,
                n.WATCH_MINUTES: clicks * self.minutes,
            }
        )

    def lifted(self, lift: float, rng: np.random.Generator) -> pd.DataFrame:
        """The rows where from the start on as many more clicks come, by chance."""
        return self.frame(rng.binomial(self.clicks, lift) * (self.week >= self.begin))


def streaming_weeks(rng: np.random.Generator, n_users: int, weeks: int, begin: int) -> Weeks:
    """`n_users` over `weeks`; an experiment starts in week `begin`."""
    often = rng.beta(0.6, 1.2, n_users)
    much = rng.lognormal(0.7, 0.8, n_users)
    takes = rng.beta(1.2, 8, n_users)
    long = rng.lognormal(3.0, 0.7, n_users)
    user, week = np.nonzero(rng.random((n_users, weeks)) < often[:, None])
    answers = 1 + rng.poisson(much[user])
    clicks = rng.binomial(10 * answers, takes[user])
    minutes = long[user] * rng.gamma(2.0, 0.5, len(user))
    return Weeks(begin, user, week, answers, clicks, minutes)


@pytest.fixture(scope="session")
def make_weeks() -> Callable[..., Weeks]:
    return streaming_weeks
