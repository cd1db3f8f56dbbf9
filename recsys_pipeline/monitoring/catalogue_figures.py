"""How much of the catalogue is shown, how unevenly, and how varied the lists are."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.evaluation.beyond import ListContext, intra_list_diversity
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.counted import Counted
from recsys_pipeline.monitoring.rates import Float64Array, Int64Array, Rates, half_width

FOLDS: Final = 20
"""Parts that the users are put into, each left out once; see `catalogue_rates`."""
METRICS: Final = (names.COVERAGE, names.CONCENTRATION, names.TOP_SHARE)

_TOP: Final = 0.01


def open_movies(movies: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> Int64Array:
    """Rows of the movies that may be recommended at some moment from `start` to before `end`."""
    there = np.ones(len(movies), dtype=bool)
    if n.AVAILABLE_FROM in movies:
        first = movies[n.AVAILABLE_FROM]
        there &= (first.isna() | (first < end)).to_numpy(dtype=bool)
    if n.AVAILABLE_UNTIL in movies:
        last = movies[n.AVAILABLE_UNTIL]
        there &= (last.isna() | (last >= start)).to_numpy(dtype=bool)
    return np.flatnonzero(there).astype(np.int64)


def catalogue_rates(
    now: Counted,
    before: Counted | None,
    movies: pd.DataFrame,
    groups_now: Int64Array,
    groups_before: Int64Array | None,
    n_groups: int,
) -> dict[str, Rates]:
    """Coverage, concentration and the share of the most shown movies of each group of users.

    They are figures of all users together, so their intervals are by the jackknife: users are put
    into `FOLDS` parts by their numbers, and each figure is told again without each part; alike in
    both weeks, so that the change of users who are in both is paired.

    Source: Shao and Tu, The jackknife and bootstrap, 1995, section 2.3.

    Args:
        now, before: the weeks counted over the same users.
        movies: the catalogue, in the order of the movies' numbers.
        groups_now, groups_before: group of each user week's row, −1 for none.
        n_groups: groups numbered below that.
    """
    found = _of_week(now, movies, groups_now, n_groups)
    past = None
    if before is not None and groups_before is not None:
        past = _of_week(before, movies, groups_before, n_groups)
    shown = groups_now[now.week.user_weeks[n.IMPRESSIONS].to_numpy(dtype=np.int64) > 0]
    users = np.bincount(shown[shown >= 0], minlength=n_groups)
    out = {}
    for place, metric in enumerate(METRICS):
        value, low, high = _jackknifed(found[place], users)
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
        none = np.full(n_groups, np.nan)
        old, change, change_low, change_high = none, none, none, none
        if past is not None:
            old = past[place][:, 0]
            change, change_low, change_high = _jackknifed(found[place] - past[place], users)
        out[metric] = Rates(value, low, high, users, old, change, change_low, change_high)
    return out


def diversity(counted: Counted, genres: GenreTable) -> Float64Array:
    """Variety of genres of each answer, see `evaluation.beyond.intra_list_diversity`.

    NaN where fewer than two movies of it have genres.
    """
    n_answers, n_items = len(counted.first), genres.movies.shape[0]
    if not n_answers or not len(genres.vocabulary):
        return np.full(n_answers, np.nan)
    order = np.argsort(counted.answer, kind="stable")
    lengths = np.bincount(counted.answer, minlength=n_answers)
    place = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    items = np.full((n_answers, int(lengths.max())), -1, dtype=np.int32)
    items[counted.answer[order], place] = counted.shown_movie[order]
    context = ListContext(
        popularity=np.zeros(n_items),
        history=sp.csr_matrix((n_answers, n_items)),
        popular=items[:, :0],
        genres=genres.movies,
        k=items.shape[1],
    )
    return intra_list_diversity(items, context)


def _of_week(
    counted: Counted, movies: pd.DataFrame, groups: Int64Array, n_groups: int
) -> npt.NDArray[np.float64]:
    """Of each metric and group the figure, then the figure without each part of the users.

    Returns:
        float64 ``(len(METRICS), n_groups, 1 + FOLDS)``.
    """
    week = counted.week
    rows = open_movies(movies, week.start, week.end)
    item = np.full(len(movies) + 1, -1, dtype=np.int64)
    item[rows] = np.arange(len(rows))
    shown = item[counted.shown_movie]
    group_of_user = np.full(int(counted.weeks_user.max(initial=-1)) + 2, -1, dtype=np.int64)
    group_of_user[counted.weeks_user] = groups
    group = group_of_user[counted.shown_user]
    inside = (shown >= 0) & (group >= 0)
    fold = counted.shown_user[inside] % FOLDS
    out = np.full((len(METRICS), n_groups, 1 + FOLDS), np.nan)
    if not len(rows):
        return out
    for number in range(n_groups):
        own = group[inside] == number
        cell = fold[own] * len(rows) + shown[inside][own]
        parts = np.bincount(cell, minlength=FOLDS * len(rows)).reshape(FOLDS, len(rows))
        total = parts.sum(axis=0)
        times = np.sort(np.vstack([total, total - parts]), axis=1)
        out[:, number, :] = _figures(times)
    return out


def _figures(times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The metrics of rows of ascending counts: float64 ``(len(METRICS), n_rows)``."""
    n_rows, n_items = times.shape
    total = times.sum(axis=1).astype(np.float64)
    place = 2.0 * np.arange(1, n_items + 1) - n_items - 1
    top = max(1, round(_TOP * n_items))
    coverage = (times > 0).sum(axis=1) / n_items
    found = [np.full(n_rows, np.nan) for _ in range(2)]
    np.divide(times @ place, n_items * total, out=found[0], where=total > 0)
    np.divide(times[:, -top:].sum(axis=1), total, out=found[1], where=total > 0)
    return np.vstack([coverage, *found])


def _jackknifed(
    figures: npt.NDArray[np.float64], users: Int64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Figures ``(n_groups,)`` and their intervals; NaN with fewer users than parts."""
    value, without = figures[:, 0], figures[:, 1:]
    spread = without - without.mean(axis=1, keepdims=True)
    variance = (FOLDS - 1) / FOLDS * (spread**2).sum(axis=1)
    half = half_width(variance, np.full(len(value), float(FOLDS)))
    half = np.where(users >= FOLDS, half, np.nan)
    return value, value - half, value + half
