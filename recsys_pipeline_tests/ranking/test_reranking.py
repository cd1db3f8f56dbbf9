"""Lists beyond the plain top k, against slow versions of the same definitions."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.diversity import SMOOTHING
from recsys_pipeline.ranking.exploration import exploration_keys
from recsys_pipeline.ranking.reranking import (
    EXPLORATION,
    PERSONAL,
    SERENDIPITY,
    WELL_KNOWN,
    Placed,
    rerank,
)
from recsys_pipeline.ranking.rules import Rules

PLAIN = RerankingConfig(diversity=0, serendipity_slots=0, exploration_slots=0)


class Case:
    """Random candidates of a random catalogue."""

    def __init__(self, seed: int, n: int = 4, n_items: int = 30, m: int = 12, genres: int = 4):
        rng = np.random.default_rng(seed)
        matrix = (rng.random((n_items, genres)) < 0.35).astype(np.float32)
        table = GenreTable(tuple(f"g{i}" for i in range(genres)), sp.csr_matrix(matrix))
        self.catalogue = Catalogue(table, rng.integers(0, 50, n_items))
        order = rng.permuted(np.tile(np.arange(n_items), (n, 1)), axis=1)[:, :m]
        there = rng.integers(0, m + 1, n)
        empty = np.arange(m) >= there[:, None]
        self.items = np.where(empty, -1, order).astype(np.int32)
        chance = -np.sort(-rng.random((n, m)).astype(np.float32), axis=1)
        self.chance = np.where(empty, 0, chance).astype(np.float32)
        history = sp.csr_matrix((rng.random((n, n_items)) < 0.1).astype(np.float32))
        self.users = UserBatch(history, history, pd.DataFrame(index=range(n)))
        self.keys = exploration_keys(pd.RangeIndex(n), seed)

    def lists(self, k: int, rules: Rules | None = None, **dials) -> Placed:
        config = RerankingConfig.model_validate({**PLAIN.model_dump(), **dials})
        return rerank(
            self.items,
            self.chance,
            self.users,
            k,
            catalogue=self.catalogue,
            config=config,
            keys=self.keys,
            rules=rules,
        )


SEEDS = st.integers(0, 2**32 - 1)


def limited(most: int | None, factors: np.ndarray | None = None) -> Rules:
    return Rules(None, factors, most, frozenset(), ())


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 15))
def test_with_all_dials_at_zero_it_is_the_plain_top_k(seed: int, k: int) -> None:
    case = Case(seed)
    placed = case.lists(k)
    items = np.full((4, k), -1)
    items[:, : min(k, 12)] = case.items[:, :k]
    np.testing.assert_array_equal(placed.items, items)
    np.testing.assert_array_equal(placed.scores[:, :12], case.chance[:, :k])
    assert (placed.kinds == PERSONAL).all()
    assert (placed.propensities == 1).all()
    assert not placed.beyond_limit.any()


@settings(deadline=None, max_examples=60)
@given(
    SEEDS,
    st.integers(1, 14),
    st.sampled_from(["mmr", "calibrated"]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([None, 1, 2]),
)
def test_lists_hold_each_candidate_once_and_are_as_long_as_they_can_be(
    seed: int, k: int, method: str, dial: float, surprise: int, explore: int, most: int | None
) -> None:
    case = Case(seed)
    dials = {
        "method": method,
        "diversity": dial,
        "serendipity_slots": surprise,
        "exploration_slots": explore,
        "exploration_pool": 0.2,
    }
    placed = case.lists(k, limited(most), **dials)
    assert placed.items.dtype == np.int32
    assert placed.scores.dtype == placed.propensities.dtype == np.float32
    listed = placed.items >= 0
    for row, items in enumerate(placed.items):
        own = items[items >= 0]
        candidates = case.items[row][case.items[row] >= 0]
        assert len(set(own)) == len(own) == min(k, len(candidates))
        assert listed[row, : len(own)].all()
        chance = dict(zip(case.items[row], case.chance[row], strict=True))
        assert [chance[item] for item in own] == placed.scores[row, : len(own)].tolist()
    assert (placed.scores[~listed] == 0).all()
    assert (placed.propensities[placed.kinds != EXPLORATION] == 1).all()
    assert ((placed.propensities > 0) & (placed.propensities <= 1)).all()
    assert (placed.kinds == SERENDIPITY).sum(axis=1).max() <= surprise
    assert (placed.kinds == EXPLORATION).sum(axis=1).max() <= explore
    alone = UserBatch(case.users.history[[2]], case.users.seen[[2]], case.users.profiles.iloc[[2]])
    single = rerank(
        case.items[[2]],
        case.chance[[2]],
        alone,
        k,
        catalogue=case.catalogue,
        config=RerankingConfig.model_validate({**PLAIN.model_dump(), **dials}),
        keys=case.keys[[2]],
        rules=limited(most),
    )
    for field in fields(Placed):
        np.testing.assert_array_equal(
            getattr(single, field.name)[0], getattr(placed, field.name)[2], field.name
        )


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([0.05, 0.3, 0.7]))
def test_mmr_is_what_carbonell_and_goldstein_say(seed: int, dial: float) -> None:
    case = Case(seed)
    vectors = case.catalogue.genre_directions.toarray().astype(np.float64)
    placed = case.lists(6, diversity=dial)
    for row, items in enumerate(placed.items):
        left = dict(zip(case.items[row], case.chance[row], strict=True))
        left.pop(-1, None)
        best = max(left.values(), default=0)
        chosen: list[int] = []
        for item in items[items >= 0]:
            value = {
                each: (1 - dial) * p / best
                - dial * max((vectors[each] @ vectors[other] for other in chosen), default=0)
                for each, p in left.items()
            }
            assert value[item] == pytest.approx(max(value.values()), abs=1e-5)
            chosen.append(item)
            del left[item]


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([0.05, 0.3, 0.9]))
def test_calibration_is_what_steck_says(seed: int, dial: float) -> None:
    case = Case(seed)
    shares = case.catalogue.genre_shares.toarray().astype(np.float64)
    taste = case.catalogue.taste(case.users).astype(np.float64)
    placed = case.lists(6, diversity=dial, method="calibrated")

    def divergence(items: list[int], p: np.ndarray) -> float:
        mixes = [shares[item] for item in items if shares[item].any()]
        q = np.mean(mixes, axis=0) if mixes else np.zeros(len(p))
        q = (1 - SMOOTHING) * q + SMOOTHING * p
        some = p > 0
        return float((p[some] * np.log(p[some] / q[some])).sum())

    for row, items in enumerate(placed.items):
        left = dict(zip(case.items[row], case.chance[row], strict=True))
        left.pop(-1, None)
        best = max(left.values(), default=0)
        chosen: list[int] = []
        for item in items[items >= 0]:
            value = {
                each: (1 - dial) * p / best - dial * divergence([*chosen, each], taste[row])
                for each, p in left.items()
            }
            assert value[item] == pytest.approx(max(value.values()), abs=1e-4)
            chosen.append(item)
            del left[item]


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 3))
def test_a_genre_is_there_at_most_so_often_while_others_are_left(seed: int, most: int) -> None:
    case = Case(seed)
    genres = case.catalogue.genres.movies.toarray()
    placed = case.lists(8, limited(most), diversity=0.2)
    for row, items in enumerate(placed.items):
        counts = np.zeros(genres.shape[1])
        left = set(case.items[row][case.items[row] >= 0].tolist())
        for place, item in enumerate(items[items >= 0]):
            fits = {each for each in left if not (genres[each] * (counts >= most)).any()}
            assert placed.beyond_limit[row, place] == (not fits)
            assert not fits or item in fits
            counts += genres[item]
            left.remove(item)


def test_the_limit_fills_a_list_from_further_down() -> None:
    table = GenreTable(("a", "b"), sp.csr_matrix(np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 0]]))
    users = UserBatch(sp.csr_matrix((1, 6)), sp.csr_matrix((1, 6)), pd.DataFrame(index=[0]))
    placed = rerank(
        np.arange(6, dtype=np.int32)[None],
        np.linspace(0.9, 0.4, 6, dtype=np.float32)[None],
        users,
        5,
        catalogue=Catalogue(table, np.zeros(6, np.int64)),
        config=PLAIN,
        keys=np.zeros(1, np.uint64),
        rules=limited(1),
    )
    assert placed.items.tolist() == [[0, 3, 1, 2, 4]]
    assert placed.beyond_limit.tolist() == [[False, False, True, True, True]]


def test_boosts_change_the_order_before_anything_else() -> None:
    case = Case(3, n=3)
    factors = np.ones(30, np.float32)
    last = case.items[1][case.items[1] >= 0][-1]
    factors[last] = 10
    before = case.items.copy(), case.chance.copy()
    placed = case.lists(5, limited(None, factors))
    boosted = np.minimum(case.chance * np.where(case.items < 0, 1, factors[case.items]), 1)
    for row in range(3):
        there = np.flatnonzero(case.items[row] >= 0)
        order = there[np.argsort(-boosted[row, there], kind="stable")][:5]
        own = placed.items[row][placed.items[row] >= 0]
        assert own.tolist() == case.items[row, order].tolist()
        np.testing.assert_array_equal(placed.scores[row, : len(own)], boosted[row, order])
    np.testing.assert_array_equal(case.items, before[0])
    np.testing.assert_array_equal(case.chance, before[1])


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_serendipity_is_likely_unlike_the_history_and_not_well_known(seed: int) -> None:
    case = Case(seed, n_items=40)
    vectors = case.catalogue.genre_directions.toarray().astype(np.float64)
    known = case.catalogue.popular(WELL_KNOWN)
    taste = case.catalogue.taste(case.users).astype(np.float64)
    placed = case.lists(4, serendipity_slots=2)
    for row, items in enumerate(placed.items):
        chosen: list[int] = []
        chance = dict(zip(case.items[row].tolist(), case.chance[row].tolist(), strict=True))
        chance.pop(-1, None)
        best = max(chance.values(), default=0)
        length = np.linalg.norm(taste[row])
        for place, item in enumerate(items[items >= 0].tolist()):
            value = {
                each: p / best * (1 - (vectors[each] @ taste[row] / length if length else 0))
                for each, p in chance.items()
                if each not in chosen and not known[each]
            }
            largest = max(value.values(), default=0)
            if placed.kinds[row, place] == SERENDIPITY:
                assert place in (2, 3)
                assert value[item] == pytest.approx(largest, abs=1e-5)
            elif place >= 2:
                assert largest == pytest.approx(0, abs=1e-5)
            chosen.append(item)


def test_exploration_draws_from_the_pool_as_often_as_it_says() -> None:
    n, m = 20_000, 6
    counts = np.array([80, 3, 0, 24, 8, 0, 0, 0, 0, 0])
    catalogue = Catalogue(GenreTable((), sp.csr_matrix((10, 0), dtype=np.float32)), counts)
    users = UserBatch(sp.csr_matrix((n, 10)), sp.csr_matrix((n, 10)), pd.DataFrame(index=range(n)))
    items = np.tile(np.arange(m, dtype=np.int32), (n, 1))
    chance = np.tile(np.array([0.8, 0.8, 0.6, 0.4, 0.4, 0.4], dtype=np.float32), (n, 1))
    placed = rerank(
        items,
        chance,
        users,
        3,
        catalogue=catalogue,
        config=RerankingConfig(
            diversity=0, serendipity_slots=0, exploration_slots=2, exploration_pool=0.5
        ),
        keys=exploration_keys(pd.RangeIndex(n), 9),
    )
    assert (placed.items[:, 0] == 0).all()
    assert (placed.kinds == [[PERSONAL, EXPLORATION, EXPLORATION]]).all()
    # Half of ten movies is the pool; the first has its place already.
    weight = np.array([0, 0.8 / 2, 0.6 / 1, 0.4 / 5, 0.4 / 3])
    share = weight / weight.sum()
    np.testing.assert_allclose(placed.propensities[:, 1], share[placed.items[:, 1]], rtol=1e-5)
    seen = np.bincount(placed.items[:, 1], minlength=m)
    assert seen[0] == seen[5] == 0
    assert chisquare(seen[1:5], n * share[1:]).pvalue > 0.01
    # The second draw is among what the first one left.
    after = share[placed.items[:, 2]] / (1 - share[placed.items[:, 1]])
    np.testing.assert_allclose(placed.propensities[:, 2], after, rtol=1e-5)
    weighted = (1 / placed.propensities[:, 1]) @ (placed.items[:, 1] == 3)
    assert weighted / n == pytest.approx(1, abs=0.1)


def test_another_occasion_draws_anew_and_leaves_the_rest() -> None:
    case = Case(5, n=200, n_items=60, m=40)
    first = case.lists(6, exploration_slots=1, exploration_pool=1.0)
    case.keys = exploration_keys(pd.RangeIndex(200), 6)
    second = case.lists(6, exploration_slots=1, exploration_pool=1.0)
    np.testing.assert_array_equal(first.items[:, :5], second.items[:, :5])
    drawn = (first.kinds[:, 5] == EXPLORATION) & (first.items[:, 5] >= 0)
    assert (first.items[drawn, 5] != second.items[drawn, 5]).mean() > 0.5


def test_the_defaults_explore_one_place_and_diversify() -> None:
    config = RerankingConfig()
    assert config.exploration_slots == 1
    assert 0 < config.diversity <= 0.2


def test_nobody_and_nothing() -> None:
    case = Case(1)
    nobody = case.users.take(np.array([], dtype=int))
    placed = rerank(
        case.items[:0],
        case.chance[:0],
        nobody,
        3,
        catalogue=case.catalogue,
        config=RerankingConfig(serendipity_slots=1),
        keys=case.keys[:0],
    )
    assert placed.items.shape == placed.beyond_limit.shape == (0, 3)
    no_candidates = rerank(
        case.items[:, :0],
        case.chance[:, :0],
        case.users,
        3,
        catalogue=case.catalogue,
        config=RerankingConfig(serendipity_slots=1, method="calibrated"),
        keys=case.keys,
        rules=limited(1),
    )
    assert (no_candidates.items == -1).all()
    assert not no_candidates.beyond_limit.any()
