"""Robots: users who do what no person can."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n

MOST_IN_AN_HOUR: Final = 1_000
MOST_IN_A_DAY: Final = 3_000
"""Actions of one person. The heaviest of MovieLens' people, who rate whole pages of movies at once
when they join, reach 506 in an hour and 1,291 in a day."""

SLEEPLESS_HOURS: Final = 20
SLEEPLESS_DAYS: Final = 3
SLEEPLESS_ACTIONS: Final = 100
"""Somebody who acts in so many of the hours of a day, on so many days, so often on each of them."""

MOST_SHARE: Final = 0.05
SHARE_USERS: Final = 100
SHARE_ACTIONS: Final = 2_000
"""Somebody who does so large a share of all actions, though so many people do something, and at
least so many actions."""

_HOUR: Final = 3_600 * 1_000_000
_DAY_HOURS: Final = 24


@dataclass(frozen=True)
class Robots:
    """Users who are no people.

    Attributes:
        users: their ids, ascending; for leaving them out, never to be shown.
        actions: what they did.
        of: what everybody did.
        active: users who did anything.
    """

    users: tuple[Any, ...]
    actions: int
    of: int
    active: int

    @property
    def text(self) -> str:
        """What was found, in figures only; empty where nothing was."""
        if not self.users:
            return ""
        one = len(self.users) == 1
        return (
            f"{len(self.users):,} of {self.active:,} active users did {self.actions:,} of "
            f"{self.of:,} actions ({self.actions / self.of:.0%}), as no person can: "
            f"{'it is' if one else 'they are'} left out of the figures. Look at the requests of "
            f"{'that account' if one else 'those accounts'}, and block or erase "
            f"{'it' if one else 'them'}."
        )


def find_robots(*events: pd.DataFrame) -> Robots:
    """The users of whom any of three things holds.

    - more than `MOST_IN_AN_HOUR` actions in an hour of the clock, or `MOST_IN_A_DAY` in a day;
    - no sleep: actions in at least `SLEEPLESS_HOURS` different hours of a day (UTC), on at least
      `SLEEPLESS_DAYS` days, with at least `SLEEPLESS_ACTIONS` on each of them;
    - more than `MOST_SHARE` of all actions, and more than `SHARE_ACTIONS`, where at least
      `SHARE_USERS` users do something.

    Args:
        events: tables of what was done in a week: user_id, and timestamp where there are times.
            Each action in one of them only. Without times only the share is looked at.
    """
    ids = pd.concat([each[n.USER_ID] for each in events], ignore_index=True)
    code, users = pd.factorize(ids)
    count = np.bincount(code, minlength=len(users))
    found = (count > MOST_SHARE * len(code)) & (count > SHARE_ACTIONS)
    found &= len(users) >= SHARE_USERS
    if all(n.TIMESTAMP in each.columns for each in events):
        times = pd.concat([each[n.TIMESTAMP] for each in events], ignore_index=True)
        timed = times.notna().to_numpy()
        moment = times[timed].dt.as_unit("us").astype("int64").to_numpy()
        # Few are so busy: only their hours are looked at.
        busy = count[code[timed]] >= SLEEPLESS_DAYS * SLEEPLESS_ACTIONS
        rows = _beyond(code[timed][busy], moment[busy] // _HOUR)
        found[rows] = True
    named = pd.Index(users)[found].sort_values()
    return Robots(tuple(named.tolist()), int(count[found].sum()), len(code), len(users))


def _beyond(code: npt.NDArray[np.int64], hour: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Codes of those who are too fast, or do not sleep; `hour` counts from 1970 (UTC)."""
    counted = pd.DataFrame({"user": code, "day": hour // _DAY_HOURS, "hour": hour})
    by_hour = counted.groupby(["user", "day", "hour"]).size()
    by_day = by_hour.groupby(["user", "day"]).agg(["sum", "size"])
    fast = by_hour.index.get_level_values("user")[(by_hour > MOST_IN_AN_HOUR).to_numpy()]
    heavy = by_day.index.get_level_values("user")[(by_day["sum"] > MOST_IN_A_DAY).to_numpy()]
    awake = by_day[(by_day["size"] >= SLEEPLESS_HOURS) & (by_day["sum"] >= SLEEPLESS_ACTIONS)]
    days = awake.groupby("user").size()
    sleepless = days.index[(days >= SLEEPLESS_DAYS).to_numpy()]
    return np.unique(np.concatenate([fast, heavy, sleepless])).astype(np.int64)


def without_users(events: pd.DataFrame, users: Collection[Any]) -> pd.DataFrame:
    """The rows of everybody else; `events` itself where `users` is empty."""
    if not users:
        return events
    return events[~events[n.USER_ID].isin(list(users)).to_numpy()]
