"""What a blend is fitted on, against a search through every user and movie."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.ranking import Pairs, Panel
from recsys_pipeline.ranking.blend import Candidates, standardised
from recsys_pipeline.ranking.gathering import gather_candidates, gather_pairs
from recsys_pipeline.ranking.panel import NOT_PERSONAL

NOTHING, NO_PROFILE, SEEN_ALL = 0, 1, 3
PER_GENERATOR = 4


@pytest.fixture(scope="module")
def relevant(small: Dataset) -> sp.csr_matrix:
    """Three movies for each user, some of them seen, and none for the last."""
    rng = np.random.default_rng(11)
    rows = np.repeat(np.arange(small.n_users - 1), 3)
    items = np.concatenate(
        [rng.choice(small.n_items, 3, replace=False) for _ in range(small.n_users - 1)]
    )
    ones = np.ones(len(rows), dtype=np.float32)
    return sp.csr_matrix((ones, (rows, items)), shape=(small.n_users, small.n_items))


@pytest.fixture(scope="module")
def found(panel: Panel, small: Dataset, relevant: sp.csr_matrix) -> Candidates:
    return gather_candidates(panel, small.batch(), relevant, PER_GENERATOR)


def scores_of(panel: Panel, users: UserBatch, name: str) -> np.ndarray:
    """Standardised scores of one generator, user by user."""
    rows = []
    for user in range(len(users)):
        one = users.take(np.array([user]))
        model = panel.generators[name]
        known = np.array([True]) if name in NOT_PERSONAL else model.knows(one)
        rows.append(standardised(model.score(one), known)[0])
    return np.array(rows)


def test_candidates_are_those_of_a_search(
    panel: Panel, small: Dataset, relevant: sp.csr_matrix, found: Candidates
) -> None:
    users = small.batch()
    scores = {name: scores_of(panel, users, name) for name in panel.proposers}
    seen = users.seen.toarray() > 0
    assert found.names == panel.proposers
    for user in range(len(users)):
        chosen: set[int] = set()
        for values in scores.values():
            unseen = [item for item in range(small.n_items) if not seen[user, item]]
            chosen |= set(sorted(unseen, key=lambda i: (-values[user, i], i))[:PER_GENERATOR])
        items = sorted(chosen)
        assert found.there[user].tolist() == [i < len(items) for i in range(found.there.shape[1])]
        for place, item in enumerate(items):
            expected = [scores[name][user, item] for name in found.names]
            np.testing.assert_allclose(found.values[user, place], expected, rtol=1e-4, atol=1e-5)
            assert found.relevant[user, place] == (relevant[user, item] > 0)
    assert not found.values[~found.there].any()
    assert not found.relevant[~found.there].any()


def test_what_users_went_on_to_like_is_counted_candidate_or_not(
    found: Candidates, small: Dataset
) -> None:
    assert found.n_relevant.tolist() == [3] * (small.n_users - 1) + [0]
    assert found.lengths.tolist() == small.batch().history_lengths.tolist()
    assert found.relevant.sum() < found.n_relevant.sum()


def test_who_has_seen_everything_has_no_candidate(found: Candidates) -> None:
    assert not found.there[SEEN_ALL].any()


def test_one_user_has_the_candidates_of_the_batch(
    panel: Panel, small: Dataset, relevant: sp.csr_matrix, found: Candidates
) -> None:
    for user in (NOTHING, NO_PROFILE, 17):
        batch = small.batch(np.array([user]))
        alone = gather_candidates(panel, batch, relevant[[user]], PER_GENERATOR)
        width = alone.there.shape[1]
        np.testing.assert_array_equal(alone.there[0], found.there[user, :width])
        np.testing.assert_allclose(alone.values[0], found.values[user, :width], atol=1e-5)
        np.testing.assert_array_equal(alone.relevant[0], found.relevant[user, :width])


def test_nobody_has_no_candidates(panel: Panel, small: Dataset) -> None:
    nobody = small.batch(np.array([], dtype=int))
    nothing = sp.csr_matrix((0, small.n_items), dtype=np.float32)
    found = gather_candidates(panel, nobody, nothing, PER_GENERATOR)
    assert found.values.shape == (0, 0, len(panel.proposers))
    assert found.n_relevant.shape == (0,)


def test_pairs_hold_the_scores_of_every_generator(panel: Panel, small: Dataset) -> None:
    users = small.batch()
    rows = np.array([NOTHING, 5, 5, 17], dtype=np.int32)
    items = np.array([3, 0, 7, 2], dtype=np.int32)
    liked = np.array([True, False, True, False])
    found = gather_pairs(panel, users, Pairs(rows, items), liked)
    expected = [scores_of(panel, users, name)[rows, items] for name in found.names]
    np.testing.assert_allclose(found.values, np.transpose(expected), rtol=1e-4, atol=1e-5)
    assert found.liked is liked
    assert found.lengths.tolist() == users.history_lengths[rows].tolist()
    # Somebody without history: what rests on history says nothing, and that is 0.
    assert found.values[0, found.names.index("item_knn")] == 0
