"""The movies that are shown most and least."""

from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.catalogue_figures import open_movies
from recsys_pipeline.monitoring.counted import Counted
from recsys_pipeline.monitoring.rates import Int64Array, Parts, rates
from recsys_pipeline.monitoring.rows import LEAST_USERS, count_row, rows_of

LISTED: Final = 10
"""Movies at each end."""


def movie_rows(
    ours: Counted, past: Counted | None, movies: pd.DataFrame, n_users: int
) -> list[dict[str, Any]]:
    """Impressions and click-through of the movies shown most, and of those shown least.

    The least are of those that were shown at all; how many never were, `coverage` tells. Equally
    often shown ones are in the order of the catalogue. The click-through of a movie shown to fewer
    than `LEAST_USERS` users is left out, its impressions are not.
    """
    size = len(movies)
    times = np.bincount(ours.shown_movie[ours.shown_movie >= 0], minlength=size)
    there = np.zeros(size, dtype=bool)
    there[open_movies(movies, ours.week.start, ours.week.end)] = True
    order = np.argsort(-times, kind="stable")
    shown = order[(times[order] > 0) & there[order]]
    rows = []
    ends = ((names.MOST_SHOWN, shown[:LISTED]), (names.LEAST_SHOWN, shown[LISTED:][::-1][:LISTED]))
    for by, chosen in ends:
        if not len(chosen):
            continue
        group = np.full(size + 1, -1, dtype=np.int64)
        group[chosen] = np.arange(len(chosen))
        texts = _titles(movies, chosen)
        found = rates(
            _parts(ours, group),
            None if past is None else _parts(past, group),
            n_users,
            len(chosen),
            share=True,
        )
        old = np.full(len(chosen), np.nan)
        if past is not None:
            seen = group[past.shown_movie]
            old = np.bincount(seen[seen >= 0], minlength=len(chosen)).astype(np.float64)
        rows += [
            count_row(
                names.IMPRESSIONS,
                by,
                text,
                float(times[chosen[place]]),
                float(old[place]),
                int(found.n[place]),
            )
            for place, text in enumerate(texts)
        ]
        rows += rows_of(names.CLICK_THROUGH, by, texts, found, least_users=LEAST_USERS)
    return rows


def _parts(counted: Counted, group: Int64Array) -> Parts:
    return counted.per_impression(group[counted.shown_movie])


def _titles(movies: pd.DataFrame, rows: Int64Array) -> list[str]:
    """Titles, with the id where there is none or another of `rows` has the same."""
    ids: list[str] = movies[n.MOVIE_ID].iloc[rows].astype("str").tolist()
    if n.TITLE not in movies:
        return ids
    titles = movies[n.TITLE].iloc[rows].fillna("").tolist()
    return [
        f"{title} ({movie})" if title and titles.count(title) > 1 else title or movie
        for title, movie in zip(titles, ids, strict=True)
    ]
