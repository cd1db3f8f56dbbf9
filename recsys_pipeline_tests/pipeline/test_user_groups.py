"""Clusters of users, and one list for each cluster and segment."""

import numpy as np
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.user_groups import (
    CLUSTER,
    EVERYBODY,
    GROUP,
    KIND,
    USERS,
    clusters_of,
    group_lists,
)


@pytest.fixture(scope="module")
def grouped(tables, as_of, make_run, make_learning):
    use = {"recommenders": {"use": ("profile", "clusters", "segment_popularity")}}
    return make_run(tables, as_of, make_learning({**use, "ranker": {"kind": "none"}}))


def test_every_user_is_in_a_cluster_that_there_is(grouped):
    found = clusters_of(grouped.trained.released, grouped.cuts.everything)
    sizes = grouped.trained.released.panel.generators["clusters"].sizes_
    assert found[n.USER_ID].tolist() == grouped.cuts.everything.users.values.tolist()
    assert set(found[CLUSTER]) <= set(range(len(sizes)))
    assert np.bincount(found[CLUSTER], minlength=len(sizes)).tolist() == sizes.tolist()


def test_each_group_has_a_list_of_its_best(grouped):
    lists = group_lists(grouped.trained.released, grouped.cuts.everything, 5)
    segments = grouped.cuts.everything.profiles[n.SEGMENT].value_counts()
    own = lists[lists[KIND] == n.SEGMENT]
    assert set(own[GROUP]) == {EVERYBODY, *segments.index}
    for group, rows in own.groupby(GROUP):
        assert rows[n.RANK].tolist() == [1, 2, 3, 4, 5]
        assert rows[n.MOVIE_ID].is_unique
        assert rows[n.SCORE].is_monotonic_decreasing
        assert rows[n.SCORE].iloc[0] == 1
        expected = len(grouped.cleaned.users) if group == EVERYBODY else segments[group]
        assert set(rows[USERS]) == {expected}


def test_without_clusters_nobody_is_in_one(tables, as_of, make_run, make_learning):
    plain = make_run(tables, as_of, make_learning({"ranker": {"kind": "none"}}))
    assert clusters_of(plain.trained.released, plain.cuts.everything).empty
    assert group_lists(plain.trained.released, plain.cuts.everything, 5).empty
