"""Beyond accuracy: hand-computed figures, and the same by a slow way on random lists."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics.pairwise import cosine_similarity

from recsys_pipeline.evaluation.beyond import (
    ALPHA,
    ListContext,
    beyond_accuracy,
    intra_list_diversity,
    miscalibration,
    novelty,
    popularity_lift,
    serendipity,
)

# Movies: 0 and 1 war, 2 war and drama, 3 drama, 4 without a genre.
GENRES = sp.csr_matrix(np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.float32))
POPULARITY = np.array([3, 1, 0, 2, 1])


def context(**changes: object) -> ListContext:
    plain = ListContext(
        popularity=POPULARITY,
        history=sp.csr_matrix(np.array([[0, 2, 0, 2, 0], [0, 0, 0, 0, 0]], dtype=np.float32)),
        popular=np.array([[0, 4, 2], [0, 3, 1]], dtype=np.int32),
        genres=GENRES,
        k=2,
    )
    return replace(plain, **changes)


LISTS = np.array([[0, 2, 3], [3, -1, -1]], dtype=np.int32)


def test_novelty_is_the_mean_of_bits() -> None:
    # Counts and one more: 4, 2, 1, 3, 2 of 12.
    first = -(np.log2(4 / 12) + np.log2(1 / 12)) / 2
    np.testing.assert_allclose(novelty(LISTS, context()), [first, np.log2(4)])
    empty = np.full((2, 2), -1, dtype=np.int32)
    assert np.isnan(novelty(empty, context())).all()


def test_diversity_is_one_less_the_mean_cosine() -> None:
    # War beside war and drama: the cosine is 1/√2. One movie is no pair.
    found = intra_list_diversity(LISTS, context())
    np.testing.assert_allclose(found, [1 - 1 / np.sqrt(2), np.nan])
    alike, apart = np.array([[0, 1], [0, 3]]), np.array([[0, 4], [4, 4]])
    np.testing.assert_allclose(intra_list_diversity(alike, context()), [0, 1], atol=1e-12)
    assert np.isnan(intra_list_diversity(apart, context())).all()


def test_serendipity_wants_liked_and_not_expected() -> None:
    relevant = sp.csr_matrix(np.array([[1, 0, 1, 0, 0], [0, 0, 0, 1, 0]], dtype=np.float32))
    # First user: 0 is liked and popular, 2 is liked and third by popularity. Second: 3 is popular.
    np.testing.assert_allclose(serendipity(LISTS, relevant, context()), [0.5, 0])
    np.testing.assert_allclose(serendipity(LISTS, relevant, context(k=3)), [0, 0])
    nobody = sp.csr_matrix((2, 5), dtype=np.float32)
    assert np.isnan(serendipity(LISTS, nobody, context())).all()


def test_popularity_lift_is_relative_to_the_history() -> None:
    lift = popularity_lift(LISTS, context())
    # The list's mean is (3 + 0) / 2 = 1.5, and so is the history's, (1 + 2) / 2.
    np.testing.assert_allclose(lift.values, [0, np.nan])
    only_popular = popularity_lift(np.array([[0, 0], [0, 0]]), context())
    assert only_popular.mean == pytest.approx(1.0)


def test_miscalibration_is_the_divergence_of_the_genre_mixes() -> None:
    # History: half war, half drama. List: 0 and 2 are three quarters war.
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    expected = entropy(p, (1 - ALPHA) * q + ALPHA * p)
    np.testing.assert_allclose(miscalibration(LISTS, context()), [expected, np.nan])
    same = miscalibration(np.array([[1, 3], [1, 3]]), context())
    np.testing.assert_allclose(same, [0, np.nan], atol=1e-12)
    # The weights count: a history that is all but war is far from a list of drama.
    war = sp.csr_matrix(np.array([[9, 0, 0, 1, 0]] * 2, dtype=np.float32))
    found = miscalibration(np.array([[0, 1], [3, 3]]), context(history=war))
    assert found[0] < 0.5 < 1 < found[1]


def test_without_genres_what_needs_them_is_left_out() -> None:
    relevant = sp.csr_matrix((2, 5), dtype=np.float32)
    names = {"novelty_at_2", "serendipity_at_2", "popularity_lift_at_2"}
    for genres in (None, sp.csr_matrix((5, 0)), sp.csr_matrix((5, 2))):
        assert set(beyond_accuracy(LISTS, relevant, context(genres=genres))) == names
    both = {"intra_list_diversity_at_2", "miscalibration_at_2"}
    assert set(beyond_accuracy(LISTS, relevant, context())) == names | both
    assert np.isnan(intra_list_diversity(LISTS, context(genres=None))).all()
    assert np.isnan(miscalibration(LISTS, context(genres=None))).all()


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"k": 4}, "lists of shape"),
        ({"popular": np.zeros((2, 1), int)}, "popularity lists of shape"),
        ({"popularity": np.ones(4)}, "popularity of shape"),
        ({"history": sp.csr_matrix((3, 5))}, "history of shape"),
        ({"genres": sp.csr_matrix((4, 2))}, "genres of shape"),
    ],
)
def test_shapes_must_match(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        beyond_accuracy(LISTS, sp.csr_matrix((2, 5)), context(**changes))


N_ITEMS, N_GENRES, K = 12, 4, 5


def random_case(seed: int) -> tuple[np.ndarray, sp.csr_matrix, ListContext]:
    rng = np.random.default_rng(seed)
    n_users = int(rng.integers(1, 6))

    def lists() -> np.ndarray:
        made = np.array([rng.permutation(N_ITEMS)[:K] for _ in range(n_users)])
        return np.where(np.arange(K) < rng.integers(0, K + 1, n_users)[:, None], made, -1)

    def sparse(rows: int, columns: int, share: float) -> sp.csr_matrix:
        dense = rng.random((rows, columns)) * (rng.random((rows, columns)) < share)
        return sp.csr_matrix(dense)

    genres = (sparse(N_ITEMS, N_GENRES, 0.4) > 0).astype(np.float32)
    made = ListContext(
        rng.integers(0, 9, N_ITEMS), sparse(n_users, N_ITEMS, 0.2), lists(), genres, K
    )
    return lists(), sparse(n_users, N_ITEMS, 0.3), made


@given(st.integers(0, 10**6))
def test_the_slow_way_finds_the_same(seed: int) -> None:
    items, relevant, of = random_case(seed)
    assert of.genres is not None
    genres, history = of.genres.toarray().astype(float), of.history.toarray()
    found = {name: each.values for name, each in beyond_accuracy(items, relevant, of).items()}
    bits = -np.log2((of.popularity + 1) / (of.popularity + 1).sum())
    for user, row in enumerate(items):
        listed = [item for item in row if item >= 0]
        expected = dict.fromkeys(found, np.nan)
        if listed:
            expected["novelty_at_5"] = np.mean([bits[item] for item in listed])
        known = genres[[item for item in listed if genres[item].any()]]
        if len(known) > 1:
            cosines = cosine_similarity(known)[np.triu_indices(len(known), 1)]
            expected["intra_list_diversity_at_5"] = 1 - cosines.mean()
        liked = set(relevant[[user]].indices)
        if liked:
            surprising = liked & set(listed) - set(of.popular[user])
            expected["serendipity_at_5"] = len(surprising) / K
        own = np.flatnonzero(history[user])
        mean = of.popularity[own].mean() if len(own) else 0
        if listed and mean > 0:
            expected["popularity_lift_at_5"] = of.popularity[listed].mean() / mean - 1
        p = sum((w * genres[i] / max(genres[i].sum(), 1) for i, w in enumerate(history[user])))
        q = sum((genres[i] / max(genres[i].sum(), 1) for i in listed), np.zeros(N_GENRES))
        if p.sum() and q.sum():
            p, q = p / p.sum(), q / q.sum()
            expected["miscalibration_at_5"] = entropy(p, (1 - ALPHA) * q + ALPHA * p)
        for name, value in expected.items():
            if name in found:
                np.testing.assert_allclose(found[name][user], value, atol=1e-9, err_msg=name)


@given(st.integers(0, 10**6))
def test_a_user_stands_alone_and_nothing_is_changed(seed: int) -> None:
    items, relevant, of = random_case(seed)
    before = [items.copy(), relevant.toarray(), of.history.toarray(), of.popular.copy()]
    together = beyond_accuracy(items, relevant, of)
    alone = replace(of, history=of.history[[0]], popular=of.popular[:1])
    for name, figures in beyond_accuracy(items[:1], relevant[[0]], alone).items():
        np.testing.assert_allclose(figures.values, together[name].values[:1], rtol=1e-9, atol=1e-12)
    after = [items, relevant.toarray(), of.history.toarray(), of.popular]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
