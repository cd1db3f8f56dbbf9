"""Metrics on labels against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from recsys_pipeline.evaluation.intervals import resample
from recsys_pipeline.evaluation.labelled import (
    Exposures,
    auc,
    auc_by_user,
    liked_precision_recall_f1,
    liked_share_in_top,
)


def exposures_of(rows: list[tuple[int, int, bool]], n_users: int) -> Exposures:
    """Exposures of (row, item, liked)."""
    return Exposures(
        np.array([row for row, _, _ in rows], dtype=np.int32),
        np.array([item for _, item, _ in rows], dtype=np.int32),
        np.array([liked for _, _, liked in rows], dtype=bool),
        n_users,
    )


CASES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.booleans(), st.integers(0, 5)), max_size=40
)


def test_liked_share_in_top_counts_only_what_is_in_the_own_list() -> None:
    exposures = exposures_of(
        [(0, 1, True), (0, 2, False), (0, 7, True), (1, 7, False), (2, 1, True)], 4
    )
    items = np.array([[1, 2], [3, 4], [1, -1], [7, 1]])
    share = liked_share_in_top(items, exposures, 10)
    assert share.numerator.tolist() == [1, 0, 1, 0]
    assert share.denominator.tolist() == [2, 0, 1, 0]
    assert share.mean == pytest.approx(2 / 3)
    assert share.n_users == 2


@given(CASES)
def test_in_lists_against_brute_force(cases: list[tuple[int, int, bool, int]]) -> None:
    exposures = exposures_of([case[:3] for case in cases], 5)
    items = np.array([[0, 3], [9, -1], [-1, -1], [2, 1], [5, 0]])
    expected = [item in items[row].tolist() for row, item, _, _ in cases]
    assert exposures.in_lists(items, 10).tolist() == expected


def test_no_lists_hold_nothing() -> None:
    exposures = exposures_of([(0, 1, True)], 1)
    assert exposures.in_lists(np.full((1, 3), -1), 10).tolist() == [False]


@given(CASES)
def test_pooled_auc_is_that_of_scikit_learn(cases: list[tuple[int, int, bool, int]]) -> None:
    exposures = exposures_of([case[:3] for case in cases], 5)
    scores = np.array([case[3] for case in cases], dtype=float)
    found = auc(exposures, scores)
    if len(set(exposures.liked.tolist())) < 2:
        assert np.isnan(found.mean)
        assert found.n_users == 0
    else:
        assert found.mean == pytest.approx(roc_auc_score(exposures.liked, scores))
        assert found.n_users == len(np.unique(exposures.row))


def test_the_values_behind_the_pooled_auc_are_obuchowskis() -> None:
    rows = [(0, 0, True), (0, 1, False), (1, 2, True), (1, 3, True), (2, 4, False), (2, 5, False)]
    scores = np.array([2.0, 2.0, 3.0, 1.0, 2.0, 1.0])
    # A like against each dislike (2, 2, 1), a dislike against each like (2, 3, 1); ties count half.
    by_like = {0: (0.5 + 0.5 + 1) / 3, 2: 1.0, 3: (0 + 0 + 0.5) / 3}
    by_dislike = {1: (0.5 + 1 + 0) / 3, 4: (0.5 + 1 + 0) / 3, 5: (1 + 1 + 0.5) / 3}
    area = sum(by_like.values()) / 3
    expected = [
        area + (by_like[0] - area) + (by_dislike[1] - area),
        area + (by_like[2] - area) + (by_like[3] - area),
        area + (by_dislike[4] - area) + (by_dislike[5] - area),
    ]
    found = auc(exposures_of(rows, 4), scores).values
    np.testing.assert_allclose(found[:3], expected)
    assert np.isnan(found[3])


@given(CASES)
def test_auc_of_each_user_is_that_of_scikit_learn(
    cases: list[tuple[int, int, bool, int]],
) -> None:
    exposures = exposures_of([case[:3] for case in cases], 5)
    scores = np.array([case[3] for case in cases], dtype=float)
    for row, found in enumerate(auc_by_user(exposures, scores).values):
        own = exposures.row == row
        if len(set(exposures.liked[own].tolist())) < 2:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(roc_auc_score(exposures.liked[own], scores[own]))


def test_the_spread_of_auc_is_that_of_drawing_users() -> None:
    rng = np.random.default_rng(0)
    row = np.sort(rng.integers(0, 150, 1500)).astype(np.int32)
    taste = rng.normal(0, 1, 150)[row]
    liked = rng.random(1500) < 1 / (1 + np.exp(-taste))
    scores = np.round(liked + 1.5 * rng.normal(size=1500) + 0.5 * taste)  # with many ties
    exposures = Exposures(row, np.zeros(1500, dtype=np.int32), liked, 150)
    ours = resample([auc(exposures, scores)], np.random.default_rng(1), n_resamples=2000).std()
    members = [np.flatnonzero(row == user) for user in range(150)]
    theirs = []
    for _ in range(300):
        drawn = np.concatenate([members[user] for user in rng.integers(0, 150, 150)])
        theirs.append(roc_auc_score(liked[drawn], scores[drawn]))
    assert ours == pytest.approx(np.std(theirs), rel=0.15)


def test_precision_recall_and_f1_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    liked = rng.random(300) < 0.4
    chance = np.clip(0.3 * liked + rng.random(300) * 0.7, 0, 1)
    row = rng.integers(0, 30, 300).astype(np.int32)
    exposures = Exposures(row, row, liked, 30)
    found = liked_precision_recall_f1(exposures, chance)
    for metric, judge in zip(found, (precision_score, recall_score, f1_score), strict=True):
        assert metric.mean == pytest.approx(judge(liked, chance >= 0.5))


def test_a_probability_of_exactly_the_threshold_is_a_like() -> None:
    exposures = exposures_of([(0, 0, True), (0, 1, False)], 1)
    precision, recall, f1 = liked_precision_recall_f1(exposures, np.array([0.5, 0.4]))
    assert (precision.mean, recall.mean, f1.mean) == (1.0, 1.0, 1.0)


def test_without_a_prediction_there_is_no_precision() -> None:
    exposures = exposures_of([(0, 0, True)], 1)
    precision, recall, _ = liked_precision_recall_f1(exposures, np.array([0.1]))
    assert np.isnan(precision.mean)
    assert recall.mean == 0.0


def test_scores_that_cannot_be_judged_are_refused() -> None:
    exposures = exposures_of([(0, 0, True), (0, 1, False)], 1)
    with pytest.raises(ValueError, match="not 0 to 1"):
        liked_precision_recall_f1(exposures, np.array([0.5, 1.4]))
    with pytest.raises(ValueError, match="1 scores are not finite"):
        auc(exposures, np.array([0.5, np.nan]))
    with pytest.raises(ValueError, match="for 2 exposures"):
        auc_by_user(exposures, np.array([0.5]))
