"""Taste: the profile where nothing was done, and the history where it says more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.models.config import ProfileConfig, TasteConfig
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.models.taste import Taste
from recsys_pipeline.simulation import World, WorldConfig

SOME = np.arange(0, 4000, 4)


@pytest.fixture(scope="module")
def world() -> World:
    return World(WorldConfig(users=4000, movies=600, interactions=60_000))


@pytest.fixture(scope="module")
def data(world) -> Dataset:
    tables = world.users(), world.movies(), world.interactions()
    return build_dataset(*tables, LikesConfig(), world.newest_event())


@pytest.fixture(scope="module")
def model(data) -> Taste:
    return Taste().fit(data, np.random.default_rng(0))


def only(data: Dataset, columns: list[str]) -> Dataset:
    return replace(data, profiles=data.profiles[columns])


def newcomers(users: UserBatch, columns: list[str]) -> UserBatch:
    empty = sp.csr_matrix(users.history.shape, dtype=np.float32)
    return UserBatch(empty, empty, users.profiles[columns])


def figure(world: World, model: Taste, users: UserBatch) -> float:
    """Mean true like-probability of ten movies for the users at SOME."""
    items, _ = model.recommend(users, 10)
    return float(np.take_along_axis(world.like_probabilities(SOME), items, axis=1).mean())


def test_a_full_profile_is_enough_and_a_history_does_no_harm(world, data, model) -> None:
    users = data.batch(SOME)
    assert figure(world, model, users) >= 0.98
    assert figure(world, model, newcomers(users, list(users.profiles.columns))) >= 0.98


def test_the_history_tells_the_genres_that_the_profile_does_not(world, data) -> None:
    columns = [name for name in data.profiles.columns if name != n.PREFERRED_GENRES]
    without = only(data, columns)
    found = Taste().fit(without, np.random.default_rng(0))
    alone = Profile().fit(without, np.random.default_rng(0))
    users = without.batch(SOME)
    assert figure(world, found, users) >= 0.88
    assert figure(world, found, users) > figure(world, alone, users) + 0.04


def test_segment_and_age_stand_for_the_genres_that_are_missing(world, data, model) -> None:
    users = data.batch(SOME)
    assert figure(world, model, newcomers(users, [n.USER_ID, n.SEGMENT, n.AGE])) >= 0.83
    assert figure(world, model, newcomers(users, [n.USER_ID])) >= 0.78


def test_a_history_alone_is_used_whatever_the_model_was_fitted_on(world, data, model) -> None:
    ids = only(data, [n.USER_ID])
    users = ids.batch(SOME)
    bare = Taste().fit(ids, np.random.default_rng(0))
    assert figure(world, bare, users) >= 0.85
    assert figure(world, model, users) >= 0.85
    assert bare.knows(users).all()


def test_without_history_it_is_the_profile_model(data, model) -> None:
    users = newcomers(data.batch(SOME), list(data.profiles.columns))
    profile = Profile().fit(data, np.random.default_rng(0))
    assert np.array_equal(model.score(users), profile.score(users))


def test_a_block_of_users_is_no_other_than_one(data, model, monkeypatch) -> None:
    users = data.batch(SOME[:60])
    whole = model.score(users)
    monkeypatch.setattr("recsys_pipeline.models.taste.row_blocks", _sevens)
    np.testing.assert_allclose(model.score(users), whole, atol=1e-5)


def _sevens(n_rows: int, row_bytes: int) -> list[slice]:
    return [slice(start, min(start + 7, n_rows)) for start in range(0, n_rows, 7)]


def test_likes_alone_are_enough(world, data) -> None:
    likes = replace(data.cut(data.events.positive, data.as_of))
    likes = replace(likes, events=replace(likes.events, label=None))
    found = Taste().fit(likes, np.random.default_rng(0))
    assert found.background_ > 0
    ids = only(likes, [n.USER_ID])
    bare = Taste().fit(ids, np.random.default_rng(0))
    popular = Profile().fit(ids, np.random.default_rng(0))
    users = ids.batch(SOME)
    assert figure(world, found, likes.batch(SOME)) >= 0.95
    assert figure(world, bare, users) > figure(world, popular, users) + 0.03


def test_events_that_say_nothing_are_not_taken_for_dislikes(data) -> None:
    rng = np.random.default_rng(0)
    label = data.events.label.copy()
    label[(label == 0) & (rng.random(len(label)) < 0.75)] = np.nan
    some = replace(data, events=replace(data.events, label=label))
    found = Taste().fit(some, np.random.default_rng(0))
    assert found.said_ == pytest.approx(0.25, abs=0.02)


def test_the_settings_of_profile_are_those_of_taste(data) -> None:
    config = TasteConfig(max_pairs=5000, dimensions=0, ridge=30)
    found = Taste(config).fit(data, np.random.default_rng(0))
    assert found.movies_.shape == (600, 1)
    profile = Profile(ProfileConfig(max_pairs=5000, ridge=30)).fit(data, np.random.default_rng(0))
    assert np.array_equal(found.weights_, profile.weights_)


def test_unknown_profiles_and_no_history_are_not_known(data, model) -> None:
    empty = sp.csr_matrix((1, 600), dtype=np.float32)
    nobody = UserBatch(empty, empty, pd.DataFrame(index=range(1)))
    assert not model.knows(nobody).any()
    assert model.knows(data.batch(SOME[:5])).all()
