"""The verdict tells a recommender that works from one that cannot."""

import numpy as np
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation import names as m
from recsys_pipeline.pipeline.evaluating import SHIPPED, evaluate_all
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource


@pytest.fixture(scope="module")
def larger():
    """Enough users for a verdict."""
    source = SimulatedSource(WorldConfig(users=300, movies=40, interactions=6_000))
    return source.read(source.newest_event()), source.newest_event()


def test_every_recommender_is_judged_beside_popularity(run) -> None:
    table = run.report.table
    assert set(table[m.RECOMMENDER]) == {*run.trained.evaluated.panel.names, SHIPPED}
    own = table[table[m.RECOMMENDER] == "popularity"]
    assert own[m.METRIC].is_unique
    assert (table[m.LOW].fillna(-np.inf) <= table[m.MEAN].fillna(np.inf)).all()
    assert run.report.headline == run.report.figures(SHIPPED)
    seen, test = run.cuts.train.seen, run.cuts.test
    new = np.asarray(seen[test.user, test.item]).ravel() == 0
    assert run.report.n_users == len(np.unique(test.user[new]))
    shown = run.report.calibration.probabilities
    assert len(shown) == len(run.report.calibration.liked) > 0
    assert ((shown >= 0) & (shown <= 1)).all()
    assert run.report.forest == {}


def test_better_where_tastes_are_told_by_the_profile(larger, make_run, make_learning, relabelled):
    tables, as_of = larger
    senior = set(tables.users.loc[tables.users[n.AGE] > 34, n.USER_ID])

    def liked(rows):
        return rows[n.USER_ID].isin(senior) == (rows[n.MOVIE_ID] % 2 == 0)

    found = make_run(relabelled(tables, liked), as_of, make_learning())
    assert found.report.verdict.metric == m.LIKED_SHARE_IN_TOP
    assert found.report.verdict.answer == "yes"
    assert found.report.verdict.difference.low > 0
    assert found.report.chosen in ("item_knn", "profile", "two_stage")
    assert found.report.figures(found.report.chosen)[m.LIKED_SHARE_IN_TOP] > 0.9


def test_nothing_is_better_where_likes_are_drawn_at_random(
    larger, make_run, make_learning, relabelled
) -> None:
    tables, as_of = larger
    rng = np.random.default_rng(8)
    drawn = relabelled(tables, lambda rows: rng.random(len(rows)) < 0.5)
    found = make_run(drawn, as_of, make_learning({"primary": "two_stage"}))
    assert found.report.verdict.answer in ("cannot tell", "no")
    assert found.report.headline["auc"] == pytest.approx(0.5, abs=0.06)


def test_no_more_users_are_judged_than_the_settings_say(run, make_learning) -> None:
    learning = make_learning({"evaluation": {"max_users": 10}})
    report = evaluate_all(run.cuts, run.trained, run.matrix, learning, str)
    # Of the ten drawn, some have met again what they knew, and nothing else.
    assert 5 < report.n_users <= 10


def test_the_forest_is_compared_where_the_settings_say(run, make_learning) -> None:
    learning = make_learning({"ranker": {"compare_forest": True}})
    report = evaluate_all(run.cuts, run.trained, run.matrix, learning, str)
    assert set(report.forest) == {m.AUC, m.LIKED_PRECISION, m.LIKED_RECALL, m.LIKED_F1}
    assert 0 <= report.forest[m.AUC] <= 1


def test_likes_only_are_judged_by_place(run, tables, as_of, make_learning) -> None:
    bare = tables.interactions[[n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.SOURCE_FILE, n.SOURCE_ROW]]
    learning = make_learning()
    cleaned = prepare(type(tables)(tables.users, tables.movies, bare), as_of, learning)
    cuts = load_cuts(cleaned.users, cleaned.movies, cleaned.interactions, learning, as_of)
    report = evaluate_all(cuts, run.trained, run.matrix, learning, str)
    assert report.verdict.metric == "ndcg_at_5"
