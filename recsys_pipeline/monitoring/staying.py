"""Who comes back and who leaves, from the days on which users did something."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.rates import Parts

_WEEK: Final = 7
_DAY: Final = pd.Timedelta(days=1)


def days_needed(churn_days: int) -> int:
    """Days of activity, up to the end of a week, for all figures and how they changed.

    >>> days_needed(28)
    63
    """
    return max(2 * churn_days, 2 * _WEEK) + _WEEK


def active_days(actions: pd.DataFrame) -> pd.DataFrame:
    """The days on which users did something: one row of `actions` for each user and day (UTC).

    Enough to be kept for `figures`, which needs no more than user and time.
    """
    day = actions[n.TIMESTAMP].dt.floor("D")
    first = ~pd.DataFrame({n.USER_ID: actions[n.USER_ID], n.TIMESTAMP: day}).duplicated()
    return actions.loc[first, [n.USER_ID, n.TIMESTAMP]].reset_index(drop=True)


@dataclass(frozen=True)
class Staying:
    """When users did something, counted back from the end of a week.

    Attributes:
        ids: of the users who did something.
        user: number of the user of each row.
        ago: whole days between each row and the end, from 0.
        oldest: days back that are known; before that nobody was watched.
    """

    ids: pd.Index
    user: npt.NDArray[np.int64]
    ago: npt.NDArray[np.int64]
    oldest: int

    @classmethod
    def of(
        cls, active: pd.DataFrame, end: pd.Timestamp, since: pd.Timestamp | None = None
    ) -> "Staying":
        """Count back from `end`; what is later is left out.

        Args:
            active: user and time of everything done, or of one thing a day.
            end: first moment after the week.
            since: from when on everything that was done is in `active`, the first row where left
                out; the day that it falls on counts as known.
        """
        rows = active[active[n.TIMESTAMP] < end]
        code, ids = pd.factorize(rows[n.USER_ID])
        ago = ((end - rows[n.TIMESTAMP] - pd.Timedelta(1, unit="us")) // _DAY).to_numpy(np.int64)
        known = 0
        if since is not None:
            known = max(-((since - end) // _DAY), 0)
        elif len(ago):
            known = int(ago.max()) + 1
        return cls(pd.Index(ids), code.astype(np.int64), ago, int(known))

    def returned(self, group: npt.NDArray[np.int64], back: int = 0) -> Parts | None:
        """Of those active in the week before the last, those active in the last.

        Args:
            group: of each of `ids`, −1 for none.
            back: days before the end at which the last week ended.

        Returns:
            None where the days are not known.
        """
        return self._both(group, back, _WEEK, stay=True)

    def left(self, group: npt.NDArray[np.int64], churn_days: int, back: int = 0) -> Parts | None:
        """Of those active in the `churn_days` before the last, those not active in the last ones.

        Args and returns: as `returned`.
        """
        return self._both(group, back, churn_days, stay=False)

    def _both(
        self, group: npt.NDArray[np.int64], back: int, days: int, *, stay: bool
    ) -> Parts | None:
        if self.oldest < back + 2 * days:
            return None
        late, early = (self._active(back + start, back + start + days) for start in (0, days))
        y = early & (late if stay else ~late)
        user = np.arange(len(self.ids), dtype=np.int64)
        return Parts(user, group, y.astype(np.float64), early.astype(np.float64))

    def _active(self, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Who did something from `start` to before `end` days ago."""
        out = np.zeros(len(self.ids), dtype=bool)
        out[self.user[(self.ago >= start) & (self.ago < end)]] = True
        return out
