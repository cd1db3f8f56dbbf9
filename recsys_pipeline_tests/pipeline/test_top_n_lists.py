"""The lists of all users keep their contract."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import TOP_N, RuleContext, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.top_n import available, make_top_n, reasons, titles_of
from recsys_pipeline.ranking import Lists
from recsys_pipeline.ranking.panel import POPULARITY, PROFILE, TWO_STAGE


def test_lists_keep_their_contract(run) -> None:
    lists = run.lists
    context = RuleContext(
        None,
        {"users": run.cuts.everything.users.values, "movies": run.cuts.everything.items.values},
    )
    rules = rules_of(TOP_N, lists)
    assert len(rules) > 8
    for rule in rules:
        assert not violations(TOP_N, lists, rule, context).any(), rule.name
    assert list(lists.columns) == list(TOP_N.column_names)
    assert not lists.isna().any().any()


def test_every_user_has_k_unseen_movies_in_order(run) -> None:
    data, k = run.cuts.everything, run.learning.k
    assert run.lists.groupby(n.USER_ID).size().to_dict() == dict.fromkeys(data.users.values, k)
    assert run.lists[n.RANK].tolist() == list(range(1, k + 1)) * data.n_users
    assert run.lists[n.USER_ID].is_monotonic_increasing
    seen = set(zip(run.cleaned.interactions[n.USER_ID], run.cleaned.interactions[n.MOVIE_ID],
                   strict=True))  # fmt: skip
    assert not seen & set(zip(run.lists[n.USER_ID], run.lists[n.MOVIE_ID], strict=True))
    falls = run.lists.groupby(n.USER_ID)[n.SCORE].diff().dropna()
    assert (falls <= 1e-7).all()


def test_titles_are_those_of_the_movies(run) -> None:
    titles = run.tables.movies.set_index(n.MOVIE_ID)[n.TITLE]
    assert run.lists[n.TITLE].tolist() == titles.loc[run.lists[n.MOVIE_ID]].tolist()
    movies = pd.DataFrame(
        {n.MOVIE_ID: [7, 8], n.TITLE: pd.Series(["Alien", None], dtype="str")}
    )  # fmt: skip
    assert titles_of(movies).tolist() == ["Alien", "Movie 8"]
    assert titles_of(movies[[n.MOVIE_ID]]).tolist() == ["Movie 7", "Movie 8"]


def test_movies_that_are_not_available_are_left_out(run) -> None:
    data = run.cuts.everything
    assert data.as_of is not None
    movies = data.movies.copy()
    first = np.arange(len(movies)) < 10
    last = np.arange(len(movies)) >= 30
    day = pd.Timedelta(days=1)
    movies[n.AVAILABLE_FROM] = pd.Series(
        np.where(first, data.as_of + day, data.as_of), dtype="datetime64[us, UTC]"
    )
    movies[n.AVAILABLE_UNTIL] = pd.Series(
        np.where(last, data.as_of - day, pd.NaT), dtype="datetime64[us, UTC]"
    )
    allowed = available(movies, data.as_of)
    np.testing.assert_array_equal(allowed, ~first & ~last)
    lists = make_top_n(run.trained.released, replace(data, movies=movies), 5, "r")
    assert set(lists[n.MOVIE_ID]) <= set(movies.loc[allowed, n.MOVIE_ID])
    assert available(movies, None) is None
    assert available(data.movies, data.as_of) is None


def test_who_has_seen_all_but_two_gets_two(run) -> None:
    data = run.cuts.everything
    items = np.arange(data.n_items - 2, dtype=np.int32)
    rows = np.arange(len(items))
    events = replace(data.events.take(rows), user=np.zeros(len(items), np.int32), item=items)
    lists = make_top_n(run.trained.released, replace(data, events=events), 5, "r")
    one = lists[lists[n.USER_ID] == data.users.values[0]]
    assert sorted(one[n.MOVIE_ID]) == data.items.values[-2:].tolist()
    assert one[n.RANK].tolist() == [1, 2]
    everything = np.arange(data.n_items, dtype=np.int32)
    events = replace(
        data.events.take(everything), user=np.zeros(data.n_items, np.int32), item=everything
    )
    lists = make_top_n(run.trained.released, replace(data, events=events), 5, "r")
    assert data.users.values[0] not in set(lists[n.USER_ID])
    assert lists[n.USER_ID].nunique() == data.n_users - 1


def test_scores_that_are_no_numbers_are_refused(run) -> None:
    class Broken:
        primary = "ease"

        def recommend(self, users: UserBatch, k: int, allowed=None) -> Lists:
            shape = (len(users), k)
            return Lists(
                np.zeros(shape, np.int32), np.full(shape, np.nan), np.full(shape, "ease", object)
            )

    with pytest.raises(ModelError, match="ease gave 120 scores"):
        make_top_n(Broken(), run.cuts.everything, 2, "r")


def test_a_reason_says_what_the_list_rests_on(run) -> None:
    data = run.cuts.everything
    batch = data.batch(np.array([0, 1]))
    no_history = UserBatch(batch.history * 0, batch.seen, batch.profiles)
    no_history.history.eliminate_zeros()
    bare = UserBatch(batch.history, batch.seen, batch.profiles[[n.USER_ID]])

    def said(users: UserBatch, source: str) -> str:
        found = reasons(users, np.array([source] * 2, dtype=object))
        assert found[0] == found[1]
        return str(found[0])

    assert said(batch, TWO_STAGE) == "fits your history and profile"
    assert said(batch, "item_knn") == "fits your history"
    assert said(batch, PROFILE) == "fits your profile"
    assert said(batch, POPULARITY) == "popular with everybody"
    assert said(no_history, TWO_STAGE) == "fits your profile"
    assert said(bare, TWO_STAGE) == "fits your history"
