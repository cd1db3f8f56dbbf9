"""Probabilities keep the order of the scores and the share of the hits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.ranking.calibration import Calibration

SCORES = st.lists(
    st.floats(-1e6, 1e6, width=32, allow_nan=False), min_size=0, max_size=30
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(SCORES, st.data())
def test_probabilities_are_monotone_and_from_0_to_1(values: list[float], data) -> None:
    hits = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    scores = np.array(values, dtype=np.float32)
    made = Calibration.fit(scores, np.array(hits, dtype=bool))
    assert made.slope > 0
    probability = made.probability(np.sort(scores))
    assert probability.dtype == np.float32
    assert ((probability >= 0) & (probability <= 1)).all()
    assert (np.diff(probability) >= 0).all()


def test_it_finds_the_chances_that_were_planted() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 5, 20_000).astype(np.float32)
    chance = 1 / (1 + np.exp(-(0.7 * scores - 1)))
    made = Calibration.fit(scores, rng.random(20_000) < chance)
    assert made.slope == pytest.approx(0.7, rel=0.05)
    assert made.offset == pytest.approx(-1, abs=0.1)


def test_where_higher_scores_hit_less_the_share_decides() -> None:
    scores = np.linspace(-1, 1, 200, dtype=np.float32)
    made = Calibration.fit(scores, scores < -0.5)
    np.testing.assert_allclose(made.probability(scores), 0.25, atol=0.02)
    assert made.probability(np.float32([1]))[0] > made.probability(np.float32([-1]))[0]


@pytest.mark.parametrize(("hit", "share"), [(True, 51 / 52), (False, 1 / 52)])
def test_where_all_or_none_hit_the_share_is_near_it(hit: bool, share: float) -> None:
    scores = np.linspace(0, 9, 50, dtype=np.float32)
    made = Calibration.fit(scores, np.full(50, hit))
    np.testing.assert_allclose(made.probability(scores), share, atol=0.01)


def test_without_scores_nobody_knows() -> None:
    made = Calibration.fit(np.empty(0, np.float32), np.empty(0, bool))
    assert made.probability(np.float32([0]))[0] == pytest.approx(0.5)


def test_no_score_has_no_chance_and_is_not_learned_from() -> None:
    scores = np.array([-np.inf, 0, 1, 2, 3], dtype=np.float32)
    hits = np.array([True, False, False, True, True])
    made = Calibration.fit(scores, hits)
    assert made == Calibration.fit(scores[1:], hits[1:])
    assert made.probability(scores)[0] == 0
