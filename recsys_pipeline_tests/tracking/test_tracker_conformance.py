"""What a tracker promises, for MLflow and for the one in memory alike."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.protocols import TrackedRun, Tracker
from recsys_pipeline.tracking import MemoryTracker, MlflowTracker


@dataclass(frozen=True)
class Seen:
    """A run as its tracker tells it."""

    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    status: str
    parent: str | None
    paths: set[str]


def look(tracker: Tracker, run_id: str) -> Seen:
    if isinstance(tracker, MemoryTracker):
        run = tracker.runs[run_id]
        paths = {*run.figures, *run.texts, *run.tables}
        return Seen(run.params, run.metrics, run.tags, run.status, run.parent_id, paths)
    from mlflow import MlflowClient

    assert isinstance(tracker, MlflowTracker)
    client = MlflowClient(tracker.uri, tracker.uri)
    data, info = client.get_run(run_id).data, client.get_run(run_id).info
    paths = {
        file.path
        for place in client.list_artifacts(run_id)
        for file in (client.list_artifacts(run_id, place.path) if place.is_dir else [place])
    }
    parent = data.tags.get("mlflow.parentRunId")
    return Seen(data.params, data.metrics, data.tags, info.status, parent, paths)


def test_parent_run_is_found_by_its_key(tracker: Tracker) -> None:
    first = tracker.run("week-1", "weekly run", {"cut": "2023-12-31"})
    again = tracker.run("week-1", "another name", {"release": "r1"})
    other = tracker.run("week-2", "weekly run")
    assert again.run_id == first.run_id != other.run_id
    seen = look(tracker, first.run_id)
    assert (seen.tags["cut"], seen.tags["release"]) == ("2023-12-31", "r1")
    assert (seen.status, seen.parent) == ("RUNNING", None)


def test_child_is_found_by_its_name_within_its_parent(tracker: Tracker) -> None:
    parent, other = tracker.run("week-1", "a"), tracker.run("week-2", "a")
    child = parent.child("ease", {"kind": "generator"})
    assert parent.child("ease").run_id == child.run_id
    assert tracker.run("week-1", "a").child("ease").run_id == child.run_id
    assert len({child.run_id, parent.child("als").run_id, other.child("ease").run_id}) == 3
    assert look(tracker, child.run_id).parent == parent.run_id
    assert look(tracker, child.run_id).tags["kind"] == "generator"
    assert tracker.run("week-1", "a").run_id == parent.run_id


def test_keys_are_compared_letter_by_letter(tracker: Tracker) -> None:
    for key in ("it's", 'a "quoted" key', "a%", "ключ"):
        run = tracker.run(key, key)
        assert tracker.run(key, key).run_id == run.run_id
        assert tracker.run(f"{key}x", key).run_id != run.run_id
        assert run.child(key).run_id == run.child(key).run_id


def test_params_are_texts_and_long_ones_are_cut(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    run.log_params({f"p{i}": i for i in range(130)} | {"ease.l2": 0.5, "text": "x" * 7000})
    params = look(tracker, run.run_id).params
    assert len(params) == 132
    assert (params["p129"], params["ease.l2"]) == ("129", "0.5")
    assert params["text"] == "x" * 5999 + "…"


def test_params_are_written_once(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    run.log_params({"k": 10})
    run.log_params({"k": 10, "l2": 3})
    with pytest.raises(ModelError, match=r"'k' of the tracked run is '10' and cannot become '20'"):
        run.log_params({"k": 20, "new": 1})
    assert look(tracker, run.run_id).params == {"k": "10", "l2": "3"}


def test_metrics_that_are_not_finite_are_left_out(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    run.log_metrics({"ndcg_at_10": 0.25, "lift": float("nan"), "ratio": float("inf"), "n": 3})
    run.log_metrics({"ndcg_at_10": 0.5, "segment/adult.auc": 0.75}, step=1)
    assert look(tracker, run.run_id).metrics == {
        "ndcg_at_10": 0.5,
        "n": 3.0,
        "segment/adult.auc": 0.75,
    }


def test_names_are_checked(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    for name in ("ndcg@10", "", "a b", "/a", "a//b", "../a", "a/", "é", "x" * 251):
        with pytest.raises(ModelError, match="The tracker refuses the metric name"):
            run.log_metrics({name: 1.0})
        with pytest.raises(ModelError, match="The tracker refuses the param name"):
            run.log_params({name: 1})
        with pytest.raises(ModelError, match="The tracker refuses the tag name"):
            run.set_tags({name: "1"})
    seen = look(tracker, run.run_id)
    assert (seen.params, seen.metrics) == ({}, {})


def test_artifacts_lie_at_their_paths(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    table = pd.DataFrame({"model": ["ease"], "auc": [0.75]})
    run.log_figure(figure, "figures/lift.png")
    run.log_text("# Report", "report.md")
    run.log_table(table, "tables/models.csv")
    run.log_table(table, "tables/models.json")
    run.log_table(table, "tables/models.json")
    assert look(tracker, run.run_id).paths == {
        "figures/lift.png",
        "report.md",
        "tables/models.csv",
        "tables/models.json",
    }


def test_paths_are_checked(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    for path in ("/etc/x.txt", "../x.txt", "", "a\\b.txt"):
        with pytest.raises(ModelError, match="leads out of the tracked run"):
            run.log_text("x", path)
    with pytest.raises(ModelError, match=r"does not end in \.csv or \.json"):
        run.log_table(pd.DataFrame({"a": [1]}), "a.xlsx")
    with pytest.raises(ModelError, match=r"does not end in \.png"):
        run.log_figure(Figure(), "figure")


def test_no_table_of_users_is_logged(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    table = pd.DataFrame({"user_id": [1], "auc": [0.5]})
    with pytest.raises(ModelError, match="'user_id' is not logged"):
        run.log_table(table, "a.csv")
    with pytest.raises(ModelError, match="'user_id' is not logged"):
        run.log_table(table.set_index("user_id"), "a.csv")
    assert look(tracker, run.run_id).paths == set()


def test_a_run_is_finished_or_failed(tracker: Tracker) -> None:
    good, bad = tracker.run("week-1", "a"), tracker.run("week-2", "a")
    good.finish()
    bad.finish(failed=True)
    assert look(tracker, good.run_id).status == "FINISHED"
    assert look(tracker, bad.run_id).status == "FAILED"


def test_a_failed_run_that_is_taken_up_again_is_running(tracker: Tracker) -> None:
    good, bad = tracker.run("week-1", "a"), tracker.run("week-2", "a")
    good.finish()
    bad.finish(failed=True)
    tracker.run("week-1", "a")
    tracker.run("week-2", "a")
    assert look(tracker, good.run_id).status == "FINISHED"
    assert look(tracker, bad.run_id).status == "RUNNING"


def test_abandoned_runs_are_closed(tracker: MemoryTracker | MlflowTracker) -> None:
    killed, mine, done = (tracker.run(key, "a") for key in ("week-1", "week-2", "week-0"))
    killed_child, my_child = killed.child("ease"), mine.child("ease")
    done.finish()
    assert tracker.close_abandoned("week-2") == 2
    runs: list[TrackedRun] = [killed, killed_child, mine, my_child, done]
    assert [look(tracker, run.run_id).status for run in runs] == [
        "KILLED",
        "KILLED",
        "RUNNING",
        "RUNNING",
        "FINISHED",
    ]
    assert tracker.close_abandoned("week-2") == 0


def test_models_become_versions_with_aliases(
    tracker: Tracker, released: Path, example: pd.DataFrame
) -> None:
    run = tracker.run("week-1", "a", {"release": "r1"})
    assert tracker.alias("champion") is None
    assert (run.log_model(released, example), run.log_model(released, example)) == (1, 2)
    assert tracker.alias("champion") is None
    tracker.set_alias("champion", 2)
    tracker.set_alias("challenger", 1)
    assert (tracker.alias("champion"), tracker.alias("challenger")) == (2, 1)
    tracker.set_alias("champion", 1)
    assert tracker.alias("champion") == 1
    with pytest.raises(ModelError, match="has no version 7"):
        tracker.set_alias("champion", 7)


def test_a_model_that_must_not_be_registered_is_refused(
    tracker: Tracker, released: Path, example: pd.DataFrame, tmp_path: Path
) -> None:
    run = tracker.run("week-1", "a")
    with pytest.raises(ModelError, match="There is no model folder"):
        run.log_model(tmp_path / "nowhere", example)
    with pytest.raises(ModelError, match="'user_id' is not logged"):
        run.log_model(released, example.assign(user_id=7))
    with pytest.raises(ModelError, match="Row 0 of the request: age is 'old'"):
        run.log_model(released, example.assign(age="old"))
    with pytest.raises(ModelError, match="cannot be read"):
        run.log_model(tmp_path, example)
    (released / "top_n.parquet").touch()
    with pytest.raises(ModelError, match=r"holds the lists of users: top_n\.parquet"):
        run.log_model(released, example)
    with pytest.raises(ModelError, match="has no version 1"):
        tracker.set_alias("champion", 1)


def test_link_leads_to_the_run(tracker: Tracker) -> None:
    run = tracker.run("week-1", "a")
    link = tracker.run_link(run.run_id)
    assert link.startswith("#/experiments/")
    assert link.partition("?")[0].endswith(f"/runs/{run.run_id}")
