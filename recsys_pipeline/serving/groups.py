"""Lists for groups: everybody, what is trending, segments and clusters of similar users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeVar

import numpy as np

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.clusters import Clusters
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.segment_popularity import SegmentPopularity
from recsys_pipeline.models.trending import Trending
from recsys_pipeline.ranking.released import ReleasedModel

EVERYBODY: Final = "everybody"
TRENDING: Final = "trending"
SEGMENT: Final = "segment"
CLUSTER: Final = "cluster"

_R = TypeVar("_R", bound=Recommender)


@dataclass(frozen=True)
class Groups:
    """Scores of every movie for groups of users.

    Attributes:
        scores: by kind of group, then by group: float32 ``(n_items,)``, more is better.
            ``everybody`` and ``trending`` have the one group ``everybody``.
    """

    scores: Mapping[str, Mapping[str, Float32Array]]

    @classmethod
    def of(cls, model: ReleasedModel, data: Dataset) -> Self:
        """Of what is known in `data`; recommenders that the model holds are not fitted again."""
        generators = model.panel.generators
        popular = _fitted(generators.get(Popularity.name), Popularity(), data)
        trending = _fitted(generators.get(Trending.name), Trending(), data)
        scores: dict[str, Mapping[str, Float32Array]] = {
            EVERYBODY: {EVERYBODY: popular.popularity_},
            TRENDING: {EVERYBODY: trending.trend_},
        }
        if n.SEGMENT in data.profiles.columns:
            known = generators.get(SegmentPopularity.name)
            segments = _fitted(known, SegmentPopularity(), data)
            if segments.segments_:
                scores[SEGMENT] = dict(zip(segments.segments_, segments.scores_[1:], strict=True))
        clusters = generators.get(Clusters.name)
        if isinstance(clusters, Clusters) and len(clusters.scores_) > 1:
            numbers = map(str, range(len(clusters.scores_) - 1))
            scores[CLUSTER] = dict(zip(numbers, clusters.scores_[1:], strict=True))
        return cls(scores)

    def best(self, kind: str, group: str, k: int, allowed: BoolArray | None) -> Int32Array:
        """The k best allowed movies of a group, fewer where there are no more; ties by item."""
        scores = self.scores[kind][group]
        open_ = np.flatnonzero(allowed) if allowed is not None else np.arange(len(scores))
        order = np.argsort(-scores[open_], kind="stable")[:k]
        return np.asarray(open_[order], dtype=np.int32)

    def relative(self, kind: str, group: str, items: Int32Array) -> Float32Array:
        """Scores of movies as shares of the best one of the group, 0 to 1."""
        scores = self.scores[kind][group]
        best = float(scores.max(initial=0.0))
        shares = scores[items] / best if best > 0 else np.zeros(len(items))
        return np.clip(shares, 0, 1).astype(np.float32)


def _fitted(known: Recommender | None, new: _R, data: Dataset) -> _R:
    """`known` where it is one of that kind, else `new`, fitted."""
    if isinstance(known, type(new)):
        return known
    # None of them draws anything.
    return new.fit(data, np.random.default_rng(0))
