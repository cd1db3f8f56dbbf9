"""Who takes part in an experiment, and what each of them did in it and before: sums per user.

A user takes part from the first week in which an answer of the experiment reached them, and stays
in the arm of that answer for good (intention to treat): weeks in which they did nothing count as
zeros, and a user who later answers to another arm, or to none, is still counted where they were
drawn. Nobody is counted for having been drawn alone: arms that were never seen cannot matter.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError
from recsys_pipeline.experiments.assignment import text_of

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

WEEK: Final = pd.Timedelta(days=7)
WEEKS_BEFORE: Final = 8
"""Weeks before a user's first answer that the correction may draw on."""

RETURN_RATE: Final = "return_rate"
_SUMS: Final[dict[str, tuple[str, str | None]]] = {
    "click_through": (n.CLICKS, n.IMPRESSIONS),
    "list_click_through": (n.ANSWERS_CLICKED, n.ANSWERS),
    "clicks": (n.CLICKS, None),
    "watch_minutes": (n.WATCH_MINUTES, None),
    "satisfaction": (n.RATING_SUM, n.RATINGS),
    "active_days": (n.ACTIVE_DAYS, None),
}
"""Numerator and denominator of each metric; None for weeks taken part."""


@dataclass(frozen=True, slots=True)
class Rows:
    """USER_WEEKS rows as arrays.

    Attributes:
        frame: all rows, in the order handed in.
        place: which rows of it count.
        user: code of the user of each row, from 0.
        n_users: how many codes there are.
        week: number of the week of each row, 0 for the first week of all.
        first: start of week 0.
        last: number of the last week.
    """

    frame: pd.DataFrame
    place: Int64Array
    user: Int64Array
    n_users: int
    week: Int64Array
    first: pd.Timestamp
    last: int

    def column(self, name: str) -> Float64Array:
        """A numeric column; missing counts as 0."""
        values: Float64Array = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.nan_to_num(values[self.place])

    def has(self, metric: str) -> bool:
        """Whether the columns that a metric needs are there."""
        needed = (n.ACTIVE_DAYS,) if metric == RETURN_RATE else _SUMS[metric]
        return all(name is None or name in self.frame for name in needed)

    def between(self, first: int, last: int) -> "Rows":
        """The rows of the weeks from `first` to `last`, as if `last` were the last there is."""
        kept = (self.week >= first) & (self.week <= last)
        return replace(
            self, place=self.place[kept], user=self.user[kept], week=self.week[kept], last=last
        )

    def texts(self, name: str) -> npt.NDArray[Any]:
        """A column of texts; missing counts as empty, and so does a column that is not there."""
        if name not in self.frame:
            return np.full(len(self.place), "", dtype=object)
        values = self.frame[name].take(self.place).astype(object).to_numpy()
        return np.where(pd.isna(values), "", values)

    def day(self, week: int) -> str:
        """ISO day on which a week starts."""
        return str((self.first + week * WEEK).date())


def rows_of(
    user_weeks: pd.DataFrame,
    *,
    until: pd.Timestamp | None = None,
    robots: Collection[object] = (),
) -> Rows:
    """The rows that may be looked at.

    Args:
        user_weeks: rows of the USER_WEEKS contract, weeks apart by whole weeks.
        until: weeks that end after it are left out; None for all.
        robots: ids of users left out.

    Raises:
        DataError: a column is missing, or no row is left.
    """
    for name in (n.USER_ID, n.WEEK):
        if name not in user_weeks:
            raise DataError(
                f"user_weeks has no column {name}", "Make it of impressions and actions first."
            )
    frame = user_weeks
    if until is not None:
        frame = frame[frame[n.WEEK] + WEEK <= until]
    codes, ids = pd.factorize(frame[n.USER_ID])
    if len(robots) and len(ids):
        out = {text_of(user_id) for user_id in robots}
        kept = ~np.asarray([text_of(user_id) in out for user_id in ids])[codes]
        frame = frame[kept]
        codes, ids = pd.factorize(frame[n.USER_ID])
    if not len(frame):
        raise DataError(
            "user_weeks holds no row to look at", "Wait for a week in which lists were shown."
        )
    first = frame[n.WEEK].min()
    week = ((frame[n.WEEK] - first) // WEEK).to_numpy(dtype=np.int64)
    last = int(week.max())
    if until is not None:
        last = max(last, int((until - first) // WEEK) - 1)
    place = np.arange(len(frame))
    return Rows(frame, place, codes.astype(np.int64), len(ids), week, first, last)


@dataclass(frozen=True, slots=True)
class Participants:
    """Users who take part, by user code of `rows`.

    Attributes:
        rows: what they are of.
        arm: place of the user's arm, -1 for who takes no part; int64 ``(n_users,)``.
        entry: first week taken part; any number for who takes none.
        segment: at that time, text, empty for none; object ``(n_users,)``.
    """

    rows: Rows
    arm: Int64Array
    entry: Int64Array
    segment: npt.NDArray[Any]

    @property
    def start(self) -> int:
        """The first week in which anybody took part; one past the last for nobody."""
        taking = self.arm >= 0
        return int(self.entry[taking].min()) if taking.any() else self.rows.last + 1

    @property
    def weeks_in(self) -> Int64Array:
        """Weeks taken part by each user, the first and the last counted."""
        return self.rows.last - self.entry + 1


@dataclass(frozen=True, slots=True)
class Sums:
    """A metric's sums per user, over those who take part: y and m while, x from before.

    Attributes:
        user: their codes.
        y, m: numerator and denominator, float64.
        x: covariate of the weeks before; 0 where there are none.
    """

    user: Int64Array
    y: Float64Array
    m: Float64Array
    x: Float64Array


def participants(rows: Rows, arm_of_row: Int64Array, *, since: int = 0) -> Participants:
    """Who takes part.

    Args:
        rows: to look at.
        arm_of_row: place of the arm that each row's first answer belongs to, -1 for none.
        since: first week that may count as taken part.
    """
    labelled = (arm_of_row >= 0) & (rows.week >= since)
    if n.ANSWERS in rows.frame:
        labelled &= rows.column(n.ANSWERS) > 0
    entry = np.full(rows.n_users, rows.last + 1, dtype=np.int64)
    np.minimum.at(entry, rows.user[labelled], rows.week[labelled])
    at_entry = np.flatnonzero(labelled & (rows.week == entry[rows.user]))
    arm = np.full(rows.n_users, -1, dtype=np.int64)
    arm[rows.user[at_entry]] = arm_of_row[at_entry]
    segment = np.full(rows.n_users, "", dtype=object)
    if n.SEGMENT in rows.frame:
        segment[rows.user[at_entry]] = replace(rows, place=rows.place[at_entry]).texts(n.SEGMENT)
    return Participants(rows, arm, entry, segment)


def sums_of(metric: str, of: Participants) -> Sums:
    """The sums of a metric (one of `config.METRICS`) whose columns are there."""
    rows, taking = of.rows, np.flatnonzero(of.arm >= 0)
    entry_of_row = of.entry[rows.user]
    in_it = (of.arm[rows.user] >= 0) & (rows.week >= entry_of_row)
    before = (
        (of.arm[rows.user] >= 0)
        & (rows.week < entry_of_row)
        & (rows.week >= entry_of_row - WEEKS_BEFORE)
    )
    weeks_in = of.weeks_in[taking].astype(np.float64)
    known = np.full(rows.n_users, rows.last + 1, dtype=np.int64)
    np.minimum.at(known, rows.user, rows.week)
    seen = np.minimum(of.entry - known, WEEKS_BEFORE)[taking].astype(np.float64)
    if metric == RETURN_RATE:
        # Whether the week before leads into the experiment is up to the arm already.
        before &= rows.week < entry_of_row - 1
    y_row, m_row = _per_row(metric, rows)
    y = _per_user(y_row, in_it, rows)[taking]
    y_before = _per_user(y_row, before, rows)[taking]
    if m_row is None:
        m, m_before = weeks_in, seen
    else:
        m = _per_user(m_row, in_it, rows)[taking]
        m_before = _per_user(m_row, before, rows)[taking]
    return Sums(taking, y, m, _covariate(y_before, m_before, seen, weeks_in))


def _covariate(
    y: Float64Array, m: Float64Array, seen: Float64Array, weeks_in: Float64Array
) -> Float64Array:
    """What a user added to the metric per week before, for as many weeks as they are in.

    Both factors are settled before an arm can act, whatever the weeks that follow bring.
    """
    known = (seen > 0) & (m > 0)
    if not known.any():
        return np.zeros(len(y))
    ratio = y[known].sum() / m[known].sum()
    x = np.zeros(len(y))
    x[known] = (y[known] - ratio * m[known]) / seen[known]
    x[known] -= x[known].mean()
    return x * weeks_in


def _per_user(values: Float64Array, mask: BoolArray, rows: Rows) -> Float64Array:
    sums = np.bincount(rows.user[mask], weights=values[mask], minlength=rows.n_users)
    return sums.astype(np.float64, copy=False)


def _per_row(metric: str, rows: Rows) -> tuple[Float64Array, Float64Array | None]:
    if metric == RETURN_RATE:
        return _returns(rows)
    over, under = _SUMS[metric]
    return rows.column(over), None if under is None else rows.column(under)


def _returns(rows: Rows) -> tuple[Float64Array, Float64Array]:
    """Per row: active in this week and the next; active in this week with a next week looked at."""
    active = rows.column(n.ACTIVE_DAYS) > 0
    key = rows.user * (rows.last + 2) + rows.week
    again = np.isin(key + 1, key[active])
    counted = active & (rows.week < rows.last)
    return (counted & again).astype(np.float64), counted.astype(np.float64)
