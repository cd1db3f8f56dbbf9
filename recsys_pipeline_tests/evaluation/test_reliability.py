"""Reliability: bins by hand, and what perfect and useless probabilities give."""

import numpy as np
import pytest

from recsys_pipeline.evaluation.reliability import reliability


def test_by_hand() -> None:
    found = reliability(
        np.array([0.1, 0.3, 0.3, 0.9]), np.array([False, True, False, True]), n_bins=2
    )
    np.testing.assert_allclose(found.said, [0.7 / 3, 0.9])
    np.testing.assert_allclose(found.found, [1 / 3, 1])
    assert found.counts.tolist() == [3, 1]
    assert found.brier == pytest.approx((0.01 + 0.49 + 0.09 + 0.01) / 4)
    assert found.error == pytest.approx(0.75 * (1 - 0.7) / 3 + 0.25 * 0.1)


def test_bins_hold_every_pair_also_at_their_edges() -> None:
    probabilities = np.round(np.linspace(0, 1, 21), 2)
    found = reliability(probabilities, probabilities > 0.5)
    assert found.counts.sum() == 21
    assert len(found.counts) == len(found.said) == len(found.found) == 10
    rng = np.random.default_rng(0)
    many = rng.random(50_000)
    honest, overdone = reliability(many, rng.random(50_000) < many), reliability(many, many > 0.5)
    assert honest.error < 0.01 < overdone.error
    assert overdone.brier < honest.brier


def test_only_likes_and_none_at_all() -> None:
    assert reliability(np.array([1.0, 1.0]), np.array([True, True])).brier == 0
    nothing = reliability(np.empty(0), np.empty(0, dtype=bool))
    assert len(nothing.counts) == 0
    assert np.isnan([nothing.brier, nothing.error]).all()


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="labels"):
        reliability(np.array([0.5]), np.array([True, False]))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        reliability(np.array([1.5, 0.5]), np.array([True, False]))
