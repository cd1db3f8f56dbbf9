"""A lived week as the tables that monitoring reads: what was shown by whom, and what was done."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation.frames import times
from recsys_pipeline.simulation.lived import EVENT_TYPES, ORGANIC, LivedWeek

STORED: Final = "stored"


@dataclass(frozen=True)
class Labels:
    """Who answers whom in a week, by row of the users.

    Attributes:
        release, experiment, arm: object arrays ``(n_users,)`` of texts.
        personal: bool ``(n_users,)``, whether the list rests on something known of the user.
    """

    release: npt.NDArray[np.object_]
    experiment: npt.NDArray[np.object_]
    arm: npt.NDArray[np.object_]
    personal: npt.NDArray[np.bool_]


def impressions_of(
    lived: LivedWeek, labels: Labels, propensity: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """What was shown, not attributed yet; contract `IMPRESSIONS`.

    Args:
        lived: the week.
        labels: who answered.
        propensity: float64 ``(n_impressions,)``, probability of each place.
    """
    shown = lived.impressions
    size = len(shown)
    return pd.DataFrame(
        {
            n.REQUEST_ID: _requests(lived.week, shown.answer),
            n.USER_ID: shown.user + 1,
            n.MOVIE_ID: shown.movie + 1,
            n.SHOWN_AT: times(shown.second),
            n.RANK: pd.array(shown.rank, dtype="Int64"),
            n.RELEASE: _texts(labels.release, shown.user),
            n.ANSWER_KIND: pd.Series([STORED] * size, dtype="str"),
            n.PERSONAL: pd.array(labels.personal[shown.user], dtype="boolean"),
            n.EXPERIMENT: _texts(labels.experiment, shown.user),
            n.ARM: _texts(labels.arm, shown.user),
            n.PROPENSITY: propensity,
            n.CLICKED_AT: pd.Series(pd.NaT, index=range(size), dtype="datetime64[us, UTC]"),
            n.WATCH_MINUTES: np.full(size, np.nan),
            n.RATING: np.full(size, np.nan),
        }
    )


def actions_of(lived: LivedWeek) -> pd.DataFrame:
    """What was done; contract `ACTIONS`. What nobody showed names no answer."""
    done = lived.actions()
    request = _requests(lived.week, done.answer).where(pd.Series(done.answer != ORGANIC), "")
    return pd.DataFrame(
        {
            n.USER_ID: done.user + 1,
            n.MOVIE_ID: done.movie + 1,
            n.TIMESTAMP: times(done.second),
            n.EVENT_TYPE: _texts(np.array(EVENT_TYPES, dtype=object), done.event_type),
            n.RATING: done.rating,
            n.WATCH_FRACTION: done.watch_fraction,
            n.REQUEST_ID: request.astype("str"),
        }
    )


def _requests(week: int, answer: npt.NDArray[np.int64]) -> pd.Series:
    """Ids of answers, which no other week has."""
    size = int(answer.max(initial=0)) + 1
    known = np.array([f"w{week:02d}-{number:07d}" for number in range(size)], dtype=object)
    return _texts(known, np.maximum(answer, 0))


def _texts(values: npt.NDArray[np.object_], rows: npt.NDArray[np.integer]) -> pd.Series:
    """`values` at `rows`, as texts; each distinct text is made once."""
    kinds, code = np.unique(values.astype(str), return_inverse=True)
    return pd.Series(pd.Categorical.from_codes(code[rows], kinds)).astype("str")
