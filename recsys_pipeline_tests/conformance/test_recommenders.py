"""What every recommender of the models room must do, on the same small worlds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import (
    RECOMMENDERS,
    AlsConfig,
    ClustersConfig,
    EaseConfig,
    ItemKnnConfig,
    ProfileConfig,
    Recommender,
    RecommenderConfig,
    load_recommender,
    make,
)

CASES: dict[str, tuple[str, RecommenderConfig | None]] = {
    **{name: (name, None) for name in RECOMMENDERS},
    "ease divided": ("ease", EaseConfig(symmetric=False)),
    "item_knn cosine": ("item_knn", ItemKnnConfig(similarity="cosine")),
    "als small": ("als", AlsConfig(factors=2, threads=1)),
    "profile small": ("profile", ProfileConfig(max_parameters=30)),
    "clusters two": ("clusters", ClustersConfig(n_clusters=2)),
}
# With many factors ALS can learn the very hole that the checkerboard asks it to fill; so can
# clusters, where they are smaller than a half of the board.
UNSOLVED = {"popularity", "random", "als", "trending", "clusters"}


def fresh(case: str) -> Recommender:
    return make(*CASES[case])


def fitted(case: str, data: Dataset, seed: int = 0) -> Recommender:
    return fresh(case).fit(data, np.random.default_rng(seed))


@pytest.fixture(scope="session", params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def model(case: str, data: Dataset) -> Recommender:
    """A fitted model; no test changes it."""
    return fitted(case, data)


def close(one: np.ndarray, other: np.ndarray) -> None:
    scale = max(1.0, float(np.abs(other).max(initial=0)))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * scale)


def test_fit_returns_self_and_scores_have_the_stated_form(case: str, data: Dataset) -> None:
    model = fresh(case)
    assert model.fit(data, np.random.default_rng(0)) is model
    batch = data.batch()
    scores, knows = model.score(batch), model.knows(batch)
    assert scores.shape == (data.n_users, data.n_items)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert knows.shape == (data.n_users,)
    assert knows.dtype == np.bool_


def test_lists_hold_unseen_allowed_items_in_descending_order(
    model: Recommender, data: Dataset
) -> None:
    batch = data.batch()
    allowed = np.arange(data.n_items) % 3 > 0
    items, scores = model.recommend(batch, 10, allowed=allowed)
    assert items.shape == scores.shape == (data.n_users, 10)
    assert items.dtype == np.int32
    assert scores.dtype == np.float32
    assert (np.diff(scores, axis=1) <= 0).all()
    seen = batch.seen.toarray() > 0
    for row, chosen in enumerate(items):
        assert len(set(chosen)) == 10
        assert allowed[chosen].all()
        assert not seen[row, chosen].any()


def test_a_list_longer_than_the_catalogue_ends_in_nothing(
    model: Recommender, data: Dataset
) -> None:
    batch = data.batch()
    items, scores = model.recommend(batch, data.n_items + 3)
    assert items.shape == (data.n_users, data.n_items + 3)
    unseen = data.n_items - np.diff(batch.seen.indptr)
    assert ((items >= 0).sum(axis=1) == unseen).all()
    assert np.array_equal(items < 0, np.isneginf(scores))
    every = np.arange(data.n_items)
    for row in range(data.n_users):
        met = batch.seen[row].indices
        assert np.array_equal(np.sort(items[row, : unseen[row]]), np.setdiff1d(every, met))


def test_nobody_gets_nothing(model: Recommender, data: Dataset) -> None:
    nobody = data.batch(slice(0, 0))
    assert model.score(nobody).shape == (0, data.n_items)
    assert model.knows(nobody).shape == (0,)
    assert model.recommend(nobody, 5)[0].shape == (0, 5)


def test_one_user_alone_gets_what_the_batch_gives(model: Recommender, data: Dataset) -> None:
    batch = data.batch()
    together, knows = model.score(batch), model.knows(batch)
    for row in range(0, data.n_users, 6):
        alone = batch.take(slice(row, row + 1))
        close(model.score(alone)[0], together[row])
        assert model.knows(alone)[0] == knows[row]


def test_the_order_of_users_does_not_matter(model: Recommender, data: Dataset) -> None:
    batch = data.batch()
    order = np.random.default_rng(3).permutation(data.n_users)
    close(model.score(batch.take(order)), model.score(batch)[order])


def test_equal_seeds_give_equal_bytes(case: str, data: Dataset, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        fitted(case, data, seed=7).save(tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two, name


def test_saved_models_come_back_without_pickle(
    model: Recommender, data: Dataset, tmp_path: Path
) -> None:
    batch = data.batch()
    model.save(tmp_path / "deep" / "model")
    files = list((tmp_path / "deep" / "model").iterdir())
    assert {path.suffix for path in files} == {".json", ".npz"}
    with np.load(tmp_path / "deep" / "model" / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    again = load_recommender(tmp_path / "deep" / "model")
    assert type(again) is type(model)
    assert np.array_equal(again.score(batch), model.score(batch))
    assert np.array_equal(again.knows(batch), model.knows(batch))
    again.save(tmp_path / "again")
    for path in files:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_no_user_is_in_the_files(model: Recommender, data: Dataset, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert all(b"person-" not in path.read_bytes() for path in tmp_path.iterdir())
    histories = data.history.toarray()
    histories = histories[(histories > 0).sum(axis=1) > 1]
    with np.load(tmp_path / "model.npz") as arrays:
        stored = {name: arrays[name] for name in arrays.files}
    items = stored.get("items", np.arange(data.n_items))
    for array in stored.values():
        if array.ndim != 2:
            continue
        for vectors in (array, array.T):
            if vectors.shape[1] == len(items):
                assert _largest_cosine(vectors, histories[:, items]) < 0.999


def _largest_cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    return float(np.abs((one @ other.T)[lengths > 0] / lengths[lengths > 0]).max(initial=0))


def test_what_is_handed_in_is_not_changed(model: Recommender, data: Dataset) -> None:
    history, seen = data.history.copy(), data.seen.copy()
    profiles, movies = data.profiles.copy(deep=True), data.movies.copy(deep=True)
    model.score(data.batch())
    model.recommend(data.batch(), 5)
    assert (data.history != history).nnz == 0
    assert (data.seen != seen).nnz == 0
    pd.testing.assert_frame_equal(data.profiles, profiles)
    pd.testing.assert_frame_equal(data.movies, movies)


def test_users_with_every_movie_seen_get_nothing(model: Recommender, data: Dataset) -> None:
    full = sp.csr_matrix(np.ones((2, data.n_items), dtype=np.float32))
    batch = UserBatch(full, full, data.profiles.iloc[:2])
    items, scores = model.recommend(batch, 4)
    assert (items == -1).all()
    assert np.isneginf(scores).all()


def test_people_of_whom_nothing_is_known_are_served(model: Recommender, data: Dataset) -> None:
    empty = sp.csr_matrix((2, data.n_items), dtype=np.float32)
    blank = pd.DataFrame({n.SEGMENT: pd.Series(["martian", None], dtype="str")})
    batch = UserBatch(empty, empty, blank)
    assert np.isfinite(model.score(batch)).all()
    assert not model.knows(batch).any()
    assert (model.recommend(batch, 5)[0] >= 0).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_event(case: str, count: int, world: Any) -> None:
    data = world.first_events(count).dataset()
    model = fitted(case, data)
    assert np.isfinite(model.score(data.batch())).all()
    assert (model.recommend(data.batch(), 5)[0] >= 0).all()


def test_dislikes_only(case: str, world: Any) -> None:
    disliked = world.interactions.assign(
        **{n.LIKED: pd.array([False] * len(world.interactions), dtype="boolean")}
    )
    data = type(world)(world.users, world.movies, disliked).dataset()
    assert np.isfinite(fitted(case, data).score(data.batch())).all()


def test_one_user(case: str, world: Any) -> None:
    alone = type(world)(world.users.iloc[:1], world.movies, world.interactions.iloc[:12])
    data = alone.dataset()
    assert data.n_users == 1
    items, _ = fitted(case, data).recommend(data.batch(), 5)
    assert (items >= 0).all()


def test_no_times(case: str, world: Any) -> None:
    untimed = world.only("interactions", [n.USER_ID, n.MOVIE_ID, n.LIKED]).dataset(as_of=None)
    assert untimed.events.time is None
    assert np.isfinite(fitted(case, untimed).score(untimed.batch())).all()


def test_bare_tables(case: str, world: Any, tmp_path: Path) -> None:
    bare = world.only("users", [n.USER_ID]).only("movies", [n.MOVIE_ID])
    data = bare.only("interactions", [n.USER_ID, n.MOVIE_ID]).dataset(as_of=None)
    model = fitted(case, data)
    scores = model.score(data.batch())
    assert np.isfinite(scores).all()
    model.save(tmp_path)
    assert np.array_equal(load_recommender(tmp_path).score(data.batch()), scores)


def test_an_unfitted_model_says_so(case: str, data: Dataset, tmp_path: Path) -> None:
    model = fresh(case)
    with pytest.raises(ModelError, match="not fitted"):
        model.score(data.batch())
    with pytest.raises(ModelError, match="not fitted"):
        model.recommend(data.batch(), 5)
    with pytest.raises(ModelError, match="not fitted"):
        model.save(tmp_path)


def test_another_catalogue_is_refused(model: Recommender, data: Dataset) -> None:
    other = sp.csr_matrix((1, data.n_items + 1), dtype=np.float32)
    with pytest.raises(ModelError, match=f"fitted on {data.n_items} movies"):
        model.score(UserBatch(other, other, data.profiles.iloc[:1]))


def test_damaged_files_are_named(model: Recommender, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        load_recommender(tmp_path / "nowhere")
    model.save(tmp_path)
    arrays = tmp_path / "model.npz"
    arrays.write_bytes(arrays.read_bytes()[:50])
    with pytest.raises(ModelError, match=r"model\.npz cannot be read"):
        load_recommender(tmp_path)
    head = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**head, "format": 99}))
    with pytest.raises(ModelError, match="format 99"):
        load_recommender(tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES if case not in UNSOLVED])
@pytest.mark.parametrize("size", [20, 51])
def test_the_checkerboard_is_solved(
    case: str, size: int, checkerboard: Callable[[int], Dataset]
) -> None:
    data = checkerboard(size)
    model = fitted(case, data)
    items, _ = model.recommend(data.batch(), 1)
    assert np.array_equal(items[:, 0], np.arange(size))
    assert model.knows(data.batch()).all()
