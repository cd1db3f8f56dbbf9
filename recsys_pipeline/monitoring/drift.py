"""Drift: what is otherwise this week than in training, or than in the weeks before.

Everything that is compared is a test, and all tests of a week are corrected together (Holm,
Scandinavian Journal of Statistics 6, 1979), so that in a year without change the expected number
of weeks with a false alarm is at most `alarms_per_year`. A test alone raises no alarm: with many
rows the smallest change is sure. The change must also be as large as `least_change`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.monitoring import drift_levels, drift_shapes, recommender
from recsys_pipeline.monitoring.comparison import Comparison
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.profile import Profile

CHECK: Final = "check"
SUBJECT: Final = "subject"
STATISTIC: Final = "statistic"
VALUE: Final = "value"
THRESHOLD: Final = "threshold"
P: Final = "p"
P_CORRECTED: Final = "p_corrected"
ALARM: Final = "alarm"
TEXT: Final = "text"

COLUMNS: Final = (CHECK, SUBJECT, STATISTIC, VALUE, THRESHOLD, P, P_CORRECTED, ALARM, TEXT)

_WEEKS: Final = 52
_HIGHEST_RATE: Final = 0.5


@dataclass(frozen=True)
class Drift:
    """What was compared this week.

    Attributes:
        rows: one row per test, alarms first, then by p: check (one of `CHECKS`), subject (such as
            ``movies.genres``), statistic (what was compared), value (how large the change is),
            threshold (from which size on it is an alarm), p, p_corrected (over all tests of the
            week), alarm, and text (a sentence with the figures, and one on what to do).
    """

    rows: pd.DataFrame

    @property
    def alarms(self) -> pd.DataFrame:
        """The rows that raise an alarm."""
        return self.rows[self.rows[ALARM].to_numpy(dtype=bool)]


def compare(
    now: Profile,
    reference: Profile | None,
    recent: Sequence[Profile],
    config: MonitoringConfig,
) -> Drift:
    """What is otherwise in this week's profile.

    Args:
        now: the week; made with `reference`, so that both have the same cells.
        reference: the profile of the release in service: the week that it was trained in. None
            where there is no release yet: then only volumes and rates are compared.
        recent: profiles of the weeks before, oldest first. They say how many rows are usual, what
            the usual rates are, and by how much weeks differ anyway.
        config: ``alarms_per_year`` and ``least_change``.
    """
    weeks = list(recent) or ([] if reference is None else [reference])
    tests = list(_tests(now, reference, weeks, config.least_change))
    rate = min(_HIGHEST_RATE, config.alarms_per_year / _WEEKS)
    corrected = holm(np.array([test.p for test in tests]))
    rows = pd.DataFrame(
        {
            CHECK: pd.array([test.check for test in tests], dtype="str"),
            SUBJECT: pd.array([test.subject for test in tests], dtype="str"),
            STATISTIC: pd.array([test.statistic for test in tests], dtype="str"),
            VALUE: np.array([test.value for test in tests], dtype=np.float64),
            THRESHOLD: np.array([test.threshold for test in tests], dtype=np.float64),
            P: np.array([test.p for test in tests], dtype=np.float64),
            P_CORRECTED: corrected,
            ALARM: np.array([test.large for test in tests], dtype=bool) & (corrected <= rate),
            TEXT: pd.array([test.text for test in tests], dtype="str"),
        }
    )
    ordered = rows.sort_values([ALARM, P], ascending=[False, True], kind="stable")
    return Drift(ordered.reset_index(drop=True))


def _tests(
    now: Profile, reference: Profile | None, recent: Sequence[Profile], least: float
) -> Iterator[Comparison]:
    yield from drift_levels.volumes(now, recent, least)
    yield from drift_levels.rates(now, recent, least)
    if reference is not None:
        yield from recommender.changed(now, reference, recent)
        yield from drift_shapes.shifts(now, reference, recent, least)
        yield from drift_shapes.missing(now, reference, recent, least)
        yield from drift_shapes.new_values(now, reference)
        yield from drift_shapes.rewritten(now, reference, recent, least)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's corrected p-values, float64 of the same shape: none below its own, none above 1.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    times = np.arange(len(p), 0, -1)
    corrected = np.empty(len(p), dtype=np.float64)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(times * p[order]))
    return corrected
