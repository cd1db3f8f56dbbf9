"""Every figure of a week, tidy: by day, segment, release, arm, place and genre.

Each is defined in docs/monitoring.md. Users are the units of every interval.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.availability import Reliability
from recsys_pipeline.monitoring.catalogue_figures import METRICS, catalogue_rates, diversity
from recsys_pipeline.monitoring.codes import codes_in
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.counted import Counted, named_groups
from recsys_pipeline.monitoring.impression_figures import impression_rows
from recsys_pipeline.monitoring.movie_figures import movie_rows
from recsys_pipeline.monitoring.online_week import OnlineWeek
from recsys_pipeline.monitoring.rates import Float64Array, Int64Array, Parts, rates
from recsys_pipeline.monitoring.reliability_figures import reliability_rows
from recsys_pipeline.monitoring.rows import LEAST_USERS, cannot_tell, count_row, rows_of, tidy
from recsys_pipeline.monitoring.staying_figures import staying_rows

PER_USER: Final = {
    names.CLICK_THROUGH: (n.CLICKS, n.IMPRESSIONS),
    names.LIST_CLICK_THROUGH: (n.ANSWERS_CLICKED, n.ANSWERS),
    names.CLICKS: (n.CLICKS, None),
    names.WATCH_MINUTES: (n.WATCH_MINUTES, None),
    names.SATISFACTION: (n.RATING_SUM, n.RATINGS),
    names.ACTIVE_DAYS: (n.ACTIVE_DAYS, None),
    names.FALLBACK_SHARE: (n.ANSWERS_FALLBACK, n.ANSWERS),
}
"""What each metric sums over users, and by what; None for the number of user weeks."""
COUNTS: Final = {
    names.ANSWERS: n.ANSWERS,
    names.IMPRESSIONS: n.IMPRESSIONS,
    names.ACTIONS: n.ACTIONS,
}
"""Plain sums over users."""


def figures(
    now: OnlineWeek,
    before: OnlineWeek | None,
    *,
    movies: pd.DataFrame,
    users: pd.DataFrame,
    config: MonitoringConfig,
    active: pd.DataFrame | None = None,
    since: pd.Timestamp | None = None,
    assigned: pd.DataFrame | None = None,
    reliability: Reliability | None = None,
    reliability_before: Reliability | None = None,
) -> pd.DataFrame:
    """The figures of a week and how they changed since the week before.

    Args:
        now: the week.
        before: the seven days before, or None: then nothing changed that could be told.
        movies: the catalogue, of the contract.
        users: of the contract, for segments and sign-ups.
        config: of monitoring.
        active: user and time of what users did in the last `staying.days_needed` days; one row a
            day is enough (`staying.active_days`), and this week's actions are added. None tells
            nothing about who returns and who leaves.
        since: from when on `active` is complete; its first row where left out.
        assigned: ``user_id``, ``experiment`` and ``arm`` of everybody who is in an experiment:
            without it, who returns and who leaves is not told by arm (users who left have no week
            to say their arm). An experiment that nobody met this week has not begun, or is over:
            it is not told.
        reliability, reliability_before: of the API in both weeks, or None where not measured.

    Returns:
        One row per metric and group with the columns `names.COLUMNS`; ``group`` is empty for the
        figure of all users, ``experiment/arm`` for an arm, the ISO day for a day. A figure of all
        that cannot be told has the value NaN; any other group without one, or of fewer than
        `LEAST_USERS` users, has no row.
    """
    both = [now] if before is None else [now, before]
    user_ids = pd.Index(
        pd.concat([week.user_weeks[n.USER_ID] for week in both], ignore_index=True).unique()
    ).sort_values()
    movie_ids = pd.Index(movies[n.MOVIE_ID])
    genres = GenreTable.of(movies)
    ours = Counted.of(now, user_ids, movie_ids)
    past = None if before is None else Counted.of(before, user_ids, movie_ids)
    varied = _Varied(diversity(ours, genres), None if past is None else diversity(past, genres))
    rows: list[dict[str, Any]] = []
    for grouped in _groupings(ours, past, users):
        rows += _user_rows(ours, past, grouped, users, len(user_ids))
        rows += _list_rows(ours, past, grouped, movies, varied, len(user_ids))
    if active is not None:
        columns = [n.USER_ID, n.TIMESTAMP]
        active = pd.concat([active[columns], now.actions[columns]], ignore_index=True)
    if assigned is not None:
        met = now.user_weeks[n.EXPERIMENT].unique()
        assigned = assigned[assigned[n.EXPERIMENT].isin(met)]
    rows += staying_rows(active, since, now.end, users, assigned, config.churn_days)
    rows += impression_rows(ours, past, genres, len(user_ids))
    rows += movie_rows(ours, past, movies, len(user_ids))
    rows += reliability_rows(reliability, reliability_before)
    return tidy(rows)


@dataclass(frozen=True)
class _Grouped:
    """Users in groups: the group of each row of the user weeks of both weeks."""

    by: str
    groups: tuple[str, ...]
    now: Int64Array
    before: Int64Array | None

    @property
    def least_users(self) -> int:
        return 1 if self.by == names.ALL else LEAST_USERS


@dataclass(frozen=True)
class _Varied:
    """Variety of genres of each answer of both weeks."""

    now: Float64Array
    before: Float64Array | None


def _groupings(ours: Counted, past: Counted | None, users: pd.DataFrame) -> list[_Grouped]:
    everybody = np.zeros(len(ours.weeks_user), dtype=np.int64)
    found = [
        _Grouped(
            names.ALL,
            ("",),
            everybody,
            None if past is None else np.zeros(len(past.weeks_user), dtype=np.int64),
        )
    ]
    for by, texts, old in (
        (
            names.SEGMENT,
            ours.segment_of_users(users),
            None if past is None else past.segment_of_users(users),
        ),
        (names.ARM, ours.arm_of_users, None if past is None else past.arm_of_users),
    ):
        groups = named_groups(texts)
        found.append(
            _Grouped(
                by,
                tuple(groups),
                codes_in(groups, texts),
                None if old is None else codes_in(groups, old),
            )
        )
    return found


def _user_rows(
    ours: Counted, past: Counted | None, grouped: _Grouped, users: pd.DataFrame, n_users: int
) -> list[dict[str, Any]]:
    rows = []
    size = len(grouped.groups)
    for metric, (y, x) in PER_USER.items():
        found = rates(
            ours.per_user(y, x, grouped.now),
            None if grouped.before is None or past is None else past.per_user(y, x, grouped.before),
            n_users,
            size,
            share=metric in names.SHARES,
        )
        kept = rows_of(metric, grouped.by, grouped.groups, found, least_users=grouped.least_users)
        if not kept and grouped.by == names.ALL:
            kept = [cannot_tell(metric)]
        rows += kept
    rows += _new_rows(ours, past, grouped, users, n_users)
    return rows + _count_rows(ours, past, grouped)


def _new_rows(
    ours: Counted, past: Counted | None, grouped: _Grouped, users: pd.DataFrame, n_users: int
) -> list[dict[str, Any]]:
    """Users of the week who signed up in it, where sign-ups are known."""
    if n.SIGNUP_AT not in users or not users[n.SIGNUP_AT].notna().any():
        return [cannot_tell(names.NEW_USERS)] if grouped.by == names.ALL else []

    def parts(counted: Counted, group: Int64Array) -> Parts:
        week = counted.week
        place = pd.Index(users[n.USER_ID]).get_indexer(pd.Index(week.user_weeks[n.USER_ID]))
        signed = users[n.SIGNUP_AT].array.take(place, allow_fill=True)
        new = np.asarray((signed >= week.start) & (signed < week.end), dtype=np.float64)
        return Parts(counted.weeks_user, group, new, np.ones(len(new)))

    old = None if past is None or grouped.before is None else parts(past, grouped.before)
    found = rates(parts(ours, grouped.now), old, n_users, len(grouped.groups), share=True)
    kept = rows_of(
        names.NEW_USERS, grouped.by, grouped.groups, found, least_users=grouped.least_users
    )
    return kept or ([cannot_tell(names.NEW_USERS)] if grouped.by == names.ALL else [])


def _count_rows(ours: Counted, past: Counted | None, grouped: _Grouped) -> list[dict[str, Any]]:
    size = len(grouped.groups)
    people = np.bincount(grouped.now[grouped.now >= 0], minlength=size)
    rows = []
    for metric, column in ((names.USERS, None), *COUNTS.items()):
        value = _sums(ours, column, grouped.now, size)
        old = np.full(size, np.nan)
        if past is not None and grouped.before is not None:
            old = _sums(past, column, grouped.before, size)
        rows += [
            count_row(metric, grouped.by, group, value[place], old[place], people[place])
            for place, group in enumerate(grouped.groups)
            if people[place] >= grouped.least_users or grouped.by == names.ALL
        ]
    return rows


def _sums(counted: Counted, column: str | None, group: Int64Array, size: int) -> Any:
    inside = group >= 0
    weights = None
    if column is not None:
        weights = counted.week.user_weeks[column].to_numpy(dtype=np.float64)[inside]
    return np.bincount(group[inside], weights=weights, minlength=size).astype(np.float64)


def _list_rows(
    ours: Counted,
    past: Counted | None,
    grouped: _Grouped,
    movies: pd.DataFrame,
    varied: _Varied,
    n_users: int,
) -> list[dict[str, Any]]:
    """What is shown of the catalogue to each group, and how varied its lists are."""
    size = len(grouped.groups)
    found = catalogue_rates(ours, past, movies, grouped.now, grouped.before, size)

    def parts(counted: Counted, values: Float64Array, group: Int64Array) -> Parts:
        of_user = np.full(n_users, -1, dtype=np.int64)
        of_user[counted.weeks_user] = group
        return counted.per_answer(values, of_user[counted.shown_user])

    old = None
    if past is not None and varied.before is not None and grouped.before is not None:
        old = parts(past, varied.before, grouped.before)
    found[names.DIVERSITY] = rates(
        parts(ours, varied.now, grouped.now), old, n_users, size, share=True
    )
    rows = []
    for metric in (*METRICS, names.DIVERSITY):
        kept = rows_of(
            metric, grouped.by, grouped.groups, found[metric], least_users=grouped.least_users
        )
        rows += kept or ([cannot_tell(metric)] if grouped.by == names.ALL else [])
    return rows
