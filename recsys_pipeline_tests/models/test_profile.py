"""Profile: the taste of a profile is found, on likes and dislikes as on likes alone."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.models.config import ProfileConfig
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.simulation import World, WorldConfig


@pytest.fixture(scope="module")
def world() -> World:
    return World(WorldConfig())


@pytest.fixture(scope="module")
def split(world):
    """The default world: four fifths of the interactions to learn from, and the rest."""
    held_out = np.random.default_rng(0).random(len(world.interactions())) < 0.2
    tables = world.users(), world.movies()
    return tuple(
        build_dataset(*tables, world.interactions()[rows], LikesConfig(), world.newest_event())
        for rows in (~held_out, held_out)
    )


def test_the_simulated_world_is_learned(world, split) -> None:
    train, test = split
    model = Profile().fit(train, np.random.default_rng(0))
    some = np.arange(0, train.n_users, 10)
    truth = world.like_probabilities(some)
    items, _ = model.recommend(train.batch(some), 10)
    assert np.take_along_axis(truth, items, axis=1).mean() >= 0.97
    scores = model.score(train.batch())
    assert roc_auc_score(test.events.label, scores[test.events.user, test.events.item]) >= 0.75
    assert np.abs(model.score(train.batch(some)) - truth).mean() < 0.1
    assert model.skipped_ == {}


def test_likes_alone_are_enough(world, split) -> None:
    train, _ = split
    likes = train.cut(train.events.positive, train.as_of)
    model = Profile().fit(likes, np.random.default_rng(0))
    some = np.arange(0, train.n_users, 10)
    items, _ = model.recommend(train.batch(some), 10)
    truth = world.like_probabilities(some)
    assert np.take_along_axis(truth, items, axis=1).mean() >= 0.95


def test_a_sample_of_the_pairs_is_repeatable(split) -> None:
    train, _ = split
    models = [
        Profile(ProfileConfig(max_pairs=5000)).fit(train, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(models[0].weights_, models[1].weights_)
    assert not np.array_equal(models[0].weights_, models[2].weights_)


@pytest.mark.parametrize("limit", [4, 60, 400])
def test_features_shrink_to_the_limit(split, limit) -> None:
    train, _ = split
    model = Profile(ProfileConfig(max_parameters=limit, max_pairs=2000))
    profiles, movies = model._encoders(train)
    assert (1 + len(profiles.names)) * (6 + len(movies.names)) <= max(limit, 6)
    fitted = model.fit(train, np.random.default_rng(0))
    assert fitted.encoder_ == profiles
    assert len(fitted.skipped_) == len(profiles.skipped) + len(movies.skipped)
    assert bool(fitted.skipped_) == (limit < 400)
    assert all(name.startswith(("users.", "movies.")) for name in fitted.skipped_)


def test_without_profiles_the_list_is_the_popular_one(split) -> None:
    train, _ = split
    bare = train.profiles[[n.USER_ID]]
    anonymous = type(train)(train.users, train.items, train.events, bare, train.movies, train.as_of)
    model = Profile().fit(anonymous, np.random.default_rng(0))
    batch = anonymous.batch(slice(0, 5))
    scores = model.score(batch)
    assert np.array_equal(scores, np.tile(scores[0], (5, 1)))
    assert not model.knows(batch).any()
    share = np.bincount(train.events.item, weights=train.events.label) / np.maximum(
        np.bincount(train.events.item), 1
    )
    assert np.corrcoef(scores[0], share)[0, 1] > 0.8
