"""Tables with hardly anything in them: a run goes through, or says what to do."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.sources.base import Tables

BOOKKEEPING = [n.SOURCE_FILE, n.SOURCE_ROW]


def only(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return frame[[*names, *BOOKKEEPING]]


def no_times(t: Tables) -> Tables:
    return replace(t, interactions=t.interactions.drop(columns=n.TIMESTAMP))


def no_time_in_any_row(t: Tables) -> Tables:
    moments = t.interactions[n.TIMESTAMP].where(np.zeros(len(t.interactions), bool))
    return replace(t, interactions=t.interactions.assign(**{n.TIMESTAMP: moments}))


def one_moment(t: Tables) -> Tables:
    moment = t.interactions[n.TIMESTAMP].iloc[0]
    interactions = t.interactions.assign(**{n.TIMESTAMP: moment})
    pair = [n.USER_ID, n.MOVIE_ID]
    return replace(t, interactions=interactions.drop_duplicates(pair).reset_index(drop=True))


def ids_only(t: Tables) -> Tables:
    interactions = only(t.interactions, n.USER_ID, n.MOVIE_ID)
    interactions = interactions.drop_duplicates([n.USER_ID, n.MOVIE_ID], ignore_index=True)
    return Tables(only(t.users, n.USER_ID), only(t.movies, n.MOVIE_ID), interactions)


def no_profiles(t: Tables) -> Tables:
    return replace(t, users=only(t.users, n.USER_ID))


def no_facts_of_movies(t: Tables) -> Tables:
    return replace(t, movies=only(t.movies, n.MOVIE_ID))


def empty_columns(t: Tables) -> Tables:
    def emptied(frame: pd.DataFrame, key: str) -> pd.DataFrame:
        bare = frame.copy()
        for name in frame.columns:
            if name not in (key, *BOOKKEEPING):
                bare[name] = pd.Series([None] * len(frame), dtype=frame[name].dtype)
        return bare

    return replace(t, users=emptied(t.users, n.USER_ID), movies=emptied(t.movies, n.MOVIE_ID))


def two_interactions(t: Tables) -> Tables:
    return replace(t, interactions=t.interactions.iloc[[0, -1]].reset_index(drop=True))


def one_interaction(t: Tables) -> Tables:
    return replace(t, interactions=t.interactions.iloc[:1])


def one_user(t: Tables) -> Tables:
    user = t.users[n.USER_ID].iloc[0]
    own = t.interactions[t.interactions[n.USER_ID] == user].reset_index(drop=True)
    return replace(t, users=t.users.iloc[:1], interactions=own)


def one_movie(t: Tables) -> Tables:
    movie = t.movies[n.MOVIE_ID].iloc[0]
    own = t.interactions[t.interactions[n.MOVIE_ID] == movie].reset_index(drop=True)
    return replace(t, movies=t.movies.iloc[:1], interactions=own)


def a_movie_that_nobody_watched(t: Tables) -> Tables:
    movie = t.movies[n.MOVIE_ID].iloc[0]
    others = t.interactions[t.interactions[n.MOVIE_ID] != movie].reset_index(drop=True)
    return replace(t, interactions=others)


def everything_disliked(t: Tables) -> Tables:
    liked = pd.array([False] * len(t.interactions), dtype="boolean")
    return replace(t, interactions=t.interactions.assign(**{n.LIKED: liked}))


def nothing_said(t: Tables) -> Tables:
    liked = pd.array([None] * len(t.interactions), dtype="boolean")
    return replace(t, interactions=t.interactions.assign(**{n.LIKED: liked}))


def everybody_saw_everything(t: Tables) -> Tables:
    movies = t.movies.iloc[:4]
    pairs = t.users[[n.USER_ID]].merge(movies[[n.MOVIE_ID]], how="cross")
    rows = t.interactions.iloc[: len(pairs)].reset_index(drop=True)
    return replace(t, movies=movies, interactions=rows.assign(**{c: pairs[c] for c in pairs}))


def with_ids(change: Callable[[pd.Series], pd.Series]) -> Callable[[Tables], Tables]:
    def changed(t: Tables) -> Tables:
        frames = []
        for contract in SOURCE_TABLES:
            frame = t.table(contract.name)
            ids = [name for name in (n.USER_ID, n.MOVIE_ID) if name in frame.columns]
            frames.append(frame.assign(**{name: change(frame[name]) for name in ids}))
        return Tables(*frames)

    return changed


text_ids = with_ids(lambda ids: "é " + ids.astype("str"))
huge_ids = with_ids(lambda ids: np.int64(2**63 - 1) - ids)
negative_ids = with_ids(lambda ids: -ids)

CASES = [
    no_times,
    no_time_in_any_row,
    one_moment,
    ids_only,
    no_profiles,
    no_facts_of_movies,
    empty_columns,
    two_interactions,
    one_interaction,
    one_user,
    one_movie,
    a_movie_that_nobody_watched,
    everything_disliked,
    nothing_said,
    everybody_saw_everything,
]


def unseen_of(run) -> pd.Series:
    """How many movies each user has not met."""
    seen = run.cleaned.interactions.groupby(n.USER_ID)[n.MOVIE_ID].nunique()
    met = seen.reindex(run.cleaned.users[n.USER_ID]).fillna(0).astype(int)
    return len(run.cleaned.movies) - met


@pytest.mark.parametrize("change", CASES, ids=lambda change: change.__name__)
def test_the_run_goes_through(tables, as_of, make_run, make_learning, change) -> None:
    found = make_run(change(tables), as_of, make_learning())
    expected = unseen_of(found).clip(upper=5)
    counts = found.lists.groupby(n.USER_ID).size()
    assert counts.to_dict() == expected[expected > 0].to_dict()
    assert found.lists[n.SCORE].between(0, 1).all()
    assert found.report.verdict.answer in ("yes", "no", "cannot tell")
    assert found.trained.facts.split


def test_ids_keep_their_type_and_are_not_confused(tables, as_of, make_run, make_learning) -> None:
    plain = make_run(tables, as_of, make_learning()).lists
    for change, back in (
        (text_ids, lambda ids: ids.str.removeprefix("é ").astype("int64")),
        (huge_ids, lambda ids: np.int64(2**63 - 1) - ids),
        (negative_ids, lambda ids: -ids),
    ):
        changed = change(tables)
        lists = make_run(changed, as_of, make_learning()).lists
        for name in (n.USER_ID, n.MOVIE_ID):
            assert lists[name].dtype == changed.interactions[name].dtype
            assert set(back(lists[name])) <= set(tables.interactions[name])
        assert len(lists) == len(plain)
        seen = IdMap.of(changed.interactions[n.USER_ID].astype("str") + "/"
                        + changed.interactions[n.MOVIE_ID].astype("str"))  # fmt: skip
        pairs = lists[n.USER_ID].astype("str") + "/" + lists[n.MOVIE_ID].astype("str")
        assert (seen.index_of(pairs) == -1).all()


@pytest.mark.parametrize("change", [no_times, one_moment])
def test_without_times_the_split_is_random_and_says_so(
    tables, as_of, make_run, make_learning, change
) -> None:
    found = make_run(change(tables), as_of, make_learning())
    assert found.cuts.outer.kind == "random"
    assert "time" in found.trained.facts.split
