"""Figures by what an impression is: its day, release, place and genre."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.codes import codes_in
from recsys_pipeline.monitoring.counted import Counted
from recsys_pipeline.monitoring.rates import Int64Array, Parts, rates
from recsys_pipeline.monitoring.rows import LEAST_USERS, count_row, rows_of

_DAYS: Final = 7


def impression_rows(
    ours: Counted, past: Counted | None, genres: GenreTable, n_users: int
) -> list[dict[str, Any]]:
    """All rows of this module.

    By day there are click-through, list click-through, the share of fallback lists and minutes
    watched per user week (those of the days add up to the week's); a day is compared with the same
    day of the week before. By release there are those of lists and ratings and the number of movies
    shown, by place click-through, by genre (a movie counts in each of its genres) click-through and
    ratings.
    """
    build = _Build(ours, past, n_users)
    start = ours.week.start
    days = [(start + pd.Timedelta(days=day)).date().isoformat() for day in range(_DAYS)]
    rows = build.lists(names.DAY, days, lambda each: each.shown_day)
    rows += build.rows(names.WATCH_MINUTES, names.DAY, days, _minutes_by_day)
    releases = pd.Index(ours.week.impressions[n.RELEASE].unique()).sort_values()

    def release(each: Counted) -> Int64Array:
        return codes_in(releases, each.week.impressions[n.RELEASE])

    rows += build.lists(names.RELEASE, list(releases), release)
    rows += build.rows(
        names.SATISFACTION,
        names.RELEASE,
        list(releases),
        lambda each: each.per_rating(release(each)),
    )
    rows += _shown_by_release(ours, past, releases)
    rank = ours.week.impressions[n.RANK].to_numpy(dtype=np.int64)
    places = [str(place) for place in range(1, int(rank.max(initial=0)) + 1)]
    rows += build.rows(
        names.CLICK_THROUGH,
        names.RANK,
        places,
        lambda each: each.per_impression(
            _below(each.week.impressions[n.RANK].to_numpy(dtype=np.int64) - 1, len(places))
        ),
    )
    for metric, parts in (
        (names.CLICK_THROUGH, Counted.per_impression),
        (names.SATISFACTION, Counted.per_rating),
    ):
        rows += build.rows(metric, names.GENRE, genres.vocabulary, _by_genre(genres, parts))
    return rows


def _shown_by_release(
    ours: Counted, past: Counted | None, releases: pd.Index
) -> list[dict[str, Any]]:
    """How many movies each release showed."""
    now = ours.week.impressions.groupby(n.RELEASE)[n.USER_ID].agg(["size", "nunique"])
    before = None if past is None else past.week.impressions[n.RELEASE].value_counts()
    rows = []
    for each in releases:
        shown, users = (int(value) for value in now.loc[each])
        if users >= LEAST_USERS:
            earlier = float("nan") if before is None else float(before.get(each, 0))
            rows.append(
                count_row(names.IMPRESSIONS, names.RELEASE, str(each), shown, earlier, users)
            )
    return rows


class _Build:
    """Makes rows of both weeks.

    Args:
        ours, past: the weeks.
        n_users: of both.
    """

    def __init__(self, ours: Counted, past: Counted | None, n_users: int) -> None:
        self._ours, self._past, self._n_users = ours, past, n_users

    def rows(
        self, metric: str, by: str, groups: Sequence[str], parts: Callable[[Counted], Parts]
    ) -> list[dict[str, Any]]:
        """The rows of one metric."""
        if not len(groups):
            return []
        found = rates(
            parts(self._ours),
            None if self._past is None else parts(self._past),
            self._n_users,
            len(groups),
            share=metric in names.SHARES,
        )
        return rows_of(metric, by, groups, found, least_users=LEAST_USERS)

    def lists(
        self, by: str, groups: Sequence[str], group: Callable[[Counted], Int64Array]
    ) -> list[dict[str, Any]]:
        """Click-through of movies and lists, and the share of lists that are not personal."""
        ours = group(self._ours)
        past = ours if self._past is None else group(self._past)

        def own(each: Counted) -> Int64Array:
            return ours if each is self._ours else past

        return [
            *self.rows(
                names.CLICK_THROUGH, by, groups, lambda each: each.per_impression(own(each))
            ),
            *self.rows(
                names.LIST_CLICK_THROUGH,
                by,
                groups,
                lambda each: each.per_answer(each.answers_clicked, own(each)),
            ),
            *self.rows(
                names.FALLBACK_SHARE,
                by,
                groups,
                lambda each: each.per_answer(each.answers_fallback, own(each)),
            ),
        ]


def _minutes_by_day(counted: Counted) -> Parts:
    """Minutes of each day by all user weeks, so that the days add up to the week."""
    users = counted.weeks_user
    minutes = counted.done_minutes
    return Parts(
        np.concatenate([counted.done_user, np.tile(users, _DAYS)]),
        np.concatenate([counted.done_day, np.repeat(np.arange(_DAYS), len(users))]),
        np.concatenate([minutes, np.zeros(_DAYS * len(users))]),
        np.concatenate([np.zeros(len(minutes)), np.ones(_DAYS * len(users))]),
    )


def _by_genre(
    genres: GenreTable, parts: Callable[[Counted, Int64Array], Parts]
) -> Callable[[Counted], Parts]:
    """An impression once for each genre of its movie."""

    def made(counted: Counted) -> Parts:
        whole = parts(counted, np.zeros(len(counted.shown_user), dtype=np.int64))
        known = np.flatnonzero((counted.shown_movie >= 0) & (whole.x > 0))
        movie = counted.shown_movie[known]
        starts = genres.movies.indptr.astype(np.int64)
        many = starts[movie + 1] - starts[movie]
        row = np.repeat(known, many)
        within = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
        group = genres.movies.indices[np.repeat(starts[movie], many) + within].astype(np.int64)
        return Parts(whole.user[row], group, whole.y[row], whole.x[row])

    return made


def _below(group: Int64Array, size: int) -> Int64Array:
    return np.where(group < size, group, -1)
