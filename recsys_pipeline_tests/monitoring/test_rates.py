"""Pooled ratios with whole users as units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from recsys_pipeline.monitoring import rates as module
from recsys_pipeline.monitoring.rates import Parts, rates


def parts(rows: list[tuple[int, int, float, float]]) -> Parts:
    user, group, y, x = (np.array(each) for each in zip(*rows, strict=True))
    return Parts(user, group, y.astype(float), x.astype(float))


def one(rows: list[tuple[int, float, float]]) -> Parts:
    return parts([(user, 0, y, x) for user, y, x in rows])


def test_a_ratio_by_hand():
    found = rates(one([(0, 2, 3), (1, 0, 2), (2, 1, 5)]), None, 3, 1)
    # residuals 2 - .9, 0 - .6 and 1 - 1.5, each by 10 impressions
    error = np.sqrt(3 / 2 * (1.1**2 + 0.6**2 + 0.5**2)) / 10
    half = t.ppf(0.975, 2) * error
    assert found.value[0] == pytest.approx(0.3)
    assert found.high[0] == pytest.approx(0.3 + half)
    assert found.low[0] == 0.0
    assert found.n[0] == 3
    assert np.isnan([found.before[0], found.change[0], found.change_low[0]]).all()


def test_what_users_keep_cancels_out_of_the_change():
    rng = np.random.default_rng(1)
    taste = rng.beta(1, 8, 400)
    weeks = [[(u, rng.binomial(30, taste[u]), 30) for u in range(400)] for _ in range(2)]
    both = rates(one(weeks[1]), one(weeks[0]), 400, 1)
    strangers = rates(one(weeks[1]), one([(u + 400, y, x) for u, y, x in weeks[0]]), 800, 1)
    assert both.change[0] == pytest.approx(strangers.change[0])
    width, wide = (each.change_high[0] - each.change_low[0] for each in (both, strangers))
    assert width < 0.7 * wide
    same = rates(one(weeks[0]), one(weeks[0]), 400, 1)
    assert same.change[0] == 0
    assert np.isnan(same.change_low[0])


def test_intervals_of_users_who_differ_hold_the_truth():
    rng = np.random.default_rng(2)
    tests, users = 1000, 150
    taste = rng.beta(1, 8, (tests, users))
    seen = rng.poisson(rng.gamma(2, 10, (2, tests, users)))
    clicks = rng.binomial(seen, taste)
    group, user = np.divmod(np.arange(tests * users), users)
    now, before = (
        Parts(user, group, y.ravel().astype(float), x.ravel().astype(float))
        for y, x in zip(clicks, seen, strict=True)
    )
    found = rates(now, before, users, tests, share=True)
    held = np.mean((found.low <= 1 / 9) & (found.high >= 1 / 9))
    changed = np.mean((found.change_low <= 0) & (found.change_high >= 0))
    # Two Monte Carlo errors of 95 % are 1.4 %; tastes are very skewed, which costs a little more.
    assert held > 0.92
    assert abs(changed - 0.95) < 0.02
    # An interval that takes impressions for units is far too narrow.
    error = np.sqrt(found.value * (1 - found.value) / seen[0].sum(axis=1))
    assert np.mean(np.abs(found.value - 1 / 9) < 1.96 * error) < 0.8


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5), st.integers(-1, 3), st.integers(0, 4), st.integers(0, 4)),
        min_size=1,
        max_size=30,
    ),
    seed=st.integers(0, 9),
)
def test_order_and_splitting_of_rows_do_not_matter(rows, seed):
    whole = rates(parts(rows), None, 6, 4)
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    halves = [(u, g, y / 2, x / 2) for u, g, y, x in shuffled for _ in range(2)]
    again = rates(parts(halves), None, 6, 4)
    for name in ("value", "low", "high", "n"):
        np.testing.assert_allclose(getattr(whole, name), getattr(again, name), atol=1e-12)
    inside = np.array([group >= 0 for _, group, _, _ in rows])
    if inside.any():
        kept = [row for row, keep in zip(rows, inside, strict=True) if keep]
        np.testing.assert_array_equal(whole.value, rates(parts(kept), None, 6, 4).value)


def test_groups_in_blocks_are_as_all_at_once(monkeypatch):
    rng = np.random.default_rng(3)
    now, before = (
        Parts(rng.integers(0, 9, 200), rng.integers(0, 7, 200), rng.random(200), np.ones(200))
        for _ in range(2)
    )
    whole = rates(now, before, 9, 7)
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 18)
    blocks = rates(now, before, 9, 7)
    for name in ("value", "low", "high", "n", "before", "change", "change_low", "change_high"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(blocks, name))


def test_a_share_nobody_differs_in_has_wilsons_interval():
    nobody = rates(one([(u, 0, 5) for u in range(30)]), None, 30, 1, share=True)
    expected = binomtest(0, 30).proportion_ci(method="wilson")
    assert (nobody.low[0], nobody.high[0]) == pytest.approx((expected.low, expected.high))
    # A figure without bounds cannot be told so.
    plain = rates(one([(u, 0, 5) for u in range(30)]), None, 30, 1)
    assert plain.value[0] == 0
    assert np.isnan([plain.low[0], plain.high[0]]).all()


def test_a_group_without_anything_cannot_be_told():
    found = rates(parts([(0, 0, 1, 2), (1, 0, 0, 2), (1, 2, 0, 0)]), None, 2, 3, share=True)
    assert np.isnan(found.value).tolist() == [False, True, True]
    assert found.n.tolist() == [2, 0, 0]
    assert np.isnan(found.low).tolist() == [False, True, True]
