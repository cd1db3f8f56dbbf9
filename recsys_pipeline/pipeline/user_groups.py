"""Groups of users, and one list for each: what to show where a list per user is too much."""

from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, Float32Array
from recsys_pipeline.models.clusters import Clusters
from recsys_pipeline.models.segment_popularity import SegmentPopularity
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.ranking.titles import titles_of

CLUSTER: Final = "cluster"
KIND, GROUP, USERS = "kind", "group", "users"
EVERYBODY: Final = "everybody"


def clusters_of(model: ReleasedModel, data: Dataset) -> pd.DataFrame:
    """The cluster of each user: user_id, cluster (−1 where nothing is known of the user).

    Empty where the settings train no clusters.
    """
    clusters = model.panel.generators.get("clusters")
    if not isinstance(clusters, Clusters):
        return pd.DataFrame({n.USER_ID: data.users.values[:0], CLUSTER: np.zeros(0, np.int64)})
    found = clusters.assign(data.batch()).astype(np.int64)
    return pd.DataFrame({n.USER_ID: data.users.values, CLUSTER: found})


def group_lists(model: ReleasedModel, data: Dataset, k: int) -> pd.DataFrame:
    """The best k available movies of every cluster and segment, whoever has seen them.

    Returns:
        kind (cluster or segment), group (everybody, or which one), users in it, rank, movie_id,
        title, score (relative to the best of the group, 0 to 1).
    """
    allowed = np.ones(data.n_items, dtype=bool)
    for there in (available(data.movies, data.as_of), model.applied_rules.allowed):
        if there is not None:
            allowed &= there
    parts = []
    clusters = model.panel.generators.get("clusters")
    if isinstance(clusters, Clusters):
        groups = [EVERYBODY, *map(str, range(len(clusters.sizes_)))]
        sizes = [data.n_users, *clusters.sizes_.tolist()]
        parts.append(_lists(CLUSTER, groups, sizes, clusters.scores_, data, allowed, k))
    segments = model.panel.generators.get("segment_popularity")
    if isinstance(segments, SegmentPopularity) and segments.segments_:
        counts = data.profiles[n.SEGMENT].astype("str").value_counts()
        groups = [EVERYBODY, *segments.segments_]
        sizes = [data.n_users, *(int(counts.get(each, 0)) for each in segments.segments_)]
        parts.append(_lists(n.SEGMENT, groups, sizes, segments.scores_, data, allowed, k))
    if not parts:
        return _lists(CLUSTER, [], [], np.zeros((0, data.n_items), np.float32), data, allowed, k)
    return pd.concat(parts, ignore_index=True)


def _lists(
    kind: str,
    groups: list[str],
    sizes: list[int],
    scores: Float32Array,
    data: Dataset,
    allowed: np.ndarray,
    k: int,
) -> pd.DataFrame:
    cost = np.where(allowed, -scores, np.inf)
    items = np.argsort(cost, axis=1, kind="stable")[:, : min(k, int(allowed.sum()))]
    best = scores.max(axis=1, initial=0.0)
    row, place = np.nonzero(np.ones(items.shape, dtype=bool))
    chosen = items[row, place]
    worth = scores[row, chosen] / np.where(best > 0, best, 1)[row]
    return pd.DataFrame(
        {
            KIND: pd.array([kind] * len(row), dtype="str"),
            GROUP: pd.array([groups[each] for each in row], dtype="str"),
            USERS: np.array([sizes[each] for each in row], dtype=np.int64),
            n.RANK: (place + 1).astype(np.int64),
            n.MOVIE_ID: data.items.id_of(chosen),
            n.TITLE: pd.array(titles_of(data.movies)[chosen], dtype="str"),
            n.SCORE: np.maximum(worth, 0).astype(np.float64),
        }
    )
