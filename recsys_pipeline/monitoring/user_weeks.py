"""What each user was shown and did in one week."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import PANDAS_DTYPES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import USER_WEEKS
from recsys_pipeline.monitoring.attribution import watched_minutes

_FLOAT: Final = np.float64
_DAY: Final = pd.Timedelta(days=1)
_DAYS: Final = 7


def user_weeks(
    impressions: pd.DataFrame,
    actions: pd.DataFrame,
    movies: pd.DataFrame,
    users: pd.DataFrame,
    week: pd.Timestamp,
) -> pd.DataFrame:
    """One row per user who was shown something or did something in the week, by user id.

    Ratings are those that belong to a movie shown (see `attribution.attribute`); time watched and
    actions are of whatever movie. Days begin at the time of day at which the week does.

    Args:
        impressions: of the week, attributed.
        actions: of the week, all of them, none from outside of it.
        movies: of the contract, for the running times.
        users: of the contract, for the segments; a user who is not in it has none.
        week: first moment of the week, UTC.

    Returns:
        The columns of `USER_WEEKS` in its dtypes.
    """
    user, ids = _codes(impressions[n.USER_ID], actions[n.USER_ID])
    shown, done = user[: len(impressions)], user[len(impressions) :]
    size = len(ids)

    clicked = impressions[n.CLICKED_AT].notna().to_numpy()
    rating = impressions[n.RATING].to_numpy(dtype=_FLOAT)
    rated = ~np.isnan(rating)
    answer = pd.factorize(impressions[n.REQUEST_ID])[0]
    # One answer is one user's, so the first row of each stands for it.
    first = np.flatnonzero(~pd.Series(answer).duplicated().to_numpy())
    of_answer = shown[first]
    answers_clicked = np.bincount(answer, weights=clicked, minlength=len(first)) > 0
    impersonal = ~_personal(impressions)[first]
    experiment, arm = _first_answers(impressions, shown, size)
    day = ((actions[n.TIMESTAMP] - week) // _DAY).to_numpy(dtype=np.int64)
    own_days = np.unique(done * _DAYS + day) // _DAYS
    columns = {
        n.USER_ID: ids,
        n.WEEK: week,
        n.SEGMENT: segments(pd.Series(ids), users),
        n.EXPERIMENT: experiment,
        n.ARM: arm,
        n.ANSWERS: np.bincount(of_answer, minlength=size),
        n.ANSWERS_CLICKED: np.bincount(of_answer[answers_clicked], minlength=size),
        n.ANSWERS_FALLBACK: np.bincount(of_answer[impersonal], minlength=size),
        n.IMPRESSIONS: np.bincount(shown, minlength=size),
        n.CLICKS: np.bincount(shown[clicked], minlength=size),
        n.WATCH_MINUTES: np.bincount(
            done, weights=watched_minutes(actions, movies), minlength=size
        ),
        n.RATINGS: np.bincount(shown[rated], minlength=size),
        n.RATING_SUM: np.bincount(shown[rated], weights=rating[rated], minlength=size),
        n.ACTIONS: np.bincount(done, minlength=size),
        n.ACTIVE_DAYS: np.bincount(own_days, minlength=size),
    }
    dtypes = {
        column.name: PANDAS_DTYPES[column.kind]
        for column in USER_WEEKS.columns
        if column.kind in PANDAS_DTYPES
    }
    frame = pd.DataFrame(columns, columns=list(USER_WEEKS.column_names)).astype(dtypes)
    return frame.sort_values(n.USER_ID, ignore_index=True)


def segments(ids: pd.Series, users: pd.DataFrame) -> pd.Series:
    """The segment of each user as ``str``: empty where none is known; the index of `ids`."""
    if n.SEGMENT not in users:
        return pd.Series("", index=ids.index, dtype="str")
    place = pd.Index(users[n.USER_ID]).get_indexer(pd.Index(ids))
    known = users[n.SEGMENT].astype("str").fillna("").to_numpy(dtype=object)
    found = np.append(known, "")[place]
    return pd.Series(found, index=ids.index, dtype="str")


def _codes(shown: pd.Series, done: pd.Series) -> tuple[npt.NDArray[np.int64], pd.Index]:
    """A number for each user of both columns, one after the other, and the ids by number."""
    if not len(done) or not len(shown):
        code, ids = pd.factorize(shown if len(shown) else done)
    else:
        code, ids = pd.factorize(pd.concat([shown, done], ignore_index=True))
    return code.astype(np.int64), pd.Index(ids)


def _personal(impressions: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if n.PERSONAL not in impressions:
        return np.ones(len(impressions), dtype=bool)
    personal: npt.NDArray[np.bool_] = impressions[n.PERSONAL].fillna(True).to_numpy(dtype=bool)
    return personal


def _first_answers(
    impressions: pd.DataFrame, user: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Experiment and arm of the first answer of each user, empty for none."""
    at = impressions[n.SHOWN_AT].dt.tz_localize(None).to_numpy()
    order = np.argsort(at, kind="stable")[::-1]
    first = np.full(size, -1, dtype=np.int64)
    # Of several values the last one written stays: the oldest.
    first[user[order]] = order
    out = []
    for name in (n.EXPERIMENT, n.ARM):
        if name not in impressions:
            out.append(np.full(size, "", dtype=object))
            continue
        code, values = pd.factorize(impressions[name])
        texts = np.append(np.asarray(values, dtype=object), "")
        out.append(texts[np.where(first >= 0, code[first], -1) if len(code) else first])
    return out[0], out[1]
