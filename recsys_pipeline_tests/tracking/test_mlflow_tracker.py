"""What is particular to MLflow: files, registry, folders."""

import json
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient

from recsys_pipeline.errors import ModelError, SetupError
from recsys_pipeline.tracking import MlflowTracker
from recsys_pipeline.tracking.mlflow_connection import MlflowConnection
from recsys_pipeline.tracking.model_package import REQUIREMENTS


@pytest.fixture
def client(mlflow_tracker: MlflowTracker) -> MlflowClient:
    return MlflowClient(mlflow_tracker.uri, mlflow_tracker.uri)


@pytest.fixture
def mlflow_here(mlflow_tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point MLflow's own functions at the tracker, as a user does."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_tracker.uri)


def path_of(uri: str) -> Path:
    return Path(urlparse(uri).path)


def test_database_and_artifacts_lie_in_the_folder(
    mlflow_tracker: MlflowTracker, mlflow_folder: Path, client: MlflowClient
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    assert mlflow_tracker.uri == f"sqlite:///{mlflow_folder}/mlflow.db"
    assert (mlflow_folder / "mlflow.db").is_file()
    artifacts = path_of(client.get_run(run.run_id).info.artifact_uri)
    assert artifacts.is_relative_to(mlflow_folder / "artifacts")


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    MlflowTracker(tmp_path / "mlruns")
    assert list(tmp_path.iterdir()) == []


def test_files_hold_what_was_logged(mlflow_tracker: MlflowTracker, client: MlflowClient) -> None:
    run = mlflow_tracker.run("week-1", "a")
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    table = pd.DataFrame({"model": ["ease", "als"], "auc": [0.75, np.nan]})
    run.log_figure(figure, "figures/lift.png")
    run.log_text("été\r\n", "notes/a.txt")
    run.log_table(table, "t.csv")
    run.log_table(table, "t.json")
    run.log_table(table, "t.json")
    folder = path_of(client.get_run(run.run_id).info.artifact_uri)
    assert (folder / "figures/lift.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "notes/a.txt").read_bytes() == "été\r\n".encode()
    assert (folder / "t.csv").read_text() == "model,auc\nease,0.75\nals,\n"
    assert json.loads((folder / "t.json").read_text()) == {
        "columns": ["model", "auc"],
        "data": [["ease", 0.75], ["als", None]],
    }
    tag = client.get_run(run.run_id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(tag) == [{"path": "t.json", "type": "table"}]


def test_dataset_is_a_fingerprint_and_counts(
    mlflow_tracker: MlflowTracker, client: MlflowClient
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    for _ in range(2):
        run.log_dataset("interactions", "f" * 64, "files in data", {"rows": np.int64(5)})
    (logged,) = client.get_run(run.run_id).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("interactions", "f" * 36)
    assert json.loads(logged.dataset.source) == {"description": "files in data"}
    assert json.loads(logged.dataset.profile) == {"fingerprint": "f" * 64, "rows": 5}
    assert [(tag.key, tag.value) for tag in logged.tags] == [("mlflow.data.context", "training")]


def test_steps_of_a_metric_are_kept(mlflow_tracker: MlflowTracker, client: MlflowClient) -> None:
    run = mlflow_tracker.run("week-1", "a")
    for step in range(3):
        run.log_metrics({"loss": 1 / (step + 1)}, step=step)
    history = client.get_metric_history(run.run_id, "loss")
    assert [(entry.step, entry.value) for entry in history] == [(0, 1), (1, 0.5), (2, 1 / 3)]


def test_finished_run_has_an_end(mlflow_tracker: MlflowTracker, client: MlflowClient) -> None:
    run = mlflow_tracker.run("week-1", "a")
    assert client.get_run(run.run_id).info.end_time is None
    run.finish()
    assert client.get_run(run.run_id).info.end_time is not None


@pytest.mark.usefixtures("mlflow_here")
def test_champion_is_loaded_without_a_pickle(
    mlflow_tracker: MlflowTracker,
    released: Path,
    example: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    mlflow_tracker.set_alias("champion", run.log_model(released, example))
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = mlflow.pyfunc.load_model(f"models:/{_model_name(mlflow_tracker)}@champion")
    requests = pd.DataFrame(
        {"history": [["1", "99"], '["2"]'], "age": [34, None], "k": [None, 1], "colour": "red"}
    )
    answer = model.predict(requests, params={"k": 2})
    assert answer.drop(columns="score").to_dict("list") == {
        "row": [0, 0, 1],
        "rank": [1, 2, 1],
        "movie_id": [2, 3, 1],
        "source": ["popularity"] * 3,
        "title": ["Title 2", "Title 3", "Title 1"],
        "unknown_movies": [1, 1, 0],
    }
    with pytest.raises(mlflow.MlflowException, match="Row 0 of the request: age is 'old'"):
        model.predict(example.assign(age="old"))


def test_version_knows_where_it_comes_from(
    mlflow_tracker: MlflowTracker, client: MlflowClient, released: Path, example: pd.DataFrame
) -> None:
    run = mlflow_tracker.run("week-1", "a", {"release": "r1"})
    run.log_params({"recommender": "ease"})
    run.log_metrics({"auc": 0.5}, step=0)
    run.log_metrics({"auc": 0.75}, step=1)
    number = run.log_model(released, example)
    version = client.get_model_version(_model_name(mlflow_tracker), str(number))
    assert version.run_id == run.run_id
    assert version.tags == {"release": "r1", "recsys.key": "week-1"}
    (output,) = client.get_run(run.run_id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert str(logged.status) == "READY"
    assert logged.params == {"recommender": "ease"}
    assert [(metric.key, metric.value) for metric in logged.metrics] == [("auc", 0.75)]
    assert len(client.get_metric_history(run.run_id, "auc")) == 2


def test_package_says_what_it_needs(
    mlflow_tracker: MlflowTracker, client: MlflowClient, released: Path, example: pd.DataFrame
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    run.log_model(released, example)
    (output,) = client.get_run(run.run_id).outputs.model_outputs
    folder = path_of(client.get_logged_model(output.model_id).artifact_location)
    assert (folder / "artifacts" / "release" / "ids.txt").is_file()
    assert list(folder.rglob("*.pkl")) == []
    requirements = (folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == list(REQUIREMENTS)
    signature = mlflow.models.Model.load(str(folder)).signature
    assert signature.inputs.required_input_names() == ["history"]
    assert {"history", "age", "segment", "k", "mood"} <= set(signature.inputs.input_names())
    assert "user_id" not in signature.inputs.input_names()


def test_model_that_cannot_be_packed_is_marked_failed(
    mlflow_tracker: MlflowTracker,
    client: MlflowClient,
    released: Path,
    example: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_space(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("recsys_pipeline.tracking.mlflow_registry.save_package", no_space)
    run = mlflow_tracker.run("week-1", "a")
    with pytest.raises(SetupError, match="could not log the model: No space left"):
        run.log_model(released, example)
    experiment_id = client.get_run(run.run_id).info.experiment_id
    (logged,) = client.search_logged_models([experiment_id])
    assert str(logged.status) == "FAILED"
    assert client.get_run(run.run_id).outputs.model_outputs == []


def test_global_active_run_is_not_touched(
    mlflow_tracker: MlflowTracker, released: Path, example: pd.DataFrame
) -> None:
    mlflow_tracker.run("week-1", "a").log_model(released, example)
    assert mlflow.active_run() is None


def test_nothing_is_printed(
    mlflow_tracker: MlflowTracker,
    released: Path,
    example: pd.DataFrame,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    mlflow_tracker.set_alias("champion", run.log_model(released, example))
    run.finish()
    assert capfd.readouterr().out == ""


def test_experiment_that_was_deleted_is_restored(
    mlflow_tracker: MlflowTracker, mlflow_folder: Path, client: MlflowClient
) -> None:
    run = mlflow_tracker.run("week-1", "a")
    experiment = client.get_experiment(client.get_run(run.run_id).info.experiment_id)
    client.delete_experiment(experiment.experiment_id)
    again = MlflowTracker(mlflow_folder, experiment=experiment.name)
    again.run("week-2", "a").finish()
    assert client.get_experiment(experiment.experiment_id).lifecycle_stage == "active"


def test_deleted_run_is_started_anew(mlflow_tracker: MlflowTracker, client: MlflowClient) -> None:
    run = mlflow_tracker.run("week-1", "a")
    client.delete_run(run.run_id)
    assert mlflow_tracker.run("week-1", "a").run_id != run.run_id


def test_moved_folder_is_named(
    mlflow_folder: Path, mlflow_tracker: MlflowTracker, tmp_path: Path
) -> None:
    mlflow_tracker.prepare()
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "mlflow.db").write_bytes((mlflow_folder / "mlflow.db").read_bytes())
    experiment = mlflow_tracker._connection.experiment
    with pytest.raises(SetupError, match="MLflow's folder was moved"):
        MlflowTracker(moved, experiment=experiment).prepare()


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database at all")
    with pytest.raises(SetupError, match=r"mlflow\.db is not an SQLite database"):
        MlflowTracker(tmp_path).prepare()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"file cannot be made"):
        MlflowTracker(tmp_path / "file").prepare()


def test_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    uri = "http://127.0.0.1:9"
    with pytest.raises(SetupError, match=r"MLflow at http://127\.0\.0\.1:9 could not open"):
        MlflowTracker(tmp_path, uri=uri).prepare()


def test_key_with_both_quotation_marks_is_refused(mlflow_tracker: MlflowTracker) -> None:
    with pytest.raises(ModelError, match="at most one kind of quotation mark"):
        mlflow_tracker.run("'\"", "a")


def test_server_is_used_as_it_is_given(tmp_path: Path) -> None:
    connection = MlflowConnection(tmp_path, "recsys", "recsys", "http://mlflow.example:5000")
    assert connection.uri == "http://mlflow.example:5000"


def _model_name(tracker: MlflowTracker) -> str:
    return tracker._connection.model_name


def test_a_process_that_ends_while_the_database_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow makes its tables one after the other, which takes seconds."""
    folder = tmp_path / "mlruns"

    class Dying:
        def __init__(self, tracking_uri: str, registry_uri: str) -> None:
            path_of(tracking_uri).write_bytes(b"half a database")

        def search_registered_models(self, max_results: int) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(mlflow, "MlflowClient", Dying)
    with pytest.raises(KeyboardInterrupt):
        _ = MlflowConnection(folder, "shop", "shop").client
    monkeypatch.undo()
    assert not (folder / "mlflow.db").exists()
    (folder / ".mlflow-killed").mkdir()
    assert MlflowConnection(folder, "shop", "shop").experiment_id
    assert not list(folder.glob(".mlflow-*"))
