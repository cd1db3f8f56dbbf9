"""Lists as they would be shipped, and behind them the rest of the order."""

from dataclasses import replace

import numpy as np
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.judging import Judge
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.ranking.config import FilterConfig, RulesConfig
from recsys_pipeline.ranking.panel import Ranked
from recsys_pipeline.ranking.released import ReleasedModel


@pytest.fixture(scope="module")
def judge(run) -> Judge:
    return Judge.of(run.cuts, run.learning)


@pytest.fixture(scope="module")
def model(run) -> ReleasedModel:
    return run.trained.evaluated


@pytest.fixture(scope="module")
def ranked(judge: Judge, model: ReleasedModel) -> Ranked:
    return model.panel.rank(judge.users, judge.list_length, names=[model.primary])[model.primary]


def in_order(lists: np.ndarray, ranked: np.ndarray, length: int) -> np.ndarray:
    """Each list, then what was ranked and is not in it: one user after the other."""
    out = np.full((len(lists), length), -1)
    for row, (mine, all_) in enumerate(zip(lists, ranked, strict=True)):
        shown = [item for item in mine if item >= 0]
        rest = [item for item in all_ if item >= 0 and item not in shown]
        out[row, : len(shown)] = shown
        rest = rest[: length - len(mine)]
        out[row, len(mine) : len(mine) + len(rest)] = rest
    return out


def test_the_first_places_are_the_lists_with_rules_and_dials(judge, model, ranked, run) -> None:
    k = run.learning.k
    found = judge.shipped(model, ranked)
    lists = model.recommend(judge.users, k, keys=judge.keys)
    assert (lists.kinds[:, -1] == 2).all()
    assert found.shape == (len(judge.users), judge.list_length)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found[:, :k], lists.items)
    assert (found[:, :k] != ranked.items[:, :k]).any()


def test_behind_them_is_the_rest_in_order(judge, model, ranked, run) -> None:
    found = judge.shipped(model, ranked)
    expected = in_order(found[:, : run.learning.k], ranked.items, judge.list_length)
    np.testing.assert_array_equal(found, expected)
    for row in found:
        listed = row[row >= 0]
        assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("movies", [1, 3])
def test_short_lists_stay_short(judge, model, ranked, run, movies) -> None:
    ids = tuple(int(each) for each in run.cuts.everything.items.values[:movies])
    only = RulesConfig(only=(FilterConfig(column=n.MOVIE_ID, values=ids),))
    strict, k = replace(model, rules=only), run.learning.k
    found = judge.shipped(strict, ranked)
    lists = strict.recommend(judge.users, k, keys=judge.keys).items
    assert ((lists >= 0).sum(axis=1) <= movies).all()
    np.testing.assert_array_equal(found[:, :k], lists)
    np.testing.assert_array_equal(found, in_order(lists, ranked.items, judge.list_length))
    assert (found[:, k] >= 0).all()


def test_the_same_test_for_another_recipe(judge, run, make_learning) -> None:
    """What users did stays; what is known of them is what the recipe reads."""
    learning = make_learning({"likes": {"positive": "all"}})
    tables = run.cleaned
    cuts = load_cuts(tables.users, tables.movies, tables.interactions, learning, run.as_of)
    other = judge.for_recipe(cuts)
    assert other.held_out is judge.held_out
    assert other.pairs is judge.pairs
    assert other.deciding == judge.deciding
    np.testing.assert_array_equal(other.keys, judge.keys)
    known = other.users.history_lengths
    assert (known >= judge.users.history_lengths).all()
    assert (known > judge.users.history_lengths).any()
    np.testing.assert_array_equal(other.users.seen.toarray(), judge.users.seen.toarray())


def test_keys_are_those_of_the_users(judge, run) -> None:
    """A user explores alike whoever else is judged."""
    few = Judge.of(run.cuts, run.learning.model_copy(
        update={"evaluation": run.learning.evaluation.model_copy(update={"max_users": 10})}
    ))  # fmt: skip
    place = np.searchsorted(judge.held_out.users, few.held_out.users)
    np.testing.assert_array_equal(few.keys, judge.keys[place])
    assert len(set(judge.keys.tolist())) == len(judge.keys)


def test_groups_are_by_history_and_segment(judge) -> None:
    assert [each.name for each in judge.groupings()] == ["history_length", n.SEGMENT]
    bare = replace(judge, users=replace(judge.users, profiles=judge.users.profiles[[n.USER_ID]]))
    assert len(bare.groupings()) == 1
