"""The parts of a score are the score, for every model that is linear in the history."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.models import (
    AlsConfig,
    ContentConfig,
    EaseConfig,
    ItemKnnConfig,
    Recommender,
    make,
)
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking.reasons_history import Contributions, contributions

K = 5
CASES = {
    "ease, items' side": ("ease", EaseConfig(regularization=20), slice(None)),
    "ease, not symmetric": ("ease", EaseConfig(regularization=20, symmetric=False), slice(None)),
    "ease, older likes count less": (
        "ease",
        EaseConfig(regularization=20, oldest=0.4),
        slice(None),
    ),
    "ease, users' side": ("ease", EaseConfig(regularization=20), slice(4, 16)),
    "ease, users' side, not symmetric": (
        "ease",
        EaseConfig(regularization=20, symmetric=False, oldest=0.4),
        slice(4, 16),
    ),
    "item_knn": ("item_knn", ItemKnnConfig(neighbours=8), slice(None)),
    "als": ("als", AlsConfig(factors=6, alpha=3.0, iterations=3, threads=1), slice(None)),
    "content": ("content", ContentConfig(), slice(None)),
}


def fitted(small: Dataset, case: str) -> tuple[Recommender, Dataset]:
    """The model of the case; fitted on few users, EASE takes the users' side."""
    name, config, rows = CASES[case]
    users = np.arange(small.n_users)[rows]
    data = small.cut(np.isin(small.events.user, users), small.as_of)
    model = make(name, config).fit(data, np.random.default_rng(2))
    if name == "ease":
        side = getattr(model, "weights_" if rows == slice(None) else "factors_")
        assert side is not None
    return model, data


@pytest.mark.parametrize("case", CASES)
def test_contributions_sum_to_the_score(small: Dataset, case: str) -> None:
    model, _ = fitted(small, case)
    users = small.batch()
    scores = model.score(users)
    items, best = top_k(scores, users, K)
    parts = contributions(model, users, items)
    assert parts is not None
    assert parts.shape == items.shape
    listed = items >= 0
    np.testing.assert_allclose(parts.totals()[listed], best[listed], rtol=1e-3, atol=2e-5)
    assert (parts.totals()[~listed] == 0).all()
    lengths = np.where(listed, users.history_lengths[:, None], 0).ravel()
    np.testing.assert_array_equal(np.diff(parts.starts), lengths)
    own = users.history[7].indices
    assert parts.movies[parts.starts[7 * K] : parts.starts[7 * K + 1]].tolist() == own.tolist()


@pytest.mark.parametrize("case", CASES)
def test_what_was_met_before_is_explained_too(small: Dataset, case: str) -> None:
    """A movie does not speak for itself: where a model leaves it out, so do the parts."""
    model, _ = fitted(small, case)
    users = small.batch(slice(4, 20))
    scores = model.score(users)
    items = np.tile(np.arange(small.n_items, dtype=np.int32), (len(users), 1))
    parts = contributions(model, users, items)
    assert parts is not None
    np.testing.assert_allclose(parts.totals(), scores, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("case", ["ease, items' side", "item_knn", "content"])
def test_a_movie_less_in_the_history_is_its_part_less_in_the_score(
    small: Dataset, case: str
) -> None:
    model, _ = fitted(small, case)
    users = small.batch(np.array([9]))
    items, best = top_k(model.score(users), users, K)
    parts = contributions(model, users, items)
    assert parts is not None
    less = users.history.copy()
    removed = less.indices[2]
    less.data[2] = 0
    less.eliminate_zeros()
    again = model.score(UserBatch(less, users.seen, users.profiles))[0, items[0]]
    size = len(users.history.indices)
    part = parts.values.reshape(K, size)[:, 2]
    assert parts.movies.reshape(K, size)[0, 2] == removed
    if case == "content":
        # The length of the user's mean vector is held fixed: so it is of the cosine before.
        vectors = model.vectors_
        before, after = (
            np.sqrt((h @ vectors).multiply(h @ vectors).sum()) for h in (users.history, less)
        )
        again = again * after / before
    np.testing.assert_allclose(best[0] - again, part, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_nobody_s_reasons_depend_on_the_others(small: Dataset, case: str) -> None:
    model, _ = fitted(small, case)
    users = small.batch()
    items, _ = top_k(model.score(users), users, K)
    whole = contributions(model, users, items)
    assert whole is not None
    for row in (0, 5, 33):
        alone = contributions(model, users.take(np.array([row])), items[[row]])
        assert alone is not None
        inside = slice(whole.starts[row * K], whole.starts[(row + 1) * K])
        np.testing.assert_array_equal(alone.movies, whole.movies[inside])
        np.testing.assert_allclose(alone.values, whole.values[inside], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["popularity", "random", "profile"])
def test_models_that_do_not_rest_on_movies_have_no_parts(small: Dataset, name: str) -> None:
    model = make(name).fit(small, np.random.default_rng(2))
    users = small.batch(slice(0, 2))
    assert contributions(model, users, np.zeros((2, 1), dtype=np.int32)) is None


@pytest.mark.parametrize("case", CASES)
def test_no_users_and_no_movies(small: Dataset, case: str) -> None:
    model, _ = fitted(small, case)
    nobody = small.batch(np.array([], dtype=int))
    parts = contributions(model, nobody, np.zeros((0, K), dtype=np.int32))
    assert parts is not None
    assert parts.totals().shape == (0, K)
    nothing = contributions(model, small.batch(), np.full((60, K), -1, dtype=np.int32))
    assert nothing is not None
    movies, shares = nothing.strongest(2)
    assert (movies == -1).all()
    assert (shares == 0).all()


def test_the_strongest_by_hand() -> None:
    parts = Contributions(
        (2, 2),
        np.array([0, 4, 4, 6, 8]),
        np.array([5, 6, 7, 8, 1, 2, 1, 2], dtype=np.int32),
        np.array([1, 4, -2, 3, -1, -3, 2, 2], dtype=np.float32),
    )
    movies, shares = parts.strongest(3)
    assert movies.tolist() == [[[6, 8, 5], [-1, -1, -1]], [[-1, -1, -1], [1, 2, -1]]]
    assert shares.tolist() == [[[0.5, 0.375, 0.125], [0, 0, 0]], [[0, 0, 0], [0.5, 0.5, 0]]]
    assert parts.totals().tolist() == [[6, 0], [-4, 4]]
    features = sp.csr_matrix(np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 0, 0, 1, 1, 0]])
    by = parts.shares_by(features)
    assert by[0, 0].tolist() == [0.5, 0.5]
    assert by[1, 1].tolist() == [0.5, 0.5]
    assert by[0, 1].tolist() == by[1, 0].tolist() == [0, 0]


def test_many_pairs_are_worked_off_in_blocks(
    small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = fitted(small, "item_knn")
    users = small.batch()
    items, _ = top_k(model.score(users), users, K)
    whole = contributions(model, users, items)
    monkeypatch.setattr("recsys_pipeline.ranking.reasons_history._BLOCK_PAIRS", 100)
    blocks = contributions(model, users, items)
    assert whole is not None
    assert blocks is not None
    np.testing.assert_array_equal(whole.starts, blocks.starts)
    np.testing.assert_array_equal(whole.movies, blocks.movies)
    np.testing.assert_array_equal(whole.values, blocks.values)
