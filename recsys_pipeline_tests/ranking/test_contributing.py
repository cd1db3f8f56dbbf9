"""What each generator adds to a place: the terms of the sum, and what its loss would cost."""

from dataclasses import replace

import numpy as np
import pytest

from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.ranking import Pairs, Panel
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.contributing import contributions
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE

NOTHING, NO_PROFILE, NEITHER, SEEN_ALL = 0, 1, 2, 3
K = 5
WEIGHTS = {"popularity": 0.3, "item_knn": 1.0, "profile": 0.6}


@pytest.fixture(scope="module")
def blended(panel: Panel) -> Panel:
    return replace(panel, blend=Blend(WEIGHTS, ("item_knn",), half_length=3.0))


@pytest.fixture(scope="module")
def users(small: Dataset) -> UserBatch:
    return small.batch()


def test_the_terms_of_a_blend_add_up_to_its_score(blended: Panel, users: UserBatch) -> None:
    ranked = blended.rank(users, K, names=[BLEND])[BLEND]
    own = ranked.sources == BLEND
    added = contributions(blended, BLEND, users, ranked.items)
    assert set(added) == set(WEIGHTS)
    total = np.nansum(list(added.values()), axis=0)
    listed = (ranked.items >= 0) & own[:, None]
    assert listed.sum() > 200
    np.testing.assert_allclose(total[listed], ranked.scores[listed], rtol=1e-4, atol=1e-4)


def test_a_generator_that_knows_nothing_of_a_user_adds_nothing(
    blended: Panel, users: UserBatch
) -> None:
    items = np.zeros((len(users), 1), dtype=np.int32)
    added = contributions(blended, BLEND, users, items)
    assert np.isnan(added["item_knn"][[NOTHING, NEITHER]]).all()
    assert np.isnan(added["profile"][[NO_PROFILE, NEITHER]]).all()
    assert not np.isnan(added["popularity"]).any()


@pytest.mark.parametrize("name", [BLEND, TWO_STAGE])
def test_where_there_is_no_movie_there_is_nothing(
    blended: Panel, users: UserBatch, name: str
) -> None:
    items = np.full((len(users), 2), -1, dtype=np.int32)
    items[5, 0] = 7
    for table in contributions(blended, name, users, items).values():
        assert table.shape == items.shape
        assert table.dtype == np.float32
        assert np.isnan(table[items < 0]).all()


def test_of_two_stages_it_is_what_the_probability_loses(blended: Panel, users: UserBatch) -> None:
    rows = np.arange(4, len(users), dtype=np.int32)
    items = np.full((len(users), 1), -1, dtype=np.int32)
    items[rows, 0] = rows % users.history.shape[1]
    added = contributions(blended, TWO_STAGE, users, items)
    assert set(added) == set(blended.proposers)

    pairs = Pairs(rows, items[rows, 0])
    assert blended.pair_features is not None
    assert blended.ranker is not None
    plain = blended.pair_features.transform(users, pairs.rows, pairs.items)
    scores = blended.generator_features(users, pairs)
    whole = blended.ranker.predict(np.hstack([plain, scores]))
    for column, name in enumerate(blended.proposers):
        average = scores.copy()
        average[:, column] = 0
        expected = whole - blended.ranker.predict(np.hstack([plain, average]))
        expected[np.isnan(scores[:, column])] = np.nan
        np.testing.assert_allclose(added[name][rows, 0], expected, atol=1e-6)
    assert any(np.nan_to_num(table).any() for table in added.values())


@pytest.mark.parametrize("name", [BLEND, TWO_STAGE])
def test_one_user_is_a_batch_of_one(blended: Panel, users: UserBatch, name: str) -> None:
    items = blended.rank(users, K, names=[name])[name].items
    whole = contributions(blended, name, users, items)
    for user in (NOTHING, NO_PROFILE, 17):
        rows = np.array([user])
        alone = contributions(blended, name, users.take(rows), items[rows])
        for each, table in alone.items():
            np.testing.assert_allclose(table[0], whole[each][user], atol=1e-5)
