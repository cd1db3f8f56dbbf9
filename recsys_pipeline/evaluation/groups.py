"""Figures by group: for whom, and for which movies, a recommender is good.

A mean over everybody hides that a recommender serves those with a long history and fails the
newcomers. Cells are the figures of one metric of one recommender in one group, still user by user;
`group_table` turns all of them into figures with intervals on one set of draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import RANKING, Evaluation
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import Interval, percentile_interval, resample
from recsys_pipeline.evaluation.labelled import (
    Exposures,
    auc_by_user,
    liked_share_in_top,
    top_size,
)
from recsys_pipeline.evaluation.metrics import Hits, IntArray
from recsys_pipeline.evaluation.per_user import PerUser

MOVIE_POPULARITY: Final = "movie_popularity"
BANDS: Final = ("head", "middle", "tail")
"""Bands of movies, the most popular first."""

HISTORY_BUCKETS: Final = {"0": (0, 0), "1": (1, 1), "2–4": (2, 4), "5–9": (5, 9), "10+": (10, None)}
"""Lengths of a history that are told apart: the least and the most of each bucket."""

UNKNOWN: Final = "unknown"
OTHERS: Final = "others"

_MOST_SEGMENTS: Final = 12
_N_RESAMPLES: Final = 400
_WORDS: Final = {n.HISTORY_LENGTH: "history", MOVIE_POPULARITY: "movies of the"}

Cell = tuple[str, str, str, str]
"""Recommender, grouping, group, metric."""
Cells = Mapping[Cell, PerUser]


def group_label(grouping: str, group: str) -> str:
    """A group in words for people.

    >>> group_label("history_length", "2–4"), group_label("segment", "adult")
    ('history 2–4', 'segment adult')
    """
    return f"{_WORDS.get(grouping, grouping)} {group}"


@dataclass(frozen=True)
class Grouping:
    """A partition of the users judged.

    Attributes:
        name: what the users are grouped by.
        groups: names of the groups, in order.
        of: int ``(n_users,)``, the place of each user's group in `groups`.
    """

    name: str
    groups: tuple[str, ...]
    of: npt.NDArray[np.integer[Any]]


def by_segment(segments: pd.Series, name: str = n.SEGMENT) -> Grouping:
    """Users by a column of their profile, groups in ascending order.

    Of more than twelve values the rarest are ``others``; users without a value are ``unknown``.

    Args:
        segments: n_users texts or other values, in the order of the users judged.
    """
    texts = segments.astype("str").where(segments.notna())
    counts = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    most = _MOST_SEGMENTS if len(counts) <= _MOST_SEGMENTS else _MOST_SEGMENTS - 1
    groups = sorted(str(each) for each in counts.index[:most])
    told = texts.where(texts.isin(groups) | texts.isna(), OTHERS).fillna(UNKNOWN)
    groups += [each for each in (OTHERS, UNKNOWN) if each not in groups and (told == each).any()]
    return Grouping(name, tuple(groups), pd.Index(groups, dtype="str").get_indexer(pd.Index(told)))


def by_history_length(lengths: npt.NDArray[Any]) -> Grouping:
    """Users by how many liked movies are known of them, in `HISTORY_BUCKETS`.

    >>> by_history_length(np.array([0, 1, 3, 5, 900])).of.tolist()
    [0, 1, 2, 3, 4]
    """
    starts = np.array([low for low, _ in HISTORY_BUCKETS.values()])
    place = np.searchsorted(starts, lengths, side="right") - 1
    return Grouping(n.HISTORY_LENGTH, tuple(HISTORY_BUCKETS), place)


def movie_bands(popularity: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """The band of each movie: 0 head, 1 middle, 2 tail; int8 ``(n_items,)``.

    With movies in descending order of popularity, the head is those that make up the first third
    of all interactions, the middle those of the second, and the tail all others. A movie is where
    its first interaction falls; one that nobody met is in the tail. Equally popular movies are in
    order of their number.

    Args:
        popularity: ``(n_items,)``, how often each movie was met, ≥ 0.

    >>> movie_bands(np.array([1, 6, 3, 0, 2])).tolist()
    [2, 0, 1, 2, 2]
    """
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    total = popularity.sum()
    bands = np.full(len(popularity), 2, dtype=np.int8)
    bands[order] = np.where(
        popularity[order] > 0, np.minimum(3 * before // max(total, 1), 2), 2
    ).astype(np.int8)
    return bands


def user_cells(
    evaluations: Mapping[str, Evaluation],
    groupings: Sequence[Grouping],
    metrics: Sequence[str],
) -> dict[Cell, PerUser]:
    """The figures of `metrics` for the users of each group, zeros for all others.

    Args:
        evaluations: by name of the recommender, all over the same users.
        groupings: of those users.
        metrics: names of metrics; one that an evaluation lacks is left out. The pooled AUC cannot
            be among them: it compares pairs of users. The AUC within a user can.

    Raises:
        ValueError: the pooled AUC is asked for, or a grouping is of other users.
    """
    if names.AUC in metrics:
        raise ValueError(f"{names.AUC!r} compares users of all groups; take {names.AUC_BY_USER!r}")
    for grouping in groupings:
        for name, evaluation in evaluations.items():
            if len(grouping.of) != len(evaluation.users):
                raise ValueError(
                    f"{len(grouping.of)} users by {grouping.name}, {len(evaluation.users)} judged "
                    f"with {name!r}"
                )
    return {
        (name, grouping.name, group, metric): _restricted(
            evaluation.per_user[metric], grouping.of == place
        )
        for name, evaluation in evaluations.items()
        for grouping in groupings
        for place, group in enumerate(grouping.groups)
        for metric in metrics
        if metric in evaluation.per_user
    }


def _restricted(figures: PerUser, to: npt.NDArray[np.bool_]) -> PerUser:
    return PerUser(figures.numerator * to, figures.denominator * to)


def band_cells(
    lists: Mapping[str, IntArray],
    held_out: HeldOut,
    popularity: npt.NDArray[Any],
    metrics: Sequence[str],
    *,
    scores: Mapping[str, npt.NDArray[Any]] | None = None,
) -> dict[Cell, PerUser]:
    """The figures of `metrics` where only the movies of one band count as liked or exposed.

    The lists stay whole: the figure says how well the movies of that band are placed in them.

    Args:
        lists: by name of the recommender, int ``(n_users, K)``, as for `evaluate`.
        held_out: what to judge by.
        popularity: ``(n_items,)``, how often each movie was met in training; see `movie_bands`.
        metrics: names of ranking metrics, of the liked share in the top, or of the AUC within a
            user; of the last two those that the labels and `scores` allow.
        scores: by name of the recommender, ``(n_exposures,)``.

    Raises:
        ValueError: a metric has no meaning in a band.
    """
    found: dict[Cell, PerUser] = {}
    bands = movie_bands(popularity)
    parts = [_only(held_out, bands == place) for place in range(len(BANDS))]
    for name, items in lists.items():
        own = None if scores is None else scores.get(name)
        for band, (part, kept) in zip(BANDS, parts, strict=True):
            for metric in metrics:
                of = None if own is None else own[kept]
                figures = _figures(metric, items, part, of)
                if figures is not None:
                    found[name, MOVIE_POPULARITY, band, metric] = figures
    return found


def _only(held_out: HeldOut, movies: npt.NDArray[np.bool_]) -> tuple[HeldOut, npt.NDArray[np.intp]]:
    """What is held out of some movies, and the places of its exposures among all."""
    relevant = sp.csr_matrix(held_out.relevant @ sp.diags_array(movies.astype(np.float32)))
    relevant.eliminate_zeros()
    exposures = held_out.exposures
    if exposures is None:
        return replace(held_out, relevant=relevant), np.empty(0, dtype=np.intp)
    kept = np.flatnonzero(movies[exposures.item])
    part = Exposures(
        exposures.row[kept], exposures.item[kept], exposures.liked[kept], exposures.n_users
    )
    return replace(held_out, relevant=relevant, exposures=part), kept


def _figures(
    metric: str, items: IntArray, held_out: HeldOut, scores: npt.NDArray[Any] | None
) -> PerUser | None:
    """One metric, or None where there are no labels or scores for it."""
    base, k = names.base_and_k(metric)
    if base in RANKING and k is not None:
        return PerUser.of(RANKING[base](Hits.of(items[:, :k], held_out.relevant), k))
    if metric not in (names.LIKED_SHARE_IN_TOP, names.AUC_BY_USER):
        raise ValueError(f"{metric!r} has no meaning for a band of movies")
    if held_out.exposures is None:
        return None
    if metric == names.LIKED_SHARE_IN_TOP:
        top = items[:, : top_size(held_out.n_items)]
        return liked_share_in_top(top, held_out.exposures, held_out.n_items)
    return None if scores is None else auc_by_user(held_out.exposures, scores)


def group_table(
    cells: Cells,
    rng: np.random.Generator,
    *,
    baseline: str = "popularity",
    n_resamples: int = _N_RESAMPLES,
) -> pd.DataFrame:
    """The figures of cells with intervals, beside their paired differences to the baseline.

    Args:
        cells: from `user_cells`, `band_cells` or both, all over the same users.
        rng: draws the users of the bootstrap, once for all cells.
        baseline: name of the recommender that the others are compared with.
        n_resamples: draws of the bootstrap.

    Returns:
        one row per cell, in the order given: recommender, grouping, group, metric, mean, low, high,
        n_users (users of the group that have a figure), diff_to_<baseline>, diff_low, diff_high.
        Differences are 0 for the baseline itself, and NaN where it has no such figure.
    """
    samples = resample(list(cells.values()), rng, n_resamples=n_resamples)
    column = {cell: i for i, cell in enumerate(cells)}
    rows = []
    for i, (cell, figures) in enumerate(cells.items()):
        own = percentile_interval(figures.mean, samples[:, i], figures.n_users)
        against = (baseline, *cell[1:])
        difference = Interval(float("nan"), float("nan"), float("nan"), 0)
        if against in column:
            base = cells[against]
            difference = percentile_interval(
                figures.mean - base.mean,
                samples[:, i] - samples[:, column[against]],
                int((figures.known | base.known).sum()),
            )
        rows.append(
            (
                *cell,
                own.mean,
                own.low,
                own.high,
                own.n,
                difference.mean,
                difference.low,
                difference.high,
            )
        )
    table = pd.DataFrame(
        rows,
        columns=[
            names.RECOMMENDER,
            names.GROUPING,
            names.GROUP,
            names.METRIC,
            names.MEAN,
            names.LOW,
            names.HIGH,
            names.N_USERS,
            names.DIFFERENCE.format(baseline),
            names.DIFFERENCE_LOW,
            names.DIFFERENCE_HIGH,
        ],
    )
    texts = (names.RECOMMENDER, names.GROUPING, names.GROUP, names.METRIC)
    return table.astype(
        {name: "str" if name in texts else "float64" for name in table.columns}
        | {names.N_USERS: "int64"}
    )
