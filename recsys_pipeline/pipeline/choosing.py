"""Choosing the recommender to release, on the window that the ranker learns from.

The ranker is judged out of fold: users are in two halves, and each half is ranked by a ranker
that learned from the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Float32Array
from recsys_pipeline.evaluation.evaluate import list_length
from recsys_pipeline.evaluation.held_out import HeldOut, hold_out
from recsys_pipeline.evaluation.labelled import liked_share_in_top, top_size
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k
from recsys_pipeline.evaluation.names import LIKED_SHARE_IN_TOP, metric_label
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.evaluation.verdict import DecidingMetric, deciding_metric
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, sample_of
from recsys_pipeline.pipeline.feature_matrix import LABEL
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.panel import (
    POPULARITY,
    RANDOM,
    TWO_STAGE,
    Pairs,
    Panel,
    Ranked,
    with_users,
)
from recsys_pipeline.ranking.ranker import BoostingRanker

_SIMPLEST_FIRST = (POPULARITY, "content", "item_knn", "als", "ease", "profile", TWO_STAGE)


@dataclass(frozen=True)
class RankerData:
    """The labelled pairs of the window with all features.

    Attributes:
        user: int32 ``(n,)``, row in the user map.
        features: float32 ``(n, n_features)``, in the order of ``Panel.feature_names``.
        labels: int8 ``(n,)``.
    """

    user: npt.NDArray[np.int32]
    features: Float32Array
    labels: npt.NDArray[np.int8]


def ranker_data(feature_matrix: pd.DataFrame, cuts: Cuts, panel: Panel) -> RankerData:
    """`feature_matrix` with the scores of the generators of `panel` appended."""
    history = cuts.history
    user = history.users.index_of(feature_matrix[n.USER_ID])
    item = history.items.index_of(feature_matrix[n.MOVIE_ID])
    users, rows = np.unique(user, return_inverse=True)
    pairs = Pairs(rows.astype(np.int32), item)
    plain = feature_matrix[list(PairFeatures.names)].to_numpy(dtype=np.float32)
    scores = panel.generator_features(history.batch(users), pairs)
    labels = feature_matrix[LABEL].to_numpy(dtype=np.int8)
    return RankerData(user, np.hstack([plain, scores]), labels)


def fit_ranker(
    data: RankerData, panel: Panel, learning: LearningConfig, rows: npt.NDArray[np.bool_]
) -> BoostingRanker:
    """The ranker of the settings, fitted on the pairs at `rows`."""
    return BoostingRanker(learning.ranker).fit(
        data.features[rows],
        data.labels[rows],
        panel.feature_names,
        learning.seed,
    )


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes:
        name: the recommender to release.
        reason: one sentence for people.
        metric: name of the metric that decided.
        figures: that metric by recommender, best first.
        n_users: users that it rests on.
        calibrations: from raw score to probability, by recommender.
    """

    name: str
    reason: str
    metric: str
    figures: Mapping[str, float]
    n_users: int
    calibrations: Mapping[str, Calibration]


def choose(cuts: Cuts, panel: Panel, data: RankerData | None, learning: LearningConfig) -> Choice:
    """Rank the window's users by every recommender and take the best.

    Args:
        panel: fitted on ``cuts.history``, without a ranker.
        data: the labelled pairs, or None to leave the two-stage recommender out.
    """
    judged = sample_of(
        np.unique(cuts.window.user), learning.evaluation.max_window_users, learning.seed
    )
    held_out = hold_out(cuts.history, cuts.window.take(np.isin(cuts.window.user, judged)))
    deciding = deciding_metric(held_out, learning.k)
    ranked = _rank_out_of_fold(cuts, panel, data, held_out, learning)
    figures = {
        name: _figure(each, held_out, deciding, learning.k)
        for name, each in ranked.items()
        if name != RANDOM
    }
    order = sorted(figures, key=lambda name: (-_worth(figures[name]), _place(name)))
    best = order[0]
    chosen = best if learning.primary == "auto" else learning.primary
    return Choice(
        name=chosen,
        reason=_reason(chosen, order, figures, deciding, len(held_out.users), learning),
        metric=deciding.name,
        figures={name: figures[name] for name in order},
        n_users=len(held_out.users),
        calibrations={
            name: _calibration(name, each, held_out)
            for name, each in ranked.items()
            if not (name == TWO_STAGE and held_out.exposures is not None)
        },
    )


def _rank_out_of_fold(
    cuts: Cuts, panel: Panel, data: RankerData | None, held_out: HeldOut, learning: LearningConfig
) -> dict[str, Ranked]:
    batch = cuts.history.batch(held_out.users)
    k = list_length(held_out.n_items, (learning.k,))
    pairs = exposed_pairs(held_out)
    if data is None:
        return panel.rank(batch, k, pairs=pairs)
    features = PairFeatures().fit(cuts.history)
    parts = []
    for fold in (0, 1):
        ranker = fit_ranker(data, panel, learning, data.user % 2 != fold)
        second = replace(panel, pair_features=features, ranker=ranker)
        rows = np.flatnonzero(held_out.users % 2 == fold)
        mine = np.flatnonzero(np.isin(pairs.rows, rows))
        local = Pairs(np.searchsorted(rows, pairs.rows[mine]).astype(np.int32), pairs.items[mine])
        parts.append((rows, mine, second.rank(batch.take(rows), k, pairs=local)))
    names = (*panel.names, TWO_STAGE)
    return {
        name: with_users(
            len(held_out.users), len(pairs.rows), [(r, m, p[name]) for r, m, p in parts]
        )
        for name in names
    }


def exposed_pairs(held_out: HeldOut) -> Pairs:
    """The labelled exposures as pairs; none where nothing has a label."""
    if held_out.exposures is None:
        return Pairs.none()
    return Pairs(held_out.exposures.row, held_out.exposures.item)


def _figure(ranked: Ranked, held_out: HeldOut, deciding: DecidingMetric, k: int) -> float:
    if deciding.name == LIKED_SHARE_IN_TOP and held_out.exposures is not None:
        top = ranked.items[:, : top_size(held_out.n_items)]
        return liked_share_in_top(top, held_out.exposures, held_out.n_items).mean
    hits = Hits.of(ranked.items[:, :k], held_out.relevant)
    return PerUser.of(ndcg_at_k(hits, k)).mean


def _worth(figure: float) -> float:
    return figure if np.isfinite(figure) else -1.0


def _place(name: str) -> int:
    return _SIMPLEST_FIRST.index(name) if name in _SIMPLEST_FIRST else len(_SIMPLEST_FIRST)


def _reason(
    chosen: str,
    order: list[str],
    figures: Mapping[str, float],
    deciding: DecidingMetric,
    n_users: int,
    learning: LearningConfig,
) -> str:
    label = metric_label(deciding.name)
    shown = ", ".join(f"{name} {figures[name]:.4f}" for name in order)
    if learning.primary != "auto":
        return f"{chosen} was asked for in the settings ({label} on the window: {shown})."
    if not np.isfinite(figures[chosen]):
        return f"{chosen}: the window holds too little to judge by, so the simplest was taken."
    return f"{chosen} has the best {label} on the window, {n_users:,} users: {shown}."


def _calibration(name: str, ranked: Ranked, held_out: HeldOut) -> Calibration:
    """From the labelled exposures where there are any, else from hits and misses of the lists."""
    own = ranked.sources == name
    if held_out.exposures is not None:
        rows = own[held_out.exposures.row]
        return Calibration.fit(ranked.pair_scores[rows], held_out.exposures.liked[rows])
    items = ranked.items[own]
    hit = Hits.of(items, held_out.relevant[np.flatnonzero(own)]).hit
    listed = items >= 0
    return Calibration.fit(ranked.scores[own][listed], hit[listed])
