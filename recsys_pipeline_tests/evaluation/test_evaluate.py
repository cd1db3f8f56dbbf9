"""Evaluation and comparison: the right figures, for the same users, reproducibly."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.beyond import ListContext
from recsys_pipeline.evaluation.evaluate import Evaluation, compare, evaluate, list_length
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.labelled import Exposures
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k

N_USERS, N_ITEMS = 80, 100


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


LIKES = rng(1).random((N_USERS, N_ITEMS)) < 0.1
LIKES[:5] = False


def held_out(*, labelled: bool = True) -> HeldOut:
    row, item = np.nonzero(rng(2).random((N_USERS, N_ITEMS)) < 0.2)
    exposures = Exposures(row.astype(np.int32), item.astype(np.int32), LIKES[row, item], N_USERS)
    users = np.arange(N_USERS, dtype=np.int32) * 2
    relevant = sp.csr_matrix(LIKES.astype(np.float32))
    return HeldOut(users, relevant, exposures if labelled else None, 0, 0)


def lists_of(strength: float, seed: int) -> np.ndarray:
    """Lists that know the likes the better, the higher the strength."""
    scores = strength * LIKES + rng(seed).normal(size=LIKES.shape)
    return np.argsort(-scores, axis=1)[:, :20].astype(np.int32)


def evaluation(strength: float, seed: int = 3, **settings: object) -> Evaluation:
    return evaluate(lists_of(strength, seed), held_out(), rng(), n_resamples=200, **settings)


def test_every_metric_has_values_per_user_and_an_interval() -> None:
    found = evaluation(1.0)
    assert set(found.per_user) == set(found.intervals)
    assert {f"{m}_at_{k}" for m in ("ndcg", "precision", "map") for k in (5, 10, 20)} < set(
        found.per_user
    )
    assert set(found.of_lists) == {"coverage_at_5", "coverage_at_10", "coverage_at_20"}
    expected = ndcg_at_k(Hits.of(lists_of(1.0, 3), held_out().relevant), 10)
    np.testing.assert_array_equal(found.per_user["ndcg_at_10"].values, expected)
    interval = found.intervals["ndcg_at_10"]
    assert interval.mean == pytest.approx(np.nanmean(expected))
    assert interval.low < interval.mean < interval.high
    assert interval.n == np.isfinite(expected).sum() < N_USERS


def context() -> ListContext:
    genres = sp.csr_matrix((rng(7).random((N_ITEMS, 6)) < 0.3).astype(np.float32))
    history = sp.csr_matrix((rng(8).random((N_USERS, N_ITEMS)) < 0.1).astype(np.float32))
    return ListContext(np.arange(N_ITEMS), history, lists_of(0.0, 9), genres, k=7)


def test_a_context_brings_what_is_beyond_accuracy() -> None:
    plain, found = evaluation(1.0), evaluation(1.0, context=context())
    assert set(found.per_user) - set(plain.per_user) == {
        "novelty_at_7",
        "serendipity_at_7",
        "popularity_lift_at_7",
        "intra_list_diversity_at_7",
        "miscalibration_at_7",
    }
    assert set(found.of_lists) - set(plain.of_lists) == {
        f"{name}_at_7"
        for name in ("gini", "distinct_movies", "sameness", "short_lists", "repeated")
    }
    for name, interval in plain.intervals.items():
        assert found.intervals[name] == interval
    bits = found.intervals["novelty_at_7"]
    assert 1 < bits.low < bits.mean < bits.high
    assert found.figures["repeated_at_7"] == 0
    comparison = compare(
        {"popularity": found, "x": evaluation(0.5, context=context())}, rng(), n_resamples=50
    ).set_index(["recommender", "metric"])
    difference = comparison.loc[("x", "gini_at_7"), "diff_to_popularity"]
    lists = evaluation(0.5, context=context()).of_lists
    assert difference == lists["gini_at_7"] - found.of_lists["gini_at_7"]
    assert np.isfinite(comparison.loc[("x", "novelty_at_7"), "diff_low"])


def test_every_metric_has_a_name_for_people_and_a_better_end() -> None:
    exposures = held_out().exposures
    assert exposures is not None
    chances = rng().random(len(exposures))
    found = evaluation(1.0, context=context(), probabilities=chances).summary()["metric"]
    neither = {name for name in found if names.higher_is_better(name) is None}
    assert neither == {"popularity_lift_at_7"}
    lower = {name for name in found if names.higher_is_better(name) is False}
    assert lower == {
        f"{name}_at_7" for name in ("miscalibration", "gini", "sameness", "short_lists", "repeated")
    }
    assert all(names.metric_label(name)[0].isupper() or "nDCG" in names.metric_label(name)
               for name in found)  # fmt: skip
    assert names.higher_is_better("seconds") is None


def test_scores_bring_aucs_and_probabilities_the_rest() -> None:
    exposures = held_out().exposures
    assert exposures is not None
    scores = rng().normal(size=len(exposures))
    plain, scored = set(evaluation(1.0).per_user), set(evaluation(1.0, scores=scores).per_user)
    assert scored - plain == {"auc", "auc_by_user"}
    chances = rng().random(len(exposures))
    both = evaluation(1.0, scores=scores, probabilities=chances)
    assert set(both.per_user) - scored == {"liked_precision", "liked_recall", "liked_f1"}
    assert both.intervals["auc"].mean == evaluation(1.0, scores=scores).intervals["auc"].mean


def test_a_perfect_auc_has_no_bound_beyond_one() -> None:
    exposures = held_out().exposures
    assert exposures is not None
    scores = exposures.liked + 0.55 * rng().random(len(exposures)) * 2
    interval = evaluation(1.0, scores=scores).intervals["auc"]
    assert 0.9 < interval.low <= interval.high <= 1


def test_without_labels_only_ranking_is_judged() -> None:
    found = evaluate(lists_of(1.0, 3), held_out(labelled=False), rng(), n_resamples=50)
    assert "liked_share_in_top" not in found.per_user
    with pytest.raises(ValueError, match="nothing held out has a label"):
        evaluate(lists_of(1.0, 3), held_out(labelled=False), rng(), scores=np.ones(3))


def test_lists_must_be_long_enough() -> None:
    with pytest.raises(ValueError, match="20 places are needed"):
        evaluate(lists_of(1.0, 3)[:, :19], held_out(), rng())
    assert list_length(N_ITEMS) == 20
    assert list_length(N_ITEMS, ks=(3,)) == 5
    assert list_length(9066) == 454


def test_the_summary_is_a_table() -> None:
    summary = evaluation(1.0).summary()
    assert summary.columns.tolist() == ["metric", "k", "mean", "low", "high", "n_users"]
    by_metric = summary.set_index("metric")
    assert by_metric.loc["ndcg_at_10", "k"] == 10
    assert by_metric["k"].isna().sum() == 1
    assert by_metric.index.is_unique
    assert np.isnan(by_metric.loc["coverage_at_10", "low"])


def test_figures_are_finite_and_named_for_logs() -> None:
    figures = evaluation(1.0).figures
    assert figures["ndcg_at_10"] == evaluation(1.0).intervals["ndcg_at_10"].mean
    assert "coverage_at_10" in figures
    assert np.isfinite(list(figures.values())).all()
    nobody = HeldOut(np.zeros(0, np.int32), sp.csr_matrix((0, 9)), None, 0, 0)
    empty = evaluate(np.empty((0, 20), np.int32), nobody, rng(), n_resamples=20)
    assert empty.figures == {f"coverage_at_{k}": 0.0 for k in (5, 10, 20)}
    assert empty.summary()["n_users"].tolist() == [0] * 21


def test_the_same_seed_gives_the_same_figures() -> None:
    assert evaluation(1.0).summary().equals(evaluation(1.0).summary())


def test_a_comparison_is_paired_with_the_baseline() -> None:
    found = compare(
        {"popularity": evaluation(0.0), "better": evaluation(1.0), "same": evaluation(0.0, 9)},
        rng(),
        n_resamples=300,
    )
    assert found.columns.tolist() == [
        "recommender",
        "metric",
        "mean",
        "low",
        "high",
        "diff_to_popularity",
        "diff_low",
        "diff_high",
    ]
    rows = found[found["metric"] == "ndcg_at_10"].set_index("recommender")
    assert rows.index.tolist() == ["popularity", "better", "same"]
    assert rows.loc["popularity", ["diff_to_popularity", "diff_low", "diff_high"]].eq(0).all()
    assert rows.loc["better", "diff_low"] > 0
    assert rows.loc["same", "diff_low"] < 0 < rows.loc["same", "diff_high"]
    expected = rows.loc["better", "mean"] - rows.loc["popularity", "mean"]
    assert rows.loc["better", "diff_to_popularity"] == pytest.approx(expected)
    coverage = found[found["metric"] == "coverage_at_5"]
    assert coverage["diff_to_popularity"].notna().all()
    assert coverage["diff_low"].isna().all()


def test_a_figure_that_the_baseline_lacks_has_no_difference() -> None:
    exposures = held_out().exposures
    assert exposures is not None
    scored = evaluation(1.0, scores=rng().normal(size=len(exposures)))
    found = compare({"plain": evaluation(0.0), "scored": scored}, rng(), baseline="plain")
    auc = found[found["metric"] == "auc"]
    assert auc["recommender"].tolist() == ["scored"]
    assert auc["mean"].notna().all()
    assert auc["diff_to_plain"].isna().all()


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="no evaluation of 'popularity'"):
        compare({"better": evaluation(1.0)}, rng())
    other = HeldOut(np.arange(N_USERS, dtype=np.int32), held_out().relevant, None, 0, 0)
    with pytest.raises(ValueError, match="different users"):
        compare(
            {
                "popularity": evaluation(0.0),
                "x": evaluate(lists_of(0.0, 3), other, rng(), n_resamples=20),
            },
            rng(),
        )
