"""Choosing the recommender to release, on the window that the ranker learns from.

What is fitted on the window, the blend's weights and the ranker, is judged out of fold: users are
in two halves, and each half is ranked by what was fitted on the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Float32Array, UserBatch
from recsys_pipeline.evaluation.metrics import Hits
from recsys_pipeline.evaluation.names import metric_label
from recsys_pipeline.models.base import top_k
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, sample_of
from recsys_pipeline.pipeline.feature_matrix import LABEL
from recsys_pipeline.pipeline.window import LONGER, Window, best_of
from recsys_pipeline.ranking.blend import (
    Blend,
    Candidates,
    LabelledPairs,
    fit_by_labels,
    fit_by_lists,
)
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.gathering import gather_candidates, gather_pairs
from recsys_pipeline.ranking.panel import (
    BLEND,
    FROM_HISTORY,
    NOT_PERSONAL,
    PERSONAL_FALLBACKS,
    POPULARITY,
    RANDOM,
    TWO_STAGE,
    Pairs,
    Panel,
    Ranked,
    with_users,
)
from recsys_pipeline.ranking.ranker import BoostingRanker

_SIMPLEST_FIRST = (
    POPULARITY,
    "trending",
    "segment_popularity",
    "clusters",
    "content",
    "item_knn",
    "als",
    "ease",
    "profile",
    "taste",
    BLEND,
    TWO_STAGE,
)
_PER_GENERATOR = 50


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


def ranker_data(
    feature_matrix: pd.DataFrame, cuts: Cuts, panel: Panel, learning: LearningConfig
) -> RankerData:
    """`feature_matrix` with the scores of the generators of `panel` appended.

    Of more than `ranker.max_users` users a sample: every generator has to score the catalogue for
    each of them.
    """
    history = cuts.history
    user = history.users.index_of(feature_matrix[n.USER_ID])
    learned = sample_of(np.unique(user), learning.ranker.max_users, learning.seed)
    kept = np.isin(user, learned)
    feature_matrix, user = feature_matrix[kept], user[kept]
    item = history.items.index_of(feature_matrix[n.MOVIE_ID])
    users, rows = np.unique(user, return_inverse=True)
    pairs = Pairs(rows.astype(np.int32), item)
    plain = feature_matrix[list(PairFeatures.names)].to_numpy(dtype=np.float32)
    scores = panel.generator_features(cuts.known_history.batch(users), pairs)
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
        blend: fitted on the whole window, or None where one generator alone is as good.
        newcomers: the generator that ranks for somebody of whom nothing is known.
    """

    name: str
    reason: str
    metric: str
    figures: Mapping[str, float]
    n_users: int
    calibrations: Mapping[str, Calibration]
    blend: Blend | None
    newcomers: str


def choose(
    window: Window,
    panel: Panel,
    ranked: Mapping[str, Ranked],
    data: RankerData | None,
    learning: LearningConfig,
) -> Choice:
    """Take the recommender that does best on the window.

    Args:
        window: of the run's cuts.
        panel: fitted on ``cuts.history``, without blend and ranker.
        ranked: what `panel` makes of the window's users.
        data: the labelled pairs, or None to leave the two-stage recommender out.
    """
    panel = replace(panel, newcomers=best_for_newcomers(window, panel))
    figures = {name: window.figure(each) for name, each in ranked.items() if name != RANDOM}
    blender = _Blender.of(window, panel, best_of(figures, panel.proposers), learning)
    blend = blender.fit(np.ones(len(window.users), dtype=bool))
    out_of_fold = _out_of_fold(window, panel, blender if blend else None, data, learning)
    everything = {**ranked, **out_of_fold}
    figures |= {name: window.figure(each) for name, each in out_of_fold.items()}
    order = sorted(figures, key=lambda name: (-_worth(figures[name]), _place(name)))
    chosen = order[0] if learning.primary == "auto" else learning.primary
    return Choice(
        name=chosen,
        reason=_reason(chosen, order, figures, window, learning),
        metric=window.deciding.name,
        figures={name: figures[name] for name in order},
        n_users=len(window.users),
        calibrations={
            name: _calibration(name, everything[name], window)
            for name in _to_calibrate(everything, chosen, panel, window)
        },
        blend=blend,
        newcomers=panel.newcomers,
    )


@dataclass(frozen=True)
class _Blender:
    """Fits blends on any of the window's users."""

    found: Candidates | LabelledPairs | None
    rows: npt.NDArray[np.int32]
    best: str
    k: int

    @classmethod
    def of(cls, window: Window, panel: Panel, best: str, learning: LearningConfig) -> "_Blender":
        found: Candidates | LabelledPairs | None = None
        rows = np.arange(len(window.users), dtype=np.int32)
        exposures = window.held_out.exposures
        if len(panel.proposers) > 1 and window.labelled and exposures is not None:
            rows = window.pairs.rows
            found = gather_pairs(panel, window.users, window.pairs, exposures.liked)
        elif len(panel.proposers) > 1:
            found = gather_candidates(panel, window.users, window.held_out.relevant, _PER_GENERATOR)
        return cls(found, rows, best, LONGER * learning.k)

    def fit(self, users: npt.NDArray[np.bool_]) -> Blend | None:
        """The blend of the window's users in the mask; None where one generator is enough."""
        here = users[self.rows]
        if isinstance(self.found, LabelledPairs):
            pairs = self.found
            blend = fit_by_labels(
                replace(
                    pairs,
                    values=pairs.values[here],
                    liked=pairs.liked[here],
                    lengths=pairs.lengths[here],
                ),
                FROM_HISTORY,
            )
        elif self.found is not None:
            blend = fit_by_lists(self.found.take(here), self.best, self.k, FROM_HISTORY)
        else:
            return None
        return blend if blend is not None and len(blend.weights) > 1 else None


def _out_of_fold(
    window: Window,
    panel: Panel,
    blender: _Blender | None,
    data: RankerData | None,
    learning: LearningConfig,
) -> dict[str, Ranked]:
    """Lists of the blend and of the two-stage recommender, each half by the other's fit."""
    features = PairFeatures().fit(window.cuts.history) if data is not None else None
    fold_of = window.held_out.users % 2
    parts = []
    for fold in (0, 1):
        ranker = None
        if data is not None:
            ranker = fit_ranker(data, panel, learning, data.user % 2 != fold)
        blend = blender.fit(fold_of != fold) if blender is not None else None
        if blender is not None and blend is None:
            # One generator is enough for the other half: alone it is a blend too.
            blend = Blend({blender.best: 1.0}, (), 0.0)
        fitted = replace(panel, pair_features=features, ranker=ranker, blend=blend)
        rows = np.flatnonzero(fold_of == fold)
        mine = np.flatnonzero(np.isin(window.pairs.rows, rows))
        local = Pairs(
            np.searchsorted(rows, window.pairs.rows[mine]).astype(np.int32),
            window.pairs.items[mine],
        )
        names = [name for name in (BLEND, TWO_STAGE) if name in fitted.names]
        batch = window.users.take(rows)
        parts.append((rows, mine, fitted.rank(batch, window.list_length, names=names, pairs=local)))
    return {
        name: with_users(
            len(window.users), len(window.pairs.rows), [(r, m, p[name]) for r, m, p in parts]
        )
        for name in parts[0][2]
    }


def best_for_newcomers(window: Window, panel: Panel) -> str:
    """The generator whose list for somebody unknown suits the window's users best.

    Everybody gets the list of a person without history and profile, less what was seen.
    """
    if not len(window.users):
        return POPULARITY
    nothing = sp.csr_matrix((1, window.held_out.n_items), dtype=np.float32)
    nobody = UserBatch(nothing, nothing, pd.DataFrame(index=[0]))
    able = [name for name in (*NOT_PERSONAL, *PERSONAL_FALLBACKS) if name in panel.generators]
    figures = {}
    for name in able:
        scores = panel.generators[name].score(nobody)
        lists = [
            top_k(np.repeat(scores, len(block), axis=0), block, window.list_length)[0]
            for _, block in panel.blocks(window.users)
        ]
        figures[name] = window.figure_of_lists(np.concatenate(lists))
    return best_of(figures, tuple(able))


def _to_calibrate(
    ranked: Mapping[str, Ranked], chosen: str, panel: Panel, window: Window
) -> list[str]:
    """Whose scores are to become probabilities: all where labels judge them, else who is shown.

    The ranker's output is a probability where it learned from labels.
    """
    if window.held_out.exposures is not None:
        return [name for name in ranked if name != TWO_STAGE]
    shown = {chosen, *panel.fallback, panel.newcomers, POPULARITY}
    return [name for name in ranked if name in shown]


def _worth(figure: float) -> float:
    return figure if np.isfinite(figure) else -1.0


def _place(name: str) -> int:
    return _SIMPLEST_FIRST.index(name) if name in _SIMPLEST_FIRST else len(_SIMPLEST_FIRST)


def _reason(
    chosen: str,
    order: list[str],
    figures: Mapping[str, float],
    window: Window,
    learning: LearningConfig,
) -> str:
    label = metric_label(window.deciding.name)
    shown = ", ".join(f"{name} {figures[name]:.4f}" for name in order)
    if learning.primary != "auto":
        return f"{chosen} was asked for in the settings ({label} on the window: {shown})."
    if not np.isfinite(figures[chosen]):
        return f"{chosen}: the window holds too little to judge by, so the simplest was taken."
    users = f"{len(window.users):,} users"
    return f"{chosen} has the best {label} on the window, {users}: {shown}."


def _calibration(name: str, ranked: Ranked, window: Window) -> Calibration:
    """From the labelled exposures where there are any, else from hits and misses of the lists."""
    own = ranked.sources == name
    exposures = window.held_out.exposures
    if exposures is not None:
        rows = own[exposures.row]
        return Calibration.fit(ranked.pair_scores[rows], exposures.liked[rows])
    items = ranked.items[own]
    hit = Hits.of(items, window.held_out.relevant[np.flatnonzero(own)]).hit
    listed = items >= 0
    return Calibration.fit(ranked.scores[own][listed], hit[listed])
