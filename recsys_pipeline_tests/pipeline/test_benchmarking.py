"""A benchmark marks the better recommender, leaves out what cannot be, and draws the same twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError, SettingsError, SourceError
from recsys_pipeline.evaluation import names as m
from recsys_pipeline.evaluation.evaluate import evaluate
from recsys_pipeline.evaluation.held_out import hold_out
from recsys_pipeline.pipeline.benchmark_judging import best_of, judge_of
from recsys_pipeline.pipeline.benchmark_results import Benchmark, Comparison
from recsys_pipeline.pipeline.benchmarking import (
    RECOMMENDERS,
    SPLITS,
    DataSet,
    benchmark,
    known_names,
    read,
    settings_for,
)
from recsys_pipeline.pipeline.cuts import make_cuts
from recsys_pipeline.sources.base import Tables

LAST = pd.Timestamp("2024-01-31", tz="UTC")


@dataclass(frozen=True)
class InMemory:
    """A Source over tables that are there already."""

    tables: Tables
    description: str = "in memory"

    def newest_event(self, not_after: pd.Timestamp | None = None) -> pd.Timestamp | None:
        return LAST if n.TIMESTAMP in self.tables.interactions else None

    def read(self, as_of: pd.Timestamp | None) -> Tables:
        return self.tables

    def fingerprint(self) -> str:
        return "0" * 16


@dataclass(frozen=True)
class Broken(InMemory):
    def read(self, as_of: pd.Timestamp | None) -> Tables:
        raise SourceError("ratings.csv is not there.")


def placed(frame: pd.DataFrame) -> pd.DataFrame:
    lines = np.arange(1, len(frame) + 1)
    return frame.assign(**{n.SOURCE_FILE: "here", n.SOURCE_ROW: lines})


def tribes(users: int = 120, movies: int = 60, each: int = 12) -> Tables:
    """Two tribes, each of which likes its own half of the movies, and some of it more often."""
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(1, users + 1), each)
    chance = 1 / np.arange(2, 2 + movies // 2)
    chance /= chance.sum()
    own = [rng.choice(movies // 2, each, replace=False, p=chance) for _ in range(users)]
    movie = 1 + 2 * np.concatenate(own) + user % 2
    when = LAST - pd.to_timedelta(rng.integers(0, 80_000, len(user)) * 60, unit="s")
    ids = {n.USER_ID: user, n.MOVIE_ID: movie}
    return Tables(
        placed(pd.DataFrame({n.USER_ID: np.arange(1, users + 1)})),
        placed(pd.DataFrame({n.MOVIE_ID: np.arange(1, movies + 1)})),
        placed(pd.DataFrame({**ids, n.TIMESTAMP: pd.DatetimeIndex(when).as_unit("us")})),
    )


def named(name: str, tables: Tables) -> DataSet:
    source = InMemory(tables)
    return DataSet(name, source, source.newest_event())


def timeless(tables: Tables) -> Tables:
    return replace(tables, interactions=tables.interactions.drop(columns=n.TIMESTAMP))


@pytest.fixture(scope="module")
def learning(make_learning):
    return make_learning({"k": 5, "recommenders": {"use": ("item_knn",)}})


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def found(learning, told) -> Benchmark:
    return benchmark(
        [named("tribes", tribes()), named("timeless", timeless(tribes(users=20)))],
        ["random", "temporal"],
        learning,
        told.append,
        recommenders=["random", "item_knn"],
    )


@pytest.fixture(scope="module")
def first(found) -> Comparison:
    return found.comparisons[0]


def test_the_better_one_is_best_and_random_loses(first):
    assert first.deciding == "ndcg_at_5"
    assert first.best["ndcg_at_5"] == ("item_knn",)
    assert first.recommenders == ["item_knn", "popularity", "random"]
    assert first.released == "item_knn"
    difference = first.rows("ndcg_at_5")["item_knn"]
    assert difference["diff_low"] > 0
    assert first.rows("ndcg_at_5")["random"]["diff_high"] < 0
    assert difference[m.LOW] < difference[m.MEAN] < difference[m.HIGH]


def test_every_figure_of_a_comparison_is_there(first):
    metrics = set(first.figures[m.METRIC])
    assert {"ndcg_at_5", "precision_at_5", "recall_at_5", "map_at_5", "coverage_at_5"} <= metrics
    assert (first.n_users, first.n_movies, first.n_interactions) == (120, 60, 1440)
    assert (first.data_set, first.asked, first.split, first.title) == (
        "tribes", "random", "random", "random",
    )  # fmt: skip
    assert 0 < first.n_judged <= 120
    assert first.seconds > 0
    for cost in first.costs.values():
        assert cost.fit_seconds >= 0
        assert min(cost.recommend_seconds, cost.peak_megabytes, cost.model_megabytes) > 0


def test_a_split_that_the_data_do_not_allow_is_left_out(found, told):
    made = [(each.data_set, each.split) for each in found.comparisons]
    assert made == [("tribes", "random"), ("tribes", "temporal"), ("timeless", "random")]
    (missing,) = found.left_out
    assert (missing.data_set, missing.split) == ("timeless", "temporal")
    assert "needs times" in missing.why
    assert any(line.startswith("timeless, temporal: left out") for line in told)
    assert list(found.by_data_set) == ["tribes", "timeless"]


def test_the_same_again_but_for_the_seconds(found, first, learning):
    again = benchmark(
        [named("tribes", tribes())], ["random"], learning, str, recommenders=["random", "item_knn"]
    ).comparisons[0]
    pd.testing.assert_frame_equal(again.figures, first.figures)
    assert (again.best, again.released, again.n_judged) == (
        first.best, first.released, first.n_judged,
    )  # fmt: skip


def test_what_cannot_be_read_or_judged_is_left_out(learning):
    once = tribes(users=20, each=1)
    made = benchmark(
        [DataSet("gone", Broken(once), LAST), named("once", once)],
        ["leave_last"],
        learning,
        str,
        recommenders=["popularity"],
    )
    assert made.comparisons == ()
    gone, judged = made.left_out
    assert (gone.split, gone.why) == ("", "ratings.csv is not there.")
    assert "'leave_last' holds out no like" in judged.why
    assert made.plain["left_out"][0]["data_set"] == "gone"


def test_a_mixture_that_is_missing_says_why(learning):
    made = benchmark(
        [named("tribes", tribes())], ["random"], learning, str, recommenders=["blend"]
    ).comparisons[0]
    assert made.recommenders == ["popularity"] or "blend" in made.recommenders
    assert ("blend" in made.left_out) == ("blend" not in made.recommenders)
    assert made.released in made.recommenders


def test_published_figures_hold_movies_of_training_only(learning):
    tables = tribes()
    newest = tables.interactions[n.TIMESTAMP].idxmax()
    interactions = tables.interactions.copy()
    interactions.loc[newest, n.MOVIE_ID] = 61
    movies = placed(pd.DataFrame({n.MOVIE_ID: np.arange(1, 62)}))
    data = read(named("new", replace(tables, interactions=interactions, movies=movies)), learning)
    cuts = make_cuts(data, settings_for(learning, "temporal", None))
    full, everything = judge_of(cuts, learning, "full")
    published, allowed = judge_of(cuts, learning, "published")
    assert everything is None
    assert 60 in full.held_out.relevant.indices
    assert 60 not in published.held_out.relevant.indices
    assert allowed is not None
    assert allowed.tolist() == [True] * 60 + [False]
    assert published.held_out.n_excluded == 1


def test_published_and_full_agree_where_training_met_every_movie(first, learning):
    made = benchmark(
        [named("tribes", tribes())],
        ["random"],
        learning,
        str,
        recommenders=["random", "item_knn"],
        protocol="published",
    )
    assert made.protocol == "published"
    pd.testing.assert_frame_equal(made.comparisons[0].figures, first.figures)


@pytest.mark.parametrize(
    "change, said, hint",
    [
        ({"splits": ["tempral"]}, "unknown split 'tempral'", "'temporal'"),
        ({"recommenders": ["eas"]}, "unknown recommender 'eas'", "'ease'"),
        ({"recommenders": ["xyzzy"]}, "unknown recommender 'xyzzy'", "There are random, pop"),
        ({"recommenders": []}, "no recommender is named", "popularity"),
        ({"splits": []}, "no split is named", "leave_last"),
        ({"protocol": "publish"}, "unknown protocol 'publish'", "'published'"),
    ],
)
def test_unknown_names_are_refused_before_anything_is_read(learning, change, said, hint):
    given = {"splits": ["random"], "recommenders": None, "protocol": "full", **change}
    gone = DataSet("gone", Broken(tribes()), LAST)
    with pytest.raises(SettingsError, match=said) as error:
        benchmark(
            [gone],
            given["splits"],
            learning,
            str,
            recommenders=given["recommenders"],
            protocol=given["protocol"],
        )
    assert hint in error.value.hint


def test_names_are_kept_once_in_order():
    assert known_names("split", ["last", "auto", "last"], SPLITS) == ("last", "auto")
    assert {"ease", "als", "blend", "two_stage", "popularity", "random"} <= set(RECOMMENDERS)


def use_of(learning, recommenders: Sequence[str] | None) -> tuple[tuple[str, ...], str]:
    made = settings_for(learning, "last", recommenders)
    assert (made.evaluation.split, made.primary) == ("last", "auto")
    return made.recommenders.use, made.ranker.kind


def test_only_what_is_asked_for_is_trained_unless_it_is_a_mixture(make_learning):
    learning = make_learning({"primary": "item_knn"})
    assert use_of(learning, None) == (("item_knn", "profile"), "boosting")
    assert use_of(learning, ["ease", "random"]) == (("ease",), "none")
    assert use_of(learning, ["popularity"]) == ((), "none")
    assert use_of(learning, ["blend", "als"]) == (("item_knn", "profile", "als"), "none")
    assert use_of(learning, ["two_stage"]) == (("item_knn", "profile"), "boosting")
    bare = make_learning({"ranker": {"kind": "none"}})
    assert use_of(bare, ["two_stage"])[1] == "boosting"
    assert learning.primary == "item_knn"


def test_the_best_and_those_that_may_be_as_good(learning):
    data = read(named("tribes", tribes(users=200)), learning)
    cuts = make_cuts(data, settings_for(learning, "random", None))
    held_out = hold_out(cuts.train, cuts.test)
    users, k = len(held_out.users), 5
    right = np.full((users, k), -1, dtype=np.int32)
    for row in range(users):
        own = held_out.relevant[row].indices[:k]
        right[row, : len(own)] = own
    almost = right.copy()
    almost[0] = -1
    wrong = np.full((users, k), -1, dtype=np.int32)
    lists = {"wrong": wrong, "almost": almost, "right": right}
    judged = {
        name: evaluate(items, held_out, np.random.default_rng(0), ks=(k,))
        for name, items in lists.items()
    }
    assert best_of(judged, "ndcg_at_5", np.random.default_rng(1)) == ("right", "almost")
    assert best_of(judged, "auc", np.random.default_rng(1)) == ()


def test_a_test_without_likes_judges_nobody(learning):
    data = read(named("tribes", tribes()), learning)
    cuts = make_cuts(data, settings_for(learning, "random", None))
    disliked = replace(cuts.test, positive=np.zeros(len(cuts.test), dtype=bool))
    with pytest.raises(DataError, match="holds out no like"):
        judge_of(replace(cuts, test=disliked), learning, "full")
