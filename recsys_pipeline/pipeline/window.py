"""The ranker's window as a place to decide: whose lists are judged there, and by what."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys_pipeline.data.dataset import Int32Array, UserBatch
from recsys_pipeline.evaluation.evaluate import list_length
from recsys_pipeline.evaluation.held_out import HeldOut, hold_out
from recsys_pipeline.evaluation.labelled import liked_share_in_top, top_size
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k
from recsys_pipeline.evaluation.names import LIKED_SHARE_IN_TOP
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.evaluation.verdict import DecidingMetric, deciding_metric
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, sample_of
from recsys_pipeline.ranking.panel import Pairs, Panel, Ranked

LONGER = 5
"""Lists that settings are chosen by are that many times as long as those that are shown: figures
of longer lists vary less by chance."""


@dataclass(frozen=True)
class Window:
    """What recommenders fitted on the history are judged by before anything is released.

    Attributes:
        cuts: of the run.
        held_out: what the judged users did in the window.
        users: what was known of them before it.
        pairs: the labelled exposures; none where nothing has a label.
        deciding: the metric that decides.
        k: length of a list.
    """

    cuts: Cuts
    held_out: HeldOut
    users: UserBatch
    pairs: Pairs
    deciding: DecidingMetric
    k: int

    @classmethod
    def of(cls, cuts: Cuts, learning: LearningConfig) -> "Window":
        """The window of `cuts`; beyond `evaluation.max_window_users` a sample of its users."""
        most = learning.evaluation.max_window_users
        judged = sample_of(np.unique(cuts.window.user), most, learning.seed)
        events = cuts.window.take(np.isin(cuts.window.user, judged))
        held_out = hold_out(cuts.known_history, events)
        return cls(
            cuts=cuts,
            held_out=held_out,
            users=cuts.known_history.batch(held_out.users),
            pairs=exposed_pairs(held_out),
            deciding=deciding_metric(held_out, learning.k),
            k=learning.k,
        )

    @property
    def labelled(self) -> bool:
        """Whether likes and dislikes decide."""
        return self.deciding.name == LIKED_SHARE_IN_TOP

    @property
    def list_length(self) -> int:
        """Length of the lists that `figure` needs."""
        return list_length(self.held_out.n_items, (self.k,))

    def figure(self, ranked: Ranked) -> float:
        """The deciding metric of one recommender; NaN where the window says nothing."""
        return self.figure_of_lists(ranked.items)

    def figure_of_lists(self, items: Int32Array) -> float:
        """The same of bare lists: int32 ``(len(users), list_length)``."""
        if self.labelled and self.held_out.exposures is not None:
            top = items[:, : top_size(self.held_out.n_items)]
            return liked_share_in_top(top, self.held_out.exposures, self.held_out.n_items).mean
        hits = Hits.of(items[:, : self.k], self.held_out.relevant)
        return PerUser.of(ndcg_at_k(hits, self.k)).mean

    def steady_figure(self, model: Recommender) -> float:
        """nDCG of longer lists of one generator, for choosing its settings; 0 without likes."""
        k = LONGER * self.k
        total, users = 0.0, 0
        for start, block in Panel({model.name: model}).blocks(self.users):
            items, _ = model.recommend(block, k)
            values = ndcg_at_k(
                Hits.of(items, self.held_out.relevant[start : start + len(block)]), k
            )
            known = values[~np.isnan(values)]
            total, users = total + float(known.sum()), users + len(known)
        return total / users if users else 0.0


def exposed_pairs(held_out: HeldOut) -> Pairs:
    """The labelled exposures as pairs; none where nothing has a label."""
    if held_out.exposures is None:
        return Pairs.none()
    return Pairs(held_out.exposures.row, held_out.exposures.item)


def best_of(figures: Mapping[str, float], among: tuple[str, ...]) -> str:
    """The name with the largest finite figure; the first of `among` where none is finite."""
    return max(among, key=lambda name: figures[name] if np.isfinite(figures[name]) else -1.0)
