"""What a run leaves in the tracker, and that no person is in it."""

import json
from dataclasses import replace

import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.evaluating import SHIPPED
from recsys_pipeline.pipeline.releasing import Inputs
from recsys_pipeline.pipeline.tracked import (
    example_request,
    figures_of,
    track_evaluation,
    track_inputs,
    track_model,
)
from recsys_pipeline.tracking import MemoryTracker


@pytest.fixture(scope="module")
def tracked(run):
    tracker = MemoryTracker()
    parent = tracker.run("2023-12-25", "week of 2023-12-25")
    inputs = Inputs("simulated world", run.as_of, "d" * 64, run.learning)
    track_inputs(parent, inputs, run.learning, {"users": 60}, '{"k": 5}')
    figures = figures_of(run.report, run.trained.facts)
    track_evaluation(parent, run.report, run.trained.facts, run.learning, figures)
    version = track_model(parent, run.trained.released, run.cuts.everything)
    return tracker, parent, version


def test_inputs_are_there(tracked, run) -> None:
    _, parent, _ = tracked
    assert parent.params["k"] == "5"
    assert parent.params["ranker.iterations"] == "6"
    assert parent.params["as_of"] == str(run.as_of)
    assert parent.metrics["rows_users"] == 60
    assert parent.datasets["tables"]["digest"] == "d" * 36
    assert parent.texts == {"settings.json": '{"k": 5}'}


def test_blocked_users_are_counted_and_not_named(run) -> None:
    parent = MemoryTracker().run("a", "a")
    rules = run.learning.rules.model_copy(update={"blocked_users": (90_001, 90_002)})
    learning = run.learning.model_copy(update={"rules": rules})
    inputs = Inputs("simulated world", run.as_of, "d" * 64, learning)
    track_inputs(parent, inputs, learning, {}, learning.model_dump_json())
    assert parent.params["rules.blocked_users"] == "2"
    assert '"blocked_users":2' in parent.texts["settings.json"]
    assert "9000" not in f"{parent.params} {parent.texts}"


def test_the_comparison_is_there(tracked, run) -> None:
    tracker, parent, _ = tracked
    answers = {"yes": 1, "no": -1, "cannot tell": 0}
    verdict = run.report.verdict
    assert parent.metrics["better_than_popularity"] == answers[verdict.answer]
    assert parent.metrics["difference_to_popularity"] == pytest.approx(verdict.difference.mean)
    assert parent.tags["recommender"] == "two_stage"
    assert parent.tags["verdict"] == verdict.answer
    for name, value in run.report.headline.items():
        assert parent.metrics[name] == pytest.approx(value)
    children = {each.name: each for each in tracker.runs.values() if each.parent_id}
    assert set(children) == {*run.trained.evaluated.panel.names, SHIPPED}
    for name, child in children.items():
        assert child.status == "FINISHED"
        for metric, value in run.report.figures(name).items():
            assert child.metrics[metric] == pytest.approx(value)
    assert children["item_knn"].metrics["fit_seconds"] > 0
    steps = [step for step, _ in children["item_knn"].history["ndcg_by_k"]]
    assert 5 in steps
    assert 10 in steps


def test_the_plots_are_there(tracked) -> None:
    _, parent, _ = tracked
    assert set(parent.figures) == {
        f"plots/{name}.png"
        for name in (
            "difference_to_popularity",
            "metrics_by_k",
            "accuracy_against_coverage",
            "feature_importance",
            "accuracy_against_serendipity",
            "paired_tests",
            "calibration",
            "for_whom_it_works",
            "dial_diversity",
            "dial_exploration_slots",
            "dial_serendipity_slots",
        )
    }


def test_the_model_is_registered_and_answers(tracked) -> None:
    tracker, parent, version = tracked
    assert version == 1
    assert tracker.versions[0].run_id == parent.run_id
    assert len(tracker.versions[0].answer) > 0


def test_the_example_is_nobody(run) -> None:
    request = example_request(run.cuts.everything)
    assert n.USER_ID not in request.columns
    history = json.loads(request["history"][0])
    counts = run.cleaned.interactions[n.MOVIE_ID].value_counts()
    least = counts.loc[[int(movie) for movie in history]].min()
    assert len(history) == 5
    assert (counts.drop([int(movie) for movie in history]) <= least).all()
    assert request["history"][1] == "[]"


def test_further_columns_are_in_the_example_without_a_value(run) -> None:
    data = run.cuts.everything
    profiles = data.profiles.assign(plan="gold")
    request = example_request(replace(data, profiles=profiles))
    assert request["plan"].tolist() == [None, None]
    assert not [name for name in request.columns if name.startswith("history_")]
    assert n.HISTORY_LENGTH in profiles.columns


def test_no_table_in_the_tracker_names_a_user(tracked) -> None:
    tracker, _, _ = tracked
    assert any(each.tables for each in tracker.runs.values())
    for each in tracker.runs.values():
        for table in each.tables.values():
            assert n.USER_ID not in table.columns
