"""The verdict says yes or no only where the interval does."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import figure_interval
from recsys_pipeline.evaluation.labelled import Exposures
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.evaluation.verdict import OPENINGS, deciding_metric, verdict


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def evaluation(values: np.ndarray, metric: str = "ndcg_at_10") -> Evaluation:
    figures = PerUser.of(values)
    users = np.arange(len(values), dtype=np.int32)
    return Evaluation(users, {metric: figures}, {}, {metric: figure_interval(figures, rng())})


BASE = rng(5).uniform(0, 0.3, 500)


@pytest.mark.parametrize(
    "difference, noise, answer",
    [
        (0.05, 0.1, "yes"),
        (-0.05, 0.1, "no"),
        (0.0, 0.3, "cannot tell"),
        (0.0, 0.0, "no"),  # popularity itself is not better than popularity
    ],
)
def test_the_answer_follows_the_interval(difference: float, noise: float, answer: str) -> None:
    ours = BASE + difference + noise * rng(6).normal(size=500)
    found = verdict(evaluation(ours), evaluation(BASE), "ndcg_at_10", rng())
    assert found.answer == answer
    assert found.sentence.startswith(f"{OPENINGS[answer]} nDCG@10 ")
    assert ("no better than popularity" in found.sentence) == (answer != "yes")
    assert found.difference.mean == pytest.approx((ours - BASE).mean())
    assert (found.released.mean, found.popularity.mean) == (
        pytest.approx(ours.mean()),
        pytest.approx(BASE.mean()),
    )


def test_the_sentence_names_metric_figures_and_interval() -> None:
    ours = np.where(np.arange(400) < 200, 0.3, 0.1)
    found = verdict(evaluation(ours), evaluation(np.full(400, 0.083)), "ndcg_at_10", rng())
    low, high = found.difference.low, found.difference.high
    assert found.sentence == (
        "Better than popularity: yes. nDCG@10 0.200 against 0.083; difference +0.117 "
        f"(95 % interval {low:+.3f} to {high:+.3f}), 400 users."
    )


def test_a_small_difference_is_not_rounded_to_nothing() -> None:
    base = np.full(300, 0.004)
    found = verdict(
        evaluation(base + rng().uniform(0, 0.0003, 300)), evaluation(base), "ndcg_at_10", rng()
    )
    assert found.answer == "yes"
    assert "difference +0.0002 (" in found.sentence
    assert "+0.000 " not in found.sentence


@pytest.mark.parametrize("n, users", [(0, "0 users"), (1, "1 user")])
def test_too_few_users_cannot_tell(n: int, users: str) -> None:
    one = evaluation(np.full(n, 0.5))
    found = verdict(one, one, "ndcg_at_10", rng())
    assert found.answer == "cannot tell"
    assert f"it rests on {users}, and" in found.sentence


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="no 'auc'"):
        verdict(evaluation(BASE), evaluation(BASE), "auc", rng())
    moved = replace(evaluation(BASE), users=np.arange(500, dtype=np.int32) + 1)
    with pytest.raises(ValueError, match="different users"):
        verdict(moved, evaluation(BASE), "ndcg_at_10", rng())


def held_out(likes: int, dislikes: int, *, all_relevant: bool = False) -> HeldOut:
    n = likes + dislikes
    row, liked = np.arange(n, dtype=np.int32), np.arange(n) < likes
    item = np.zeros(n, dtype=np.int32)
    relevant = sp.csr_matrix((liked | all_relevant).astype(np.float32)[:, None])
    return HeldOut(row, relevant, Exposures(row, item, liked, n) if n else None, 0, 0)


@pytest.mark.parametrize(
    "judged_by, metric, says",
    [
        (held_out(30, 30), "liked_share_in_top", "30 dislikes beside 30 likes"),
        (held_out(29, 500), "ndcg_at_10", "too few"),
        (held_out(500, 29), "ndcg_at_10", "too few"),
        (held_out(500, 0), "ndcg_at_10", "do not say what users disliked"),
        (held_out(0, 0), "ndcg_at_10", "do not say what users disliked"),
        (held_out(500, 500, all_relevant=True), "ndcg_at_10", "whatever its rating"),
    ],
)
def test_the_metric_that_decides(judged_by: HeldOut, metric: str, says: str) -> None:
    found = deciding_metric(judged_by)
    assert found.name == metric
    assert says in found.reason


def test_the_metric_that_decides_has_the_length_of_the_lists() -> None:
    found = deciding_metric(held_out(0, 0), k=5)
    assert found.name == "ndcg_at_5"
    assert "nDCG@5" in found.reason
