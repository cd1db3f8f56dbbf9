"""Blend: shares and scores by hand, and weights that are found again where they were planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.ranking.blend import (
    WEIGHTS,
    Blend,
    Candidates,
    LabelledPairs,
    fit_by_labels,
    fit_by_lists,
    standardised,
)

EASE, PROFILE, POPULARITY = "ease", "profile", "popularity"
NAMES = (EASE, PROFILE)
FROM_HISTORY = (EASE, "als")


def lengths(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def candidates(values: np.ndarray, relevant: np.ndarray, history: np.ndarray) -> Candidates:
    return Candidates(
        NAMES,
        values.astype(np.float32),
        np.ones(relevant.shape, dtype=bool),
        relevant,
        relevant.sum(axis=1).astype(np.int32),
        history,
    )


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def top_third(scores: np.ndarray) -> np.ndarray:
    """Which candidates are among the best third of their user."""
    return scores >= np.quantile(scores, 2 / 3, axis=1, keepdims=True)


def test_shares_grow_with_the_history() -> None:
    blend = Blend({EASE: 1.0, PROFILE: 0.4}, (EASE,), half_length=3.0)
    found = blend.shares(lengths(0, 1, 3, 9))
    np.testing.assert_allclose(found[EASE], [0, 0.25, 0.5, 0.75], rtol=1e-6)
    np.testing.assert_allclose(found[PROFILE], [0.4] * 4, rtol=1e-6)


def test_with_a_half_length_of_0_one_movie_is_enough() -> None:
    found = Blend({EASE: 0.8}, (EASE,), half_length=0.0).shares(lengths(0, 1, 100))
    np.testing.assert_allclose(found[EASE], [0, 0.8, 0.8], rtol=1e-6)


def test_the_score_is_the_weighted_sum() -> None:
    blend = Blend({EASE: 1.0, PROFILE: 0.5}, (EASE,), half_length=1.0)
    parts = {EASE: np.float32([[1, 2], [4, -4]]), PROFILE: np.float32([[10, 20], [2, 4]])}
    found = blend.score(parts, lengths(1, 3))
    # The first user has half of the weight of ease, the second three quarters.
    np.testing.assert_allclose(found, [[0.5 + 5, 1 + 10], [3 + 1, -3 + 2]], rtol=1e-6)
    assert found.dtype == np.float32


def test_a_newcomer_is_scored_by_what_needs_no_history() -> None:
    blend = Blend({EASE: 1.0, PROFILE: 0.5}, (EASE,), half_length=3.0)
    parts = {EASE: np.float32([[9, -9]]), PROFILE: np.float32([[1, 2]])}
    np.testing.assert_allclose(blend.score(parts, lengths(0)), [[0.5, 1]], rtol=1e-6)


def test_scores_are_in_standard_deviations_of_their_user() -> None:
    scores = np.float32([[1, 3], [5, 5], [1, 3]])
    found = standardised(scores, np.array([True, True, False]))
    np.testing.assert_allclose(found, [[-1, 1], [0, 0], [0, 0]])
    assert found.dtype == np.float32


def test_the_ascent_finds_a_planted_weight() -> None:
    rng = np.random.default_rng(3)
    values = drawn(rng, (300, 24, 2))
    relevant = top_third(values[:, :, 0] + 0.6 * values[:, :, 1])
    found = fit_by_lists(candidates(values, relevant, np.full(300, 5, np.int32)), EASE, 10, ())
    assert found.weights[EASE] == 1
    assert 0.4 <= found.weights[PROFILE] <= 0.8
    assert found.from_history == ()


def test_what_adds_nothing_is_left_out() -> None:
    rng = np.random.default_rng(3)
    values = drawn(rng, (300, 24, 2))
    relevant = top_third(values[:, :, 0])
    found = fit_by_lists(candidates(values, relevant, np.full(300, 5, np.int32)), EASE, 10, ())
    assert dict(found.weights) == {EASE: 1.0}


def test_the_ascent_finds_that_short_histories_say_little() -> None:
    """Users with one movie follow their profile, users with many movies their history."""
    rng = np.random.default_rng(4)
    values = drawn(rng, (400, 24, 2))
    history = np.where(np.arange(400) % 2 == 0, 1, 100).astype(np.int32)
    short = (history == 1)[:, None]
    wanted = np.where(short, values[:, :, 1], values[:, :, 0] + 0.3 * values[:, :, 1])
    found = fit_by_lists(candidates(values, top_third(wanted), history), EASE, 10, FROM_HISTORY)
    assert found.half_length == 10
    assert found.from_history == (EASE,)
    shares = found.shares(lengths(1, 100))
    assert shares[EASE][0] < shares[PROFILE][0]
    assert shares[EASE][1] > shares[PROFILE][1]


def test_places_without_a_candidate_do_not_count() -> None:
    """A user has one candidate, and the places beside it hold zeros."""
    values = np.float32([[[-5, -5], [0, 0], [0, 0]]])
    there = np.array([[True, False, False]])
    relevant = np.array([[True, False, False]])
    found = Candidates(NAMES, values, there, relevant, lengths(1), lengths(4))
    assert dict(fit_by_lists(found, EASE, 1, ()).weights) == {EASE: 1.0}


def test_users_are_taken_by_a_mask() -> None:
    rng = np.random.default_rng(1)
    values = drawn(rng, (4, 3, 2))
    whole = candidates(values, top_third(values[:, :, 0]), lengths(1, 2, 3, 4))
    part = whole.take(np.array([True, False, False, True]))
    assert part.lengths.tolist() == [1, 4]
    np.testing.assert_array_equal(part.values, values[[0, 3]])
    assert part.names == NAMES


def test_without_anybody_the_best_alone_remains() -> None:
    nobody = candidates(
        np.empty((0, 0, 2)), np.empty((0, 0), dtype=bool), np.empty(0, dtype=np.int32)
    )
    assert dict(fit_by_lists(nobody, PROFILE, 10, FROM_HISTORY).weights) == {PROFILE: 1.0}


def pairs(values: np.ndarray, chance: np.ndarray, history: np.ndarray) -> LabelledPairs:
    liked = np.random.default_rng(9).random(len(values)) < 1 / (1 + np.exp(-chance))
    return LabelledPairs(NAMES, values.astype(np.float32), liked, history)


def test_labels_give_planted_weights_back() -> None:
    values = drawn(np.random.default_rng(5), (20_000, 2))
    chance = 2.0 * values[:, 0] + 1.0 * values[:, 1]
    found = fit_by_labels(pairs(values, chance, np.full(20_000, 4, np.int32)), ())
    assert found is not None
    assert found.weights[EASE] == 1
    assert found.weights[PROFILE] == pytest.approx(0.5, abs=0.05)


def test_labels_give_no_weight_below_0() -> None:
    values = drawn(np.random.default_rng(5), (5_000, 2))
    chance = values[:, 0] - 2 * values[:, 1]
    found = fit_by_labels(pairs(values, chance, np.full(5_000, 4, np.int32)), ())
    assert found is not None
    assert dict(found.weights) == {EASE: 1.0}


def test_labels_find_that_short_histories_say_little() -> None:
    values = drawn(np.random.default_rng(6), (20_000, 2))
    history = np.where(np.arange(20_000) % 2 == 0, 1, 90).astype(np.int32)
    chance = 2 * values[:, 0] * history / (history + 10) + values[:, 1]
    found = fit_by_labels(pairs(values, chance, history), FROM_HISTORY)
    assert found is not None
    assert found.half_length == 10
    assert found.from_history == (EASE,)


@pytest.mark.parametrize("liked", [True, False])
def test_likes_alone_or_dislikes_alone_say_nothing(liked: bool) -> None:
    values = drawn(np.random.default_rng(5), (10, 2))
    one_sided = LabelledPairs(NAMES, values, np.full(10, liked), np.full(10, 4, np.int32))
    assert fit_by_labels(one_sided, ()) is None


def test_where_every_score_misleads_there_is_no_blend() -> None:
    values = np.abs(drawn(np.random.default_rng(5), (400, 2)))
    values[:200] *= -1
    misled = LabelledPairs(NAMES, values, np.arange(400) < 200, np.full(400, 4, np.int32))
    assert fit_by_labels(misled, ()) is None


@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=6, unique=True),
    st.sampled_from([0.0, 1.0, 3.0, 10.0]),
    st.sampled_from(WEIGHTS),
)
def test_a_longer_history_never_counts_less(found: list[int], half: float, weight: float) -> None:
    blend = Blend({EASE: 1.0, POPULARITY: weight}, (EASE,), half)
    shares = blend.shares(lengths(*sorted(found)))
    assert (np.diff(shares[EASE]) >= 0).all()
    assert ((shares[EASE] >= 0) & (shares[EASE] <= 1)).all()
    assert len(set(shares[POPULARITY].tolist())) == 1
