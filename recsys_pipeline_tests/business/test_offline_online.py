"""Whether figures on past data order releases as people do."""

import numpy as np
import pytest
from scipy import stats

from recsys_pipeline.business.offline_online import Agreement, Past, agreement


def releases(lifts, width=0.01):
    return [
        Past(f"r{place}", place / 100, lift, lift - width, lift + width)
        for place, lift in enumerate(lifts)
    ]


def of(lifts, seed=1, **other):
    return agreement("ndcg_at_10", releases(lifts, **other), np.random.default_rng(seed))


def test_the_correlation_is_spearmans():
    lifts = [0.1, 0.3, 0.2, 0.2, 0.6, 0.5, 0.4, 0.9, 0.8, 1.0, 0.7, 1.1]
    found = of(lifts)
    expected = stats.spearmanr(np.arange(12), lifts).statistic
    assert found.correlation == pytest.approx(expected)
    assert found.low <= found.correlation <= found.high
    assert found.p < 0.01
    assert found.sentence.startswith("Over 12 releases a better nDCG@10 offline went with a higher")


def test_the_other_way_round_is_a_warning():
    assert "do not choose by it" in of([-place / 10 for place in range(12)]).sentence


def test_eight_releases_are_too_few_however_well_they_agree():
    found = of([place / 10 for place in range(8)])
    assert found.correlation == pytest.approx(1)
    assert found.sentence.startswith("8 releases are too few")
    assert 0.6 < found.least < 0.85


@pytest.mark.parametrize("lifts", [[], [0.1], [0.1, 0.2, 0.3], [0.2] * 6])
def test_no_figure_where_there_is_none_to_give(lifts):
    found = of(lifts)
    assert found.correlation is found.low is found.p is None
    assert found.sentence


def test_lifts_that_are_not_sure_widen_the_interval():
    lifts = [place / 10 for place in range(12)]
    sure, unsure = of(lifts, width=0.01), of(lifts, width=1.0)
    assert unsure.high - unsure.low > sure.high - sure.low + 0.2


def test_chance_is_called_seldom():
    rng = np.random.default_rng(7)
    called = 0
    for _ in range(100):
        found = agreement("AUC", releases(rng.normal(size=12)), rng, draws=100)
        called += found.p <= 0.05
    # 5 % nominal, two Monte Carlo errors of 100 tests
    assert called / 100 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


def test_it_survives_its_file():
    found = of([0.1, 0.2, 0.15, 0.3, 0.25])
    assert Agreement.from_json(found.to_json()) == found
