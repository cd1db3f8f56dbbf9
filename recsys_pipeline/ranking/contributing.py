"""How much each generator adds to a place of a list that several of them made together."""

import numpy as np

from recsys_pipeline.data.dataset import Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import row_blocks
from recsys_pipeline.ranking.panel import BLEND, Pairs, Panel
from recsys_pipeline.ranking.ranker import BoostingRanker


def contributions(
    panel: Panel, name: str, users: UserBatch, items: Int32Array
) -> dict[str, Float32Array]:
    """What each generator adds to the scores of the blend or of the two-stage recommender.

    Of a blend it is the generator's term of the sum. Of the two-stage recommender it is what the
    probability loses when the generator's score is that of an average movie.

    Args:
        panel: with that blend or ranker.
        name: ``blend`` or ``two_stage``.
        users: the n users.
        items: int32 ``(n, k)``, −1 where there is no movie.

    Returns:
        by generator float32 ``(n, k)``, NaN where it knows nothing of the user or there is no
        movie.
    """
    rows, places = np.nonzero(items >= 0)
    pairs = Pairs(rows.astype(np.int32), items[rows, places])
    scores = panel.generator_features(users, pairs)
    columns = {each: number for number, each in enumerate(panel.proposers)}
    if name == BLEND and panel.blend is not None:
        shares = panel.blend.shares(users.history_lengths)
        added = {each: scores[:, columns[each]] * share[rows] for each, share in shares.items()}
    else:
        assert panel.pair_features is not None
        assert panel.ranker is not None
        plain = panel.pair_features.transform(users, pairs.rows, pairs.items)
        features = np.hstack([plain, scores])
        lost = np.empty_like(scores)
        for part in row_blocks(len(features), 4 * features.shape[1] * (1 + len(columns))):
            lost[part] = _lost(panel.ranker, features[part], len(columns))
        lost[np.isnan(scores)] = np.nan
        added = {each: lost[:, column] for each, column in columns.items()}
    out = {}
    for each, values in added.items():
        table = np.full(items.shape, np.nan, dtype=np.float32)
        table[rows, places] = values
        out[each] = table
    return out


def _lost(ranker: BoostingRanker, features: Float32Array, count: int) -> Float32Array:
    """What each probability loses without one of the last `count` features: ``(n, count)``.

    All are asked for at once: the ranker takes longer to start than to answer.
    """
    asked = np.repeat(features[None], 1 + count, axis=0)
    first = features.shape[1] - count
    for number in range(count):
        asked[1 + number, :, first + number] = 0
    found = ranker.predict(asked.reshape(-1, features.shape[1])).reshape(1 + count, -1)
    return np.asarray((found[0] - found[1:]).T, dtype=np.float32)
