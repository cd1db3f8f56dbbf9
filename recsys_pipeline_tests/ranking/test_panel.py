"""Lists of a panel: who is served by what, and that nobody's list depends on the others."""

from dataclasses import replace

import numpy as np
import pytest

from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking import Pairs, Panel
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.panel import BLEND, POPULARITY, RANDOM, TWO_STAGE, with_users

NOTHING, NO_PROFILE, NEITHER, SEEN_ALL = 0, 1, 2, 3
K = 6
PROFILE = "profile"


@pytest.fixture(scope="module")
def batch(small: Dataset) -> UserBatch:
    return small.batch()


def test_lists_hold_unseen_movies_once_best_first(panel: Panel, batch: UserBatch) -> None:
    seen = batch.seen.toarray() > 0
    for name, ranked in panel.rank(batch, K).items():
        assert ranked.items.shape == ranked.scores.shape == (len(batch), K), name
        assert ranked.items.dtype == np.int32
        for user, items in enumerate(ranked.items):
            listed = items[items >= 0]
            assert len(listed) == min(K, (~seen[user]).sum())
            assert len(set(listed)) == len(listed)
            assert not seen[user, listed].any()
            scores = ranked.scores[user]
            assert (np.diff(scores[: len(listed)]) <= 0).all()
            assert np.isneginf(scores[len(listed) :]).all()


def test_who_has_seen_everything_gets_nothing(panel: Panel, batch: UserBatch) -> None:
    for ranked in panel.rank(batch, K).values():
        assert (ranked.items[SEEN_ALL] == -1).all()
        assert np.isneginf(ranked.scores[SEEN_ALL]).all()


def test_one_user_alone_gets_the_list_of_the_batch(panel: Panel, batch: UserBatch) -> None:
    whole = panel.rank(batch, K)
    for user in (*range(4), 17, 59):
        alone = panel.rank(batch.take(np.array([user])), K)
        for name, ranked in alone.items():
            np.testing.assert_array_equal(ranked.items[0], whole[name].items[user], name)
            np.testing.assert_allclose(ranked.scores[0], whole[name].scores[user], rtol=1e-5)
            assert ranked.sources[0] == whole[name].sources[user]


def test_the_order_of_the_users_does_not_matter(panel: Panel, batch: UserBatch) -> None:
    order = np.random.default_rng(2).permutation(len(batch))
    whole, shuffled = panel.rank(batch, K), panel.rank(batch.take(order), K)
    for name, ranked in shuffled.items():
        np.testing.assert_array_equal(ranked.items, whole[name].items[order], name)


def test_sources_name_who_really_ranked(panel: Panel, batch: UserBatch) -> None:
    ranked = panel.rank(batch, K)
    knn = ranked["item_knn"].sources
    assert knn[NOTHING] == PROFILE
    assert knn[NO_PROFILE] == "item_knn"
    assert knn[NEITHER] == POPULARITY
    assert ranked[PROFILE].sources[NO_PROFILE] == POPULARITY
    assert ranked[PROFILE].sources[NOTHING] == PROFILE
    for name in (POPULARITY, RANDOM, TWO_STAGE):
        assert set(ranked[name].sources) == {name}
    for user, name in ((NOTHING, PROFILE), (NEITHER, POPULARITY)):
        np.testing.assert_array_equal(ranked["item_knn"].items[user], ranked[name].items[user])


def test_only_what_is_allowed_is_listed(panel: Panel, batch: UserBatch, small: Dataset) -> None:
    allowed = np.arange(small.n_items) % 3 == 0
    for name, ranked in panel.rank(batch, small.n_items, allowed=allowed).items():
        listed = ranked.items >= 0
        assert allowed[ranked.items[listed]].all(), name
        left = (allowed & (batch.seen.toarray() == 0)).sum(axis=1)
        np.testing.assert_array_equal(listed.sum(axis=1), left)
    nothing = panel.rank(batch, K, allowed=np.zeros(small.n_items, bool))
    assert all((ranked.items == -1).all() for ranked in nothing.values())


def test_pair_scores_are_the_scores_of_the_lists(panel: Panel, batch: UserBatch) -> None:
    lists = panel.rank(batch, K)
    for name, ranked in lists.items():
        if name == TWO_STAGE:
            continue
        rows, places = np.nonzero(ranked.items >= 0)
        order = np.random.default_rng(0).permutation(len(rows))
        rows, places = rows[order], places[order]
        pairs = Pairs(rows.astype(np.int32), ranked.items[rows, places])
        again = panel.rank(batch, K, names=[name], pairs=pairs)[name]
        np.testing.assert_allclose(again.pair_scores, ranked.scores[rows, places], rtol=1e-5)


def test_the_ranker_orders_its_candidates(panel: Panel, batch: UserBatch) -> None:
    ranked = panel.rank(batch, K)[TWO_STAGE]
    candidate = (ranked.items >= 0) & (ranked.scores > 0)
    assert candidate.sum() > 0.8 * (ranked.items >= 0).sum()
    rows, places = np.nonzero(candidate)
    pairs = Pairs(rows.astype(np.int32), ranked.items[rows, places])
    again = panel.rank(batch, K, names=[TWO_STAGE], pairs=pairs)[TWO_STAGE]
    np.testing.assert_allclose(again.pair_scores, ranked.scores[rows, places], rtol=1e-4)


def test_beyond_its_candidates_the_list_goes_on(panel: Panel, batch: UserBatch) -> None:
    few = Panel(panel.generators, panel.pair_features, panel.ranker, candidates=1)
    ranked = few.rank(batch, K, names=[TWO_STAGE])[TWO_STAGE]
    others = [user for user in range(len(batch)) if user != SEEN_ALL]
    assert (ranked.items[others] >= 0).all()
    assert ((ranked.scores[others] > 0).sum(axis=1) <= len(few.proposers)).all()


def test_ties_go_by_popularity_then_by_id(panel: Panel, batch: UserBatch) -> None:
    popularity = panel.generators[POPULARITY].score(batch)
    flat = Panel({"item_knn": _Flat(), POPULARITY: panel.generators[POPULARITY]})
    ranked = flat.rank(batch, K, names=["item_knn"])["item_knn"]
    expected, _ = top_k(popularity, batch, K)
    np.testing.assert_array_equal(ranked.items, expected)


def test_of_whom_nothing_is_known_the_newcomers_recommender_ranks(
    panel: Panel, batch: UserBatch, small: Dataset
) -> None:
    generators = {**panel.generators, "trending": _Last()}
    greeting = Panel(generators, newcomers="trending")
    found = greeting.rank(batch, K, names=["item_knn", POPULARITY])
    assert found["item_knn"].sources[NEITHER] == "trending"
    assert found["item_knn"].sources[NOTHING] == PROFILE
    last = range(small.n_items - 1, small.n_items - 1 - K, -1)
    assert found["item_knn"].items[NEITHER].tolist() == list(last)
    assert set(found[POPULARITY].sources) == {POPULARITY}
    assert "trending" in greeting.needed_by("item_knn")
    assert "trending" not in panel.needed_by("item_knn")


def test_a_blend_is_the_weighted_sum_for_whom_any_of_its_parts_knows(
    panel: Panel, batch: UserBatch
) -> None:
    weights = {POPULARITY: 0.2, "item_knn": 1.0, PROFILE: 0.5}
    mixed = replace(panel, blend=Blend(weights, ("item_knn",), half_length=3.0))
    assert mixed.names == (*panel.generators, BLEND, TWO_STAGE)
    found = mixed.rank(batch, K, names=[BLEND])[BLEND]
    assert found.sources[NOTHING] == found.sources[NO_PROFILE] == BLEND
    assert found.sources[NEITHER] == POPULARITY
    parts = mixed.standardised(batch)
    length = batch.history_lengths
    grown = (length / (length + 3))[:, None]
    total = 0.2 * parts[POPULARITY] + grown * parts["item_knn"] + 0.5 * parts[PROFILE]
    for user in (NOTHING, NO_PROFILE, 17, 59):
        listed = found.items[user][found.items[user] >= 0]
        np.testing.assert_allclose(
            found.scores[user][: len(listed)], total[user, listed], rtol=1e-4, atol=1e-4
        )
        alone = mixed.rank(batch.take(np.array([user])), K, names=[BLEND])[BLEND]
        np.testing.assert_array_equal(alone.items[0], found.items[user])


class _Last:
    """A generator that puts the last movies first, for everybody."""

    def score(self, users: UserBatch) -> np.ndarray:
        order = np.arange(users.history.shape[1], dtype=np.float32)
        return np.tile(order, (len(users), 1))

    def knows(self, users: UserBatch) -> np.ndarray:
        return np.zeros(len(users), dtype=bool)


class _Flat:
    """A generator to which all movies are alike."""

    def score(self, users: UserBatch) -> np.ndarray:
        return np.zeros(users.history.shape, dtype=np.float32)

    def knows(self, users: UserBatch) -> np.ndarray:
        return np.ones(len(users), dtype=bool)


def test_generator_features_are_in_standard_deviations(panel: Panel, batch: UserBatch) -> None:
    n_items = batch.history.shape[1]
    users = (NOTHING, NEITHER, 5)
    rows = np.repeat(np.array(users, np.int32), n_items)
    pairs = Pairs(rows, np.tile(np.arange(n_items, dtype=np.int32), len(users)))
    found = panel.generator_features(batch, pairs).reshape(len(users), n_items, -1)
    place = {name: i for i, name in enumerate(panel.proposers)}
    assert RANDOM not in place
    assert np.isnan(found[0, :, place["item_knn"]]).all()
    assert np.isnan(found[1, :, place[PROFILE]]).all()
    for name in panel.proposers:
        np.testing.assert_allclose(found[2, :, place[name]].mean(), 0, atol=1e-4)
        np.testing.assert_allclose(found[2, :, place[name]].std(), 1, atol=1e-4)


def test_nobody_gets_no_lists(panel: Panel, batch: UserBatch) -> None:
    for ranked in panel.rank(batch.take(np.array([], dtype=int)), K).values():
        assert ranked.items.shape == (0, K)
        assert ranked.sources.shape == (0,)


def test_groups_are_put_back_in_order(panel: Panel, batch: UserBatch) -> None:
    rows = np.arange(len(batch))
    pairs = Pairs(np.arange(len(batch), dtype=np.int32), np.zeros(len(batch), np.int32))
    whole = panel.rank(batch, K, pairs=pairs)["item_knn"]
    parts = []
    for group in (rows[rows % 2 == 1], rows[rows % 2 == 0]):
        local = Pairs(np.arange(len(group), dtype=np.int32), np.zeros(len(group), np.int32))
        ranked = panel.rank(batch.take(group), K, pairs=local)["item_knn"]
        parts.append((group, group, ranked))
    joined = with_users(len(batch), len(batch), parts)
    np.testing.assert_array_equal(joined.items, whole.items)
    np.testing.assert_array_equal(joined.sources, whole.sources)
    np.testing.assert_allclose(joined.pair_scores, whole.pair_scores, rtol=1e-5)
