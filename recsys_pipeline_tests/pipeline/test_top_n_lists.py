"""The lists of all users keep their contract."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import TOP_N, RuleContext, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.top_n import make_top_n, occasion_of
from recsys_pipeline.ranking import Lists, ReleasedModel
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.config import RerankingConfig, RulesConfig
from recsys_pipeline.ranking.exploration import exploration_keys
from recsys_pipeline.ranking.panel import TWO_STAGE
from recsys_pipeline.ranking.titles import titles_of

RELEASE = "2023-12-31-0123abcd"


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


def test_with_all_dials_at_0_the_most_probable_come_first(run) -> None:
    dials = RerankingConfig(diversity=0, exploration_slots=0)
    model = replace(run.trained.released, reranking=dials)
    lists = make_top_n(model, run.cuts.everything, run.learning.k, RELEASE)
    assert (lists.groupby(n.USER_ID)[n.SCORE].diff().dropna() <= 1e-7).all()
    assert set(lists[n.SOURCE]) == {TWO_STAGE}
    assert (lists[n.PROPENSITY] == 1).all()


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
    model = replace(run.trained.released, movies=movies)
    lists = make_top_n(model, replace(data, movies=movies), 5, "r")
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


class _Broken(ReleasedModel):
    """Gives scores that are no numbers."""

    def recommend(self, users, k, allowed=None, keys=None) -> Lists:
        lists = super().recommend(users, k, allowed, keys)
        return replace(lists, scores=np.full_like(lists.scores, np.nan))


def test_scores_that_are_no_numbers_are_refused(run) -> None:
    model = run.trained.released
    broken = _Broken(**{each.name: getattr(model, each.name) for each in fields(model)})
    with pytest.raises(ModelError, match="two_stage gave 120 scores"):
        make_top_n(broken, run.cuts.everything, 2, "r")


def test_reasons_are_those_of_the_model(run) -> None:
    data, model = run.cuts.everything, run.trained.released
    keys = exploration_keys(data.users.values, occasion_of(data.as_of))
    users = data.batch()
    found = model.reasons(users, model.recommend(users, run.learning.k, keys=keys))
    assert run.lists[n.REASON].tolist() == found.ravel().tolist()
    assert (run.lists[n.REASON].str.len() > 0).all()
    new = run.lists[n.REASON].str.startswith("something new for you: ")
    assert new.tolist() == (run.lists[n.SOURCE] == "exploration").tolist()


def test_the_last_place_is_drawn_to_explore(run) -> None:
    lists, k = run.lists, run.learning.k
    drawn = lists[n.SOURCE] == "exploration"
    assert (lists.loc[drawn, n.RANK] == k).all()
    assert drawn.sum() == run.cuts.everything.n_users
    assert set(lists.loc[~drawn, n.SOURCE]) == {TWO_STAGE}
    assert (lists.loc[~drawn, n.PROPENSITY] == 1).all()
    assert ((lists.loc[drawn, n.PROPENSITY] > 0) & (lists.loc[drawn, n.PROPENSITY] <= 1)).all()
    assert (lists.loc[drawn, n.PROPENSITY] < 1).any()


def test_another_day_explores_other_movies(run) -> None:
    data = run.cuts.everything
    tomorrow = replace(data, as_of=data.as_of + pd.Timedelta(days=1))
    later = make_top_n(run.trained.released, tomorrow, run.learning.k, RELEASE)
    again = make_top_n(run.trained.released, data, run.learning.k, RELEASE)
    pd.testing.assert_frame_equal(again, run.lists)
    first = run.lists[n.RANK] < run.learning.k
    pd.testing.assert_frame_equal(later[first], run.lists[first])
    assert (later.loc[~first, n.MOVIE_ID] != run.lists.loc[~first, n.MOVIE_ID]).any()


def test_blocked_users_get_no_list(run) -> None:
    data = run.cuts.everything
    blocked = data.users.values[:2].tolist()
    model = replace(run.trained.released, rules=RulesConfig(blocked_users=tuple(blocked)))
    lists = make_top_n(model, data, 3, "r")
    assert not set(blocked) & set(lists[n.USER_ID])
    assert lists[n.USER_ID].nunique() == data.n_users - 2
