"""Draws: as often as their propensities say, and the same for a user in any company."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from recsys_pipeline.ranking.exploration import draw, exploration_keys, rarity, uniform

N = 20_000


def test_frequencies_are_the_propensities() -> None:
    weights = np.tile(np.array([[4, 0, 1, 3, 2, 9]], dtype=np.float32), (N, 1))
    open_ = np.tile([[True, True, True, True, True, False]], (N, 1))
    drawn = draw(weights, open_, exploration_keys(pd.RangeIndex(N), 1), 0)
    share = np.array([0.4, 0, 0.1, 0.3, 0.2, 0])
    np.testing.assert_allclose(drawn.propensities, share[drawn.chosen], rtol=1e-6)
    counts = np.bincount(drawn.chosen, minlength=6)
    assert counts[1] == counts[5] == 0
    assert chisquare(counts[share > 0], N * share[share > 0]).pvalue > 0.01


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_a_draw_is_open_and_its_propensity_is_its_share(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = (rng.random((n, m)) * rng.integers(0, 2, (n, m))).astype(np.float32)
    open_ = rng.random((n, m)) < 0.6
    keys = rng.integers(0, 2**64, n, dtype=np.uint64)
    drawn = draw(weights, open_, keys, 3)
    for row in range(n):
        places = np.flatnonzero(open_[row])
        if not len(places):
            assert drawn.chosen[row] == -1
            assert drawn.propensities[row] == 1
            continue
        own = weights[row, places].astype(float)
        share = own / own.sum() if own.sum() else np.full(len(places), 1 / len(places))
        at = np.flatnonzero(places == drawn.chosen[row])
        assert len(at) == 1
        np.testing.assert_allclose(drawn.propensities[row], share[at[0]], rtol=1e-6)
        assert drawn.propensities[row] > 0
        alone = draw(weights[[row]], open_[[row]], keys[[row]], 3)
        assert alone.chosen[0] == drawn.chosen[row]
        assert alone.propensities[0] == drawn.propensities[row]


@pytest.mark.parametrize(("noise", "chosen"), [(0.0, 1), (0.5, 3), (1 - 2**-53, 3)])
def test_the_ends_of_the_noise_hit_what_may_be_drawn(
    monkeypatch: pytest.MonkeyPatch, noise: float, chosen: int
) -> None:
    monkeypatch.setattr(
        "recsys_pipeline.ranking.exploration.uniform", lambda keys, number: np.full(1, noise)
    )
    weights = np.array([[0, 1, 5, 1, 0]], dtype=np.float32)
    open_ = np.array([[True, True, False, True, True]])
    drawn = draw(weights, open_, np.zeros(1, dtype=np.uint64), 0)
    assert drawn.chosen.tolist() == [chosen]
    assert drawn.propensities.tolist() == [0.5]


def test_no_candidates_at_all() -> None:
    nothing = np.zeros((2, 0))
    drawn = draw(nothing.astype(np.float32), nothing > 0, np.arange(2, dtype=np.uint64), 0)
    assert drawn.chosen.tolist() == [-1, -1]
    assert drawn.propensities.tolist() == [1, 1]


def test_noise_is_uniform_and_independent_between_draws_and_occasions() -> None:
    ids = pd.RangeIndex(N)
    noise = [uniform(exploration_keys(ids, seed), number) for seed in (1, 2) for number in (0, 1)]
    for each in noise:
        assert ((each >= 0) & (each < 1)).all()
        assert kstest(each, "uniform").pvalue > 0.001
    correlation = np.corrcoef(noise) - np.eye(4)
    assert np.abs(correlation).max() < 0.03


def test_a_key_belongs_to_an_id_and_an_occasion() -> None:
    keys = exploration_keys(pd.Index(["b", "a", "c"]), 5)
    assert keys.dtype == np.uint64
    assert exploration_keys(pd.Index(["c"]), 5)[0] == keys[2]
    assert (exploration_keys(pd.Index(["b", "a", "c"]), 6) != keys).all()
    assert len(set(exploration_keys(pd.RangeIndex(1_000), 5))) == 1_000


def test_rare_movies_weigh_more() -> None:
    assert rarity(np.array([0, 3, 99])).tolist() == [1, 0.5, np.float32(0.1)]
