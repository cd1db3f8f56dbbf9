"""Segment popularity, trending and clusters: figures worked out by hand, and who gets what."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.models.clusters import Clusters
from recsys_pipeline.models.config import ClustersConfig, SegmentPopularityConfig, TrendingConfig
from recsys_pipeline.models.segment_popularity import SegmentPopularity
from recsys_pipeline.models.shares import group_scores, recency_weights
from recsys_pipeline.models.trending import Trending

RNG = np.random.default_rng(0)
DAY = 86_400_000_000
SEGMENTS = pd.DataFrame({n.SEGMENT: pd.Series(["old", "young", "old", None], dtype="str")})


def test_a_group_is_drawn_towards_everybody_by_hand(make_data) -> None:
    data = make_data(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0.5, 0, 0]]))
    scores = group_scores(data, np.array([0, 0, 1, -1]), 2, prior=2.0)
    everybody = np.array([2.5, 2, 0]) / 4.5
    first = everybody * (np.array([2, 1, 0]) + 2) / (3 * everybody + 2)
    second = everybody * (np.array([0, 1, 0]) + 2) / (1 * everybody + 2)
    np.testing.assert_allclose(scores, [everybody, first, second], rtol=1e-6)


def test_with_dislikes_it_is_the_share_of_likes_by_hand(make_data) -> None:
    met = np.array([[1, 1], [1, 0], [1, 1]])
    label = np.array([[1, 0], [1, 0], [0, np.nan]])
    data = make_data(met, label=label)
    scores = group_scores(data, np.array([0, 0, 1]), 2, prior=2.0)
    everybody = np.array([(2 + 10 * 0.5) / 13, (0 + 10 * 0.5) / 11])
    first = everybody * (np.array([2, 0]) + 2) / (np.array([2, 1]) * everybody + 2)
    second = everybody * 2 / (np.array([1, 0]) * everybody + 2)
    np.testing.assert_allclose(scores, [everybody, first, second], rtol=1e-6)


def test_recency_weights_by_hand(make_data) -> None:
    events = make_data(np.array([[1, 0.5]]), time=np.array([[0, 10 * DAY]])).events
    np.testing.assert_allclose(recency_weights(events, 5.0), [0.25, 0.5])
    np.testing.assert_allclose(recency_weights(events, None), [1, 0.5])
    np.testing.assert_allclose(recency_weights(replace(events, time=None), 5.0), [1, 0.5])


def test_segments_get_what_their_members_like_and_others_what_all_do(make_data) -> None:
    weights = np.array([[1, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0], [0, 0, 0, 1]])
    data = make_data(weights, profiles=SEGMENTS)
    model = SegmentPopularity().fit(data, RNG)
    assert model.segments_ == ("old", "young")
    scores = model.score(data.batch())
    assert np.array_equal(scores[0], scores[2])
    assert scores[0].argmax() == 0
    assert scores[1].argmax() == 3
    assert np.array_equal(scores[3], model.scores_[0])
    assert model.knows(data.batch()).tolist() == [True, True, True, False]
    unheard = pd.DataFrame({n.SEGMENT: pd.Series(["child"] * 4, dtype="str")})
    unknown = UserBatch(data.history, data.seen, unheard)
    assert np.array_equal(model.score(unknown), np.tile(model.scores_[0], (4, 1)))


def test_a_higher_prior_is_nearer_to_everybody(make_data) -> None:
    data = make_data(RNG.random((4, 6)).round(), profiles=SEGMENTS)
    near, far = (
        SegmentPopularity(SegmentPopularityConfig(prior_likes=prior)).fit(data, RNG).scores_
        for prior in (0.1, 1e6)
    )
    np.testing.assert_allclose(far[1], far[0], rtol=1e-4)
    assert np.abs(near[1] - near[0]).max() > 0.05


def test_trending_by_hand(make_data) -> None:
    weights = np.ones((10, 3))
    weights[8:, 0], weights[:6, 2] = 0, 0
    time = np.repeat(np.arange(10)[:, None], 3, axis=1) * DAY
    model = Trending(TrendingConfig(recent_share=0.25, prior_likes=1)).fit(
        make_data(weights, time=time), RNG
    )
    # Of 22 likes the newest 6 at least: those of users 7, 8 and 9, which are 1, 3 and 3.
    share, now = np.array([8, 10, 4]) / 22, np.array([1, 3, 3])
    np.testing.assert_allclose(model.trend_, (now - 7 * share) / np.sqrt(7 * share + 1), rtol=1e-5)
    later = Trending(TrendingConfig(recent_share=0.25, prior_likes=1)).fit(
        make_data(weights, time=time + 9000 * DAY), RNG
    )
    assert np.array_equal(model.trend_, later.trend_)
    assert not model.knows(make_data(weights).batch()).any()


@pytest.mark.parametrize("time", [None, np.full((4, 3), DAY)])
def test_without_times_that_differ_trending_is_popularity(make_data, time) -> None:
    weights = np.array([[1, 1, 0], [1, 0, 0], [0.5, 0, 1], [0, 0, 0]])
    model = Trending().fit(make_data(weights, time=time), RNG)
    np.testing.assert_allclose(model.trend_, np.array([2.5, 1, 1]) / 4.5, rtol=1e-6)


def halves(n_users: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Two kinds of users: they like movies of one half, and their profile says which."""
    rng = np.random.default_rng(n_users)
    kind = np.arange(n_users) % 2
    own = kind[:, None] == (np.arange(40) >= 20)
    weights = (rng.random(own.shape) < np.where(own, 0.5, 0.02)).astype(float)
    texts = pd.Series(np.array(["left", "right"])[kind], dtype="str")
    return weights, pd.DataFrame({n.SEGMENT: texts})


@pytest.fixture
def model_and_data(make_data):
    weights, profiles = halves(300)
    data = make_data(weights, profiles=profiles)
    return Clusters(ClustersConfig(n_clusters=2)).fit(data, np.random.default_rng(1)), data


def test_clusters_are_the_kinds_of_users(model_and_data) -> None:
    model, data = model_and_data
    group = model.assign(data.batch())
    assert group.dtype == np.int32
    assert (group == (np.arange(300) + group[0]) % 2).all()
    assert model.sizes_.tolist() == [150, 150]
    best = model.recommend(data.batch(), 3)[0]
    assert ((best >= 20) == (np.arange(300) % 2 == 1)[:, None]).all()


def test_history_or_profile_alone_lead_to_the_same_cluster(model_and_data) -> None:
    model, data = model_and_data
    users = data.batch()
    empty = sp.csr_matrix(users.history.shape, dtype=np.float32)
    blank = pd.DataFrame(index=range(300))
    both = model.assign(users)
    assert np.array_equal(model.assign(UserBatch(empty, empty, users.profiles)), both)
    assert np.array_equal(model.assign(UserBatch(users.history, users.seen, blank)), both)
    nobody = UserBatch(empty, empty, blank)
    assert (model.assign(nobody) == -1).all()
    assert not model.knows(nobody).any()
    assert np.array_equal(model.score(nobody)[0], model.scores_[0])


@pytest.mark.parametrize(("wanted", "expected"), [("auto", 8), (7, 7)])
def test_the_number_of_clusters(make_data, wanted, expected) -> None:
    weights, profiles = halves(300)
    data = make_data(weights, profiles=profiles)
    model = Clusters(ClustersConfig(n_clusters=wanted)).fit(data, np.random.default_rng(1))
    assert len(model.centres_) == len(model.sizes_) == expected
    assert model.sizes_.sum() == 300


def test_no_more_clusters_than_different_users(make_data) -> None:
    data = make_data(np.tile([[1, 1, 0], [0, 0, 1]], (20, 1)))
    model = Clusters(ClustersConfig(n_clusters=9)).fit(data, np.random.default_rng(0))
    assert len(model.centres_) == 2
    assert model.sizes_.sum() == 40
