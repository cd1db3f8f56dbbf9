"""What is kept of the simulated weeks, and what the report is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.half_year.config import CONTROL, EXPERIMENT, TREATMENT
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.monitoring.availability import wilson
from recsys_pipeline.monitoring.costs import WEEKS_PER_MONTH
from recsys_pipeline.monitoring.figures import PER_USER
from recsys_pipeline.monitoring.online_week import OnlineWeek
from recsys_pipeline.monitoring.profile import Profile
from recsys_pipeline.monitoring.rates import Parts, rates
from recsys_pipeline.monitoring.rows import LEAST_USERS
from recsys_pipeline.monitoring.staying import active_days, days_needed
from recsys_pipeline.pipeline.online_week import Past, Review

EVERYBODY: Final = "everybody"
"""Arm of the weeks before the experiment, in which all get the same."""
ARM: Final = "arm"
WEEK: Final = "week"

_COMPARED: Final = (
    names.CLICK_THROUGH,
    names.WATCH_MINUTES,
    names.CLICKS,
    names.SATISFACTION,
    names.ACTIVE_DAYS,
)
_GROUPS: Final = {
    f"{EXPERIMENT}/{CONTROL}": CONTROL,
    f"{EXPERIMENT}/{TREATMENT}": TREATMENT,
    f"{HOLDOUT}/{HOLDOUT}": HOLDOUT,
}
_PROFILES: Final = 8
_LAST: Final = 4


@dataclass
class Record:
    """The weeks so far.

    Attributes:
        before: weeks before the experiment.
        churn_days: of the settings of monitoring.
        history: tidy figures of each week, with the column ``week`` (ISO day of its end).
        user_weeks: of each week.
        profiles: of each week.
        alarms: with the number of their week.
        left: rows of the report's churn.
    """

    before: int
    churn_days: int
    history: list[pd.DataFrame] = field(default_factory=list)
    user_weeks: list[pd.DataFrame] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    alarms: list[tuple[int, Alarm]] = field(default_factory=list)
    left: list[dict[str, object]] = field(default_factory=list)
    last: Review | None = None
    _active: list[pd.DataFrame] = field(default_factory=list)

    @property
    def past(self) -> Past:
        """What the next week is compared with."""
        kept = days_needed(self.churn_days) // 7 + 1
        active = self._active[-kept:]
        online: OnlineWeek | None = None if self.last is None else self.last.online
        return Past(
            online=online,
            user_weeks=tuple(self.user_weeks),
            active=pd.concat(active, ignore_index=True) if active else None,
            since=None if not active else self._since(kept),
            profiles=tuple(self.profiles[-_PROFILES:]),
            reference=self.profiles[-1] if self.profiles else None,
        )

    def _since(self, kept: int) -> pd.Timestamp:
        first = self.user_weeks[-kept:][0]
        since: pd.Timestamp = first[n.WEEK].iloc[0]
        return since

    def add(
        self,
        number: int,
        found: Review,
        arms: npt.NDArray[np.object_],
        here: npt.NDArray[np.bool_],
        left: npt.NDArray[np.int64],
    ) -> None:
        """Keep a week.

        Args:
            number: from 1.
            found: what is said of it.
            arms: arm of each user in the week, empty for none: ``(n_users,)``.
            here: who had not left when it began: bool ``(n_users,)``.
            left: rows of those who left at its end.
        """
        day = f"{found.online.end:%Y-%m-%d}"
        self.history.append(found.figures.assign(**{n.WEEK: day}))
        self.user_weeks.append(found.online.user_weeks)
        self.profiles.append(found.profile)
        self._active.append(active_days(found.online.actions))
        self.alarms += [(number, alarm) for alarm in found.alarms]
        self.last = found
        gone = np.zeros(len(arms), dtype=bool)
        gone[left[left < len(arms)]] = True
        groups = {EVERYBODY: np.ones(len(arms), dtype=bool)} if number <= self.before else {}
        groups |= {arm: arms == arm for arm in (CONTROL, TREATMENT, HOLDOUT)}
        for arm, mask in groups.items():
            size = int((mask & here).sum())
            if size >= LEAST_USERS:
                rate = wilson(int((mask & gone).sum()), size)
                monthly = [1 - (1 - each) ** WEEKS_PER_MONTH for each in _bounds(rate)]
                self.left.append(
                    dict(
                        zip(
                            (names.METRIC, ARM, WEEK, names.VALUE, names.LOW, names.HIGH),
                            (names.CHURN_RATE, arm, number, *monthly),
                            strict=True,
                        )
                    )
                )

    def by_arm(self) -> pd.DataFrame:
        """One row per metric, arm and week: metric, arm, week, value, low, high.

        Churn is told by those who left for good, as a platform's accounts tell it, a month.
        """
        parts = [pd.DataFrame(self.left)]
        wanted = [*_COMPARED, names.CONCENTRATION, names.DIVERSITY, names.COVERAGE]
        for number, figures in enumerate(self.history, start=1):
            arms = figures[figures[names.BY] == names.ARM]
            rows = arms[arms[names.GROUP].isin(list(_GROUPS))]
            rows = rows.assign(**{ARM: rows[names.GROUP].map(_GROUPS)})
            if number <= self.before:
                every = _of_all(self.user_weeks[number - 1]).assign(**{ARM: EVERYBODY})
                rows = pd.concat([every, rows])
            rows = rows[rows[names.METRIC].isin(wanted)].assign(**{WEEK: number})
            columns = [names.METRIC, ARM, WEEK, names.VALUE, names.LOW, names.HIGH]
            parts.append(rows[columns])
        return pd.concat(parts, ignore_index=True)

    def before_after(self) -> pd.DataFrame:
        """The weeks before the experiment against the last ones of the treatment, by user.

        Users of either count in the weeks in which they looked at a list.
        """
        early = pd.concat(self.user_weeks[: self.before], ignore_index=True)
        early = early[(early[n.ANSWERS] > 0).to_numpy()]
        late = pd.concat(self.user_weeks[-_LAST:], ignore_index=True)
        late = late[((late[n.EXPERIMENT] == EXPERIMENT) & (late[n.ARM] == TREATMENT)).to_numpy()]
        ids = pd.Index(pd.concat([early[n.USER_ID], late[n.USER_ID]]).unique())
        rows = []
        for metric in _COMPARED:
            first, then = (_parts(each, metric, ids) for each in (early, late))
            found = rates(then, first, len(ids), 1)
            start = rates(first, None, len(ids), 1)
            rows.append(
                {
                    names.METRIC: metric,
                    "before": start.value[0],
                    "before_low": start.low[0],
                    "before_high": start.high[0],
                    "after": found.value[0],
                    "after_low": found.low[0],
                    "after_high": found.high[0],
                    names.CHANGE: found.change[0],
                    names.CHANGE_LOW: found.change_low[0],
                    names.CHANGE_HIGH: found.change_high[0],
                }
            )
        return pd.DataFrame(rows)


def _of_all(weeks: pd.DataFrame) -> pd.DataFrame:
    """The compared figures of all who looked at a list, like those of an arm."""
    seen = weeks[(weeks[n.ANSWERS] > 0).to_numpy()]
    ids = pd.Index(seen[n.USER_ID])
    found = {metric: rates(_parts(seen, metric, ids), None, len(ids), 1) for metric in _COMPARED}
    return pd.DataFrame(
        {
            names.METRIC: list(found),
            names.VALUE: [each.value[0] for each in found.values()],
            names.LOW: [each.low[0] for each in found.values()],
            names.HIGH: [each.high[0] for each in found.values()],
        }
    )


def _parts(frame: pd.DataFrame, metric: str, ids: pd.Index) -> Parts:
    top, bottom = PER_USER[metric]
    size = len(frame)
    return Parts(
        user=ids.get_indexer(frame[n.USER_ID]).astype(np.int64),
        group=np.zeros(size, dtype=np.int64),
        y=frame[top].to_numpy(dtype=np.float64),
        x=np.ones(size) if bottom is None else frame[bottom].to_numpy(dtype=np.float64),
    )


def _bounds(rate: object) -> Sequence[float]:
    return [getattr(rate, name) for name in ("mean", "low", "high")]
