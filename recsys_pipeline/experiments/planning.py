"""What an experiment can find, and how long that takes; from weeks in which nothing was compared.

The last of these weeks are taken as if they were an experiment in which everybody is: after d of
them the variance of the metric, corrected by the weeks before, is ``v(d)``. Weeks of one user hang
together, so it does not fall as 1/d: ``v(d) = a + b / d`` with a, b ≥ 0 is fitted, where a is what
more weeks of the same users never take away. It is scaled to the active users that there are by
now. The chance that an effect has been found by the look after d weeks, earlier looks counted,
follows from the always-valid boundary (`always_valid.chance_by_look`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil, nan
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError
from recsys_pipeline.experiments.always_valid import chance_by_look, spread_for
from recsys_pipeline.experiments.comparing import LEAST_USERS, compare, moments_of
from recsys_pipeline.experiments.config import ExperimentConfig
from recsys_pipeline.experiments.design import Design
from recsys_pipeline.experiments.participants import (
    WEEKS_BEFORE,
    Rows,
    participants,
    rows_of,
    sums_of,
)
from recsys_pipeline.experiments.results import Planned

MOST_WEEKS: Final = 520
"""An experiment that needs longer is taken to need for ever."""
_ROUNDS: Final = 16
_FALL: Final = 0.98
"""Looks at which the variance has hardly fallen are passed over: they find hardly anything."""
_LOOKS: Final = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What weeks before tell about an experiment.

    Attributes:
        design: of the experiment.
        baseline: the deciding metric in these weeks.
        cuped_correlation: reached over these weeks (0 to 1).
        weeks_seen: weeks that were taken as an experiment.
        users_seen: users in the control and the smallest other arm together after these weeks.
        growth: users after d weeks grow as d to this power (0 to 1).
        lasting, passing: a and b of the relative variance of the metric over all users.
    """

    design: Design
    baseline: float
    cuped_correlation: float
    weeks_seen: int
    users_seen: float
    growth: float
    lasting: float
    passing: float

    def detectable(self, weeks: int) -> float:
        """The relative change that is found with the planned power after `weeks` (1 or more).

        Provided that it is the one declared as worth finding. NaN where there is none: even twice
        the control's figure could be chance.
        """
        low, high = 0.0, 1.0
        if self._chance(high, weeks)[1] < self.design.power:
            return nan
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            if self._chance(middle, weeks)[1] < self.design.power:
                low = middle
            else:
                high = middle
        return high

    def users(self, weeks: float) -> float:
        """Users in the control and the smallest other arm together after `weeks`."""
        return float(self.users_seen * (weeks / self.weeks_seen) ** self.growth)

    @property
    def weeks_needed(self) -> float:
        """Weeks after which the least effect is found; NaN where never."""
        week, chance = self._chance(self.design.least_effect, MOST_WEEKS)
        return float(week) if chance >= self.design.power else nan

    def planned(self, weeks: int = 0) -> Planned:
        """For the result, after `weeks` of the experiment."""
        needed = self.weeks_needed
        end = self.design.weeks
        return Planned(
            least_effect=self.design.least_effect,
            detectable=self.detectable(end) if end else nan,
            weeks_needed=needed,
            users_needed=nan if np.isnan(needed) else float(ceil(self.users(needed))),
            weeks=weeks,
            power=self.design.power,
            baseline=self.baseline,
        )

    def _chance(self, effect: float, most: int) -> tuple[int, float]:
        """The first week, up to `most`, with the planned chance to have found an effect.

        And that chance; the last week where it is never reached. An arm whose figure is larger by
        `effect` spreads as much more: hence the square.
        """
        control, smallest = _two_arms(self.design)
        arms = 1 / control + (1 + effect) ** 2 / smallest
        weeks: list[int] = []
        variances: list[float] = []
        for week in range(1, most + 1):
            variance = arms * (self.lasting + self.passing / week)
            if not weeks or variance < variances[-1] * _FALL:
                weeks.append(week)
                variances.append(variance)
        alpha = self.design.alpha_each
        spread = spread_for(effect, alpha, self.design.power)
        chance = chance_by_look(effect, np.asarray(variances), spread, alpha)
        look = min(int(np.searchsorted(chance, self.design.power)), len(weeks) - 1)
        return weeks[look], float(chance[look])


def outlook(
    user_weeks: pd.DataFrame,
    experiment: ExperimentConfig,
    *,
    until: pd.Timestamp | None = None,
    holdout: float = 0.0,
    robots: Collection[object] = (),
) -> Outlook:
    """What an experiment could find, from the weeks before its start.

    A least history that it asks for is not known here: its users are then fewer than said.

    Args:
        user_weeks: rows of the USER_WEEKS contract.
        experiment: to plan; weeks in which it ran are left out.
        until: weeks that end after it are left out; None for all.
        holdout: share of all users who are kept out (0 to 1).
        robots: ids of users left out.

    Raises:
        DataError: fewer than two weeks, too few users, or no column for the metric.
    """
    rows = rows_of(user_weeks, until=until, robots=robots)
    design = Design.of(experiment, holdout=holdout)
    if not rows.has(design.metric):
        raise DataError(
            f"user_weeks has no columns for {design.metric}", "Decide by another metric."
        )
    last = rows.last
    if n.EXPERIMENT in rows.frame:
        ran = rows.week[rows.texts(n.EXPERIMENT) == design.name]
        last = int(ran.min()) - 1 if len(ran) else last
    found = outlook_of(rows, design, last)
    if found is None:
        raise DataError(
            f"the weeks before hold too little to plan the experiment '{design.name}'",
            f"It takes two weeks in which at least {2 * LEAST_USERS} users who may take part "
            f"were shown lists, and something that {design.metric} counts.",
        )
    return found


def outlook_of(rows: Rows, design: Design, last: int, first: int = 0) -> Outlook | None:
    """What the weeks up to number `last` tell; None for too little.

    Args:
        rows: whose column of the deciding metric is there.
        design: to plan.
        last: last week taken.
        first: first week that may be taken as an experiment; those before are for the correction.
    """
    seen = last - first + 1
    # Half of the weeks at most, where there are few: the correction needs weeks before, too.
    length = min(_LOOKS[-1], seen if first else max(seen - WEEKS_BEFORE, ceil(seen / 2)))
    if length < 2:
        return None
    begin = last - length + 1
    looks = [look for look in _LOOKS if look <= length]
    counts, variances, baseline, correlation = [], [], nan, 0.0
    for look in looks:
        at = rows.between(begin - WEEKS_BEFORE, begin + look - 1)
        everybody = np.zeros(len(at.week), dtype=np.int64)
        if design.segments and n.SEGMENT in at.frame:
            inside = np.isin(at.texts(n.SEGMENT), design.segments)
            everybody = np.where(inside, everybody, -1)
        sums = sums_of(design.metric, participants(at, everybody, since=begin))
        moments = moments_of(sums.y, sums.m, sums.x)
        if moments.n < 2 * LEAST_USERS:
            return None
        # Two arms of all users each: the variance of one is half of the difference's.
        both = compare(moments, moments, design.least_effect, design.alpha)
        if not both.variance > 0:
            return None
        baseline, correlation = float(both.control_mean), float(both.correlation)
        counts.append(float(moments.n))
        variances.append(float(both.variance) / 2 / baseline**2)
    control, smallest = _two_arms(design)
    now = _grown(rows, begin, last)
    lasting, passing = (part / now for part in _fit(looks, variances))
    return Outlook(
        design=design,
        baseline=baseline,
        cuped_correlation=correlation,
        weeks_seen=looks[-1],
        users_seen=counts[-1] * now * (control + smallest),
        growth=_growth(looks, counts),
        lasting=lasting,
        passing=passing,
    )


def _two_arms(design: Design) -> tuple[float, float]:
    """Share of all users in the control and in the smallest other arm."""
    others = [design.weights[arm] for arm in design.arms[1:]]
    return design.share * design.weights[design.arms[0]], design.share * min(others)


def _fit(looks: list[int], variances: list[float]) -> tuple[float, float]:
    """a and b of ``v(d) = a + b / d``, at least 0, by relative least squares."""
    weight = 1 / np.asarray(variances)
    table: npt.NDArray[np.float64] = np.column_stack([weight, weight / np.asarray(looks)])
    (lasting, passing), _ = nnls(table, np.ones(len(looks)))
    return float(lasting), float(passing)


def _grown(rows: Rows, begin: int, last: int) -> float:
    """Active users in the last two weeks over those in the first two."""
    first, latest = (
        np.isin(rows.week, weeks).sum() for weeks in ((begin, begin + 1), (last - 1, last))
    )
    return float(np.clip(latest / max(first, 1), 0.5, 2.0))


def _growth(looks: list[int], counts: list[float]) -> float:
    slope = np.polyfit(np.log(looks), np.log(counts), 1)[0]
    return float(np.clip(slope, 0, 1))
