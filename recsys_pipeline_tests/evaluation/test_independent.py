"""The ranking metrics against trec_eval, the program that evaluation campaigns are scored with."""

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse as sp

from recsys_pipeline.evaluation.metrics import (
    Hits,
    hit_rate_at_k,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

N_USERS, N_ITEMS, LONGEST = 400, 60, 20

# trec_eval's map_cut divides by all relevant items, as ours does where it is not capped; its
# reciprocal rank has no cut, so it is given the first k places only.
METRICS = {
    "ndcg_cut": ndcg_at_k,
    "P": precision_at_k,
    "recall": recall_at_k,
    "map_cut": map_at_k,
    "recip_rank": mrr_at_k,
    "success": hit_rate_at_k,
}


def case() -> tuple[np.ndarray, np.ndarray]:
    """Lists, some of them short, and likes, some users without any."""
    rng = np.random.default_rng(11)
    likes = rng.random((N_USERS, N_ITEMS)) < rng.uniform(0, 0.3, (N_USERS, 1))
    scores = rng.normal(size=likes.shape) + likes
    items = np.argsort(-scores, axis=1)[:, :LONGEST]
    lengths = np.where(rng.random(N_USERS) < 0.2, rng.integers(0, LONGEST, N_USERS), LONGEST)
    return np.where(np.arange(LONGEST) < lengths[:, None], items, -1), likes


@pytest.mark.parametrize("k", [1, 5, 10, 20])
@pytest.mark.parametrize("name", METRICS)
def test_trec_eval_finds_the_same(name: str, k: int) -> None:
    items, likes = case()
    judged = np.flatnonzero(likes.any(axis=1) & (items[:, 0] >= 0))
    measure = name if name == "recip_rank" else f"{name}.{k}"
    evaluator = pytrec_eval.RelevanceEvaluator(
        {str(user): {str(i): 1 for i in np.flatnonzero(likes[user])} for user in judged}, {measure}
    )
    theirs = evaluator.evaluate(
        {
            str(user): {
                str(i): float(LONGEST - at) for at, i in enumerate(items[user, :k]) if i >= 0
            }
            for user in judged
        }
    )
    ours = METRICS[name](Hits.of(items, sp.csr_matrix(likes.astype(np.float32))), k)
    found = [theirs[str(user)][measure.replace(".", "_")] for user in judged]
    assert len(judged) > 300
    np.testing.assert_allclose(ours[judged], found, atol=1e-9)


def test_a_user_without_a_list_has_missed_everything() -> None:
    items, likes = case()
    hits = Hits.of(items, sp.csr_matrix(likes.astype(np.float32)))
    empty = (items[:, 0] < 0) & likes.any(axis=1)
    assert empty.any()
    for metric in METRICS.values():
        assert (metric(hits, 10)[empty] == 0).all()
        assert np.isnan(metric(hits, 10)[~likes.any(axis=1)]).all()
