"""Paired tests: as scipy finds, of the right size under chance, corrected as Holm says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_rel

from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.intervals import difference_of_figures, figure_interval
from recsys_pipeline.evaluation.pairwise import holm, pairwise_tests, permutation_p_values
from recsys_pipeline.evaluation.per_user import PerUser

N_USERS = 200


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def evaluation(figures: PerUser, metric: str = "ndcg_at_10") -> Evaluation:
    users = np.arange(len(figures), dtype=np.int32)
    return Evaluation(users, {metric: figures}, {}, {metric: figure_interval(figures, rng())})


BASE = rng(5).uniform(0, 0.3, N_USERS)


def evaluations() -> dict[str, Evaluation]:
    return {
        "good": evaluation(PerUser.of(BASE + 0.1 + rng(1).normal(0, 0.1, N_USERS))),
        "same": evaluation(PerUser.of(BASE + rng(2).normal(0, 0.1, N_USERS))),
        "base": evaluation(PerUser.of(BASE)),
        "bare": evaluation(PerUser.of(BASE), "auc"),
    }


def test_every_pair_is_tested_once() -> None:
    found = pairwise_tests(evaluations(), "ndcg_at_10", rng(), n_resamples=200)
    assert found.columns.tolist() == [
        "a", "b", "metric", "difference", "low", "high", "p", "p_corrected", "n_users",
    ]  # fmt: skip
    assert found[["a", "b"]].to_numpy().tolist() == [
        ["good", "same"],
        ["good", "base"],
        ["same", "base"],
    ]
    assert (found["p_corrected"] < 0.05).tolist() == [True, True, False]
    assert (found["low"] > 0).tolist() == [True, True, False]
    assert (found["p_corrected"] >= found["p"]).all()
    assert (found["n_users"] == N_USERS).all()
    a, b = (evaluations()[name].per_user["ndcg_at_10"] for name in ("good", "base"))
    alone = difference_of_figures(a, b, rng(), n_resamples=200)
    assert found.loc[1, ["difference", "low", "high"]].tolist() == pytest.approx(
        [alone.mean, alone.low, alone.high]
    )


def test_equal_generators_give_equal_tables() -> None:
    first, second = (
        pairwise_tests(evaluations(), "ndcg_at_10", rng(3), n_resamples=50, n_permutations=99)
        for _ in range(2)
    )
    assert first.equals(second)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.02])
def test_scipy_finds_the_same_by_flipping_signs(shift: float) -> None:
    a, b = BASE + shift + rng(1).normal(0, 0.1, N_USERS), BASE
    ours = permutation_p_values([PerUser.of(a), PerUser.of(b)], rng(), n_permutations=20_000)
    theirs = permutation_test(
        (a - b,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=rng(1),
    ).pvalue
    assert ours[0, 1] == ours[1, 0]
    assert ours[0, 1] == pytest.approx(theirs, abs=0.012)
    assert ours[0, 1] == pytest.approx(ttest_rel(a, b).pvalue, abs=0.02)
    assert np.isnan(np.diag(ours)).all()


def test_few_users_are_tested_exactly_enough() -> None:
    # Of the 8 ways to swap three users only 2 differ by as much: p is one quarter.
    a, b = PerUser.of(np.array([1.0, 2.0, 3.0])), PerUser.of(np.zeros(3))
    assert permutation_p_values([a, b], rng(), n_permutations=8000)[0, 1] == pytest.approx(
        0.25, abs=0.02
    )
    assert permutation_p_values([a, a], rng(), n_permutations=50)[0, 1] == 1


def test_pooled_figures_swap_both_parts() -> None:
    a = PerUser(np.array([3.0, 0.0, 2.0, 4.0]), np.array([4.0, 0.0, 2.0, 4.0]))
    b = PerUser(np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 5.0, 0.0, 3.0]))
    differences = []
    for swapped in np.ndindex(2, 2, 2, 2):
        which = np.array(swapped, dtype=bool)
        ratios = []
        for x, y in ((a, b), (b, a)):
            value = np.where(which, y.numerator, x.numerator).sum()
            by = np.where(which, y.denominator, x.denominator).sum()
            ratios.append(value / by if by else np.inf)
        differences.append(abs(ratios[0] - ratios[1]))
    exact = np.mean(np.array(differences) >= abs(a.mean - b.mean) - 1e-12)
    found = permutation_p_values([a, b], rng(), n_permutations=20_000)[0, 1]
    assert found == pytest.approx(exact, abs=0.015)


def test_chance_alone_is_called_real_as_often_as_the_level_says() -> None:
    draw = rng(8)
    p = [
        permutation_p_values(
            [PerUser.of(draw.random(40)), PerUser.of(draw.random(40))], draw, n_permutations=199
        )[0, 1]
        for _ in range(200)
    ]
    assert 0.015 < np.mean(np.array(p) <= 0.05) < 0.1


def test_a_recommender_without_a_figure_is_not_tested() -> None:
    nobody = evaluation(PerUser.of(np.full(N_USERS, np.nan)))
    found = pairwise_tests(
        {"nobody": nobody, **evaluations()}, "ndcg_at_10", rng(), n_resamples=50
    ).set_index(["a", "b"])
    assert found.loc["nobody", ["difference", "low", "p", "p_corrected"]].isna().to_numpy().all()
    alone = pairwise_tests(evaluations(), "ndcg_at_10", rng(), n_resamples=50)
    factor = found.loc[("same", "base"), "p_corrected"] / found.loc[("same", "base"), "p"]
    assert factor == 1
    assert len(alone) == 3


def test_nothing_to_compare_is_an_empty_table() -> None:
    assert pairwise_tests({}, "ndcg_at_10", rng()).empty
    assert pairwise_tests(evaluations(), "auc", rng()).empty


def test_different_users_are_refused() -> None:
    figures = PerUser.of(BASE)
    other = Evaluation(np.arange(N_USERS, dtype=np.int32) + 1, {"ndcg_at_10": figures}, {}, {})
    with pytest.raises(ValueError, match="different users"):
        pairwise_tests({**evaluations(), "other": other}, "ndcg_at_10", rng())


@given(st.lists(st.floats(0.0001, 1) | st.just(float("nan")), max_size=12))
def test_holm_rejects_what_the_step_down_rejects(p: list[float]) -> None:
    corrected = holm(np.array(p))
    known = sorted((value, place) for place, value in enumerate(p) if value == value)
    for level in (0.05, 0.2):
        rejected = set()
        for step, (value, place) in enumerate(known):
            if value * (len(known) - step) > level:
                break
            rejected.add(place)
        assert {i for i, value in enumerate(corrected) if value <= level} == rejected
    assert np.array_equal(np.isnan(corrected), np.isnan(np.array(p, dtype=float)))
