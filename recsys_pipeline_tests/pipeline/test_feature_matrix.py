"""Labelled pairs of the window, with what was known before it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.feature_matrix import LABEL, make_feature_matrix
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.ranking.features import PairFeatures


def cuts_of(tables, as_of, learning):
    cleaned = prepare(tables, as_of, learning)
    return load_cuts(cleaned.users, cleaned.movies, cleaned.interactions, learning, as_of)


def pairs_of(frame: pd.DataFrame) -> list[tuple]:
    return list(zip(frame[n.USER_ID], frame[n.MOVIE_ID], strict=True))


@pytest.fixture(scope="module")
def likes_only(tables, as_of, make_learning):
    """Cuts and matrix where the interactions say nothing of dislikes."""
    kept = [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.SOURCE_FILE, n.SOURCE_ROW]
    bare = replace(tables, interactions=tables.interactions[kept])
    learning = make_learning({"ranker": {"negatives": 6}})
    cuts = cuts_of(bare, as_of, learning)
    return cuts, make_feature_matrix(cuts, learning)


def test_with_dislikes_the_pairs_are_the_events_of_the_window(run) -> None:
    cuts, matrix = run.cuts, run.matrix
    window = cuts.window
    expected = pd.DataFrame(
        {
            n.USER_ID: cuts.history.users.id_of(window.user),
            n.MOVIE_ID: cuts.history.items.id_of(window.item),
            LABEL: window.positive.astype(np.int8),
        }
    ).sort_values([n.USER_ID, n.MOVIE_ID, LABEL], ignore_index=True)
    pd.testing.assert_frame_equal(matrix[[n.USER_ID, n.MOVIE_ID, LABEL]], expected)
    assert list(matrix.columns) == [n.USER_ID, n.MOVIE_ID, LABEL, *PairFeatures.names]
    assert (matrix.dtypes[list(PairFeatures.names)] == np.float32).all()


def test_features_are_those_of_the_history(run) -> None:
    history = run.cuts.history
    lengths = pd.Series(np.diff(history.history.indptr), index=history.users.values)
    found = run.matrix["history_length"].to_numpy()
    np.testing.assert_array_equal(found, lengths.loc[run.matrix[n.USER_ID]])
    likes = np.bincount(history.events.item[history.events.positive], minlength=history.n_items)
    popularity = pd.Series(np.log1p(likes).astype(np.float32), index=history.items.values)
    np.testing.assert_allclose(
        run.matrix["popularity"], popularity.loc[run.matrix[n.MOVIE_ID]], rtol=1e-6
    )


def test_what_happens_from_the_window_on_changes_no_feature(run, tables, as_of) -> None:
    cut = run.cuts.inner.cut
    later = tables.interactions[n.TIMESTAMP] >= cut
    flipped = tables.interactions.assign(
        **{n.LIKED: tables.interactions[n.LIKED].where(~later, ~tables.interactions[n.LIKED])}
    )
    cuts = cuts_of(replace(tables, interactions=flipped), as_of, run.learning)
    other = make_feature_matrix(cuts, run.learning)
    key = [n.USER_ID, n.MOVIE_ID]
    first = run.matrix.drop(columns=LABEL).sort_values(key, ignore_index=True)
    second = other.drop(columns=LABEL).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(first, second)
    assert (run.matrix[LABEL].sum() + other[LABEL].sum()) == len(other)


def test_with_likes_only_no_negative_was_ever_chosen(likes_only) -> None:
    cuts, matrix = likes_only
    train = cuts.train
    chosen = set(
        zip(
            train.users.id_of(train.events.user),
            train.items.id_of(train.events.item),
            strict=True,
        )
    )
    negatives = pairs_of(matrix[matrix[LABEL] == 0])
    assert negatives
    assert not chosen & set(negatives)
    assert len(set(negatives)) == len(negatives)
    likes = matrix[matrix[LABEL] == 1]
    assert set(pairs_of(likes)) <= chosen
    assert len(likes) == len(cuts.window)
    assert len(likes) < len(negatives) <= 6 * len(likes)
    assert set(matrix.loc[matrix[LABEL] == 0, n.USER_ID]) <= set(likes[n.USER_ID])


def test_half_of_the_negatives_are_popular(likes_only) -> None:
    cuts, matrix = likes_only
    negatives = matrix.loc[matrix[LABEL] == 0, "popularity"]
    everywhere = np.log1p(np.bincount(cuts.history.events.item, minlength=cuts.history.n_items))
    assert negatives.nunique() > 3
    assert negatives.max() > everywhere.mean() > negatives.min()


def test_too_many_pairs_are_sampled(run, make_learning) -> None:
    few = make_feature_matrix(run.cuts, make_learning({"ranker": {"max_pairs": 100}}))
    assert len(few) == 100
    assert set(pairs_of(few)) <= set(pairs_of(run.matrix))


def test_who_has_chosen_everything_has_no_negatives(run, make_learning) -> None:
    everything = run.cuts.everything
    users = np.zeros(everything.n_items, dtype=np.int32)
    items = np.arange(everything.n_items, dtype=np.int32)
    events = replace(
        everything.events.take(np.arange(everything.n_items)),
        user=users,
        item=items,
        positive=np.ones(len(items), bool),
        label=None,
    )
    train = replace(everything, events=events)
    cuts = replace(run.cuts, train=train, window=events.take(items[-3:]))
    matrix = make_feature_matrix(cuts, make_learning())
    assert matrix[LABEL].tolist() == [1, 1, 1]


def test_an_empty_window_gives_an_empty_matrix(run, make_learning) -> None:
    nothing = run.cuts.window.take(np.zeros(len(run.cuts.window), bool))
    for window in (nothing, replace(nothing, label=None)):
        matrix = make_feature_matrix(replace(run.cuts, window=window), make_learning())
        assert matrix.empty
        assert list(matrix.columns) == list(run.matrix.columns)
