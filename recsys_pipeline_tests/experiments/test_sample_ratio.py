"""Users that are not shared out as declared are noticed, at any look; others are left in peace."""

import numpy as np
import pytest
from scipy.special import betaln

from recsys_pipeline.experiments.sample_ratio import (
    CONCENTRATIONS,
    LIMIT,
    sample_ratio,
    sample_ratio_p,
)


@pytest.mark.parametrize(
    ("counts", "weights", "broken"),
    [
        ((30_600, 29_400), (1, 1), True),
        ((5_300, 4_700), (1, 1), True),
        ((30_150, 29_850), (1, 1), False),
        ((9_000, 1_000), (9, 1), False),
        ((8_800, 1_200), (9, 1), True),
        ((3_400, 3_300, 3_300), (1, 1, 1), False),
        ((3_600, 3_200, 3_200), (1, 1, 1), True),
        ((0, 0), (1, 1), False),
        ((3, 0), (1, 1), False),
        ((40, 0), (1, 1), True),
        ((540, 360), (1, 1), True),
    ],
)
def test_known_counts(counts, weights, broken):
    arms = [f"arm{i}" for i in range(len(counts))]
    found = sample_ratio(
        dict(zip(arms, counts, strict=True)), dict(zip(arms, weights, strict=True))
    )
    assert found.broken is broken
    assert sum(found.expected.values()) == pytest.approx(sum(counts))


@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (1, 1, 2)])
def test_false_alarms_stay_below_the_limit_over_26_looks(weights):
    """1,000 experiments into which 400 users come a week."""
    shares = np.asarray(weights) / sum(weights)
    weekly = np.random.default_rng(6).multinomial(400, shares, size=(1000, 26))
    called = (sample_ratio_p(weekly.cumsum(axis=1), weights) < LIMIT).any(axis=1)
    assert called.mean() <= LIMIT + 2 * np.sqrt(LIMIT * (1 - LIMIT) / 1000)
    unbalanced = np.random.default_rng(7).multinomial(400, [0.53, 0.47], size=(1000, 26))
    caught = (sample_ratio_p(unbalanced.cumsum(axis=1), (1, 1)) < LIMIT).any(axis=1)
    assert caught.mean() > 0.98


def test_it_is_the_mixture_written_out():
    """Two arms of equal shares, 9 and 1 users: by the definition of the Beta function."""
    of_each = [
        weight * np.exp(betaln(a / 2 + 9, a / 2 + 1) - betaln(a / 2, a / 2))
        for a, weight in CONCENTRATIONS.items()
    ]
    ratio = sum(of_each) / 0.5**10
    assert ratio > 1
    assert sample_ratio_p([9, 1], [1, 1]) == pytest.approx(1 / ratio)
