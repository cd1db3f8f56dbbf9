"""A released model becomes a version of the registered model."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd

from recsys_pipeline.tracking.mlflow_connection import MlflowConnection
from recsys_pipeline.tracking.model_package import save_package, try_example

_VERSIONS_TAG: Final = "mlflow.modelVersions"


def register(connection: MlflowConnection, run_id: str, folder: Path, example: pd.DataFrame) -> int:
    """Log the model in `folder` under the run and return its version in the registry.

    See `MlflowRun.log_model`.
    """
    answer = try_example(folder, example)
    client = connection.client
    with connection.errors("log the model"):
        run = client.get_run(run_id)
        tags = {
            name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")
        }
        logged = client.create_logged_model(
            run.info.experiment_id,
            name=connection.model_name,
            source_run_id=run_id,
            tags=tags,
            params=run.data.params,
            model_type="recommender",
        )
        whole = False
        try:
            with tempfile.TemporaryDirectory() as place:
                path = Path(place, "model")
                save_package(folder, example, answer, logged, path)
                client.log_model_artifacts(logged.model_id, str(path))
            whole = True
        finally:
            client.finalize_logged_model(logged.model_id, "READY" if whole else "FAILED")
        _link(client, run, logged.model_id)
        return _new_version(connection, run_id, logged, tags)


def _link(client: Any, run: Any, model_id: str) -> None:
    """Make the model an output of the run, and give it the run's newest figures."""
    from mlflow.entities import LoggedModelOutput, Metric

    run_id = run.info.run_id
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    newest = [client.get_metric_history(run_id, name)[-1] for name in run.data.metrics]
    client.log_batch(
        run_id,
        metrics=[
            Metric(m.key, m.value, m.timestamp, m.step, model_id=model_id, run_id=run_id)
            for m in newest
        ],
    )


def _new_version(
    connection: MlflowConnection, run_id: str, logged: Any, tags: dict[str, str]
) -> int:
    from mlflow.exceptions import MlflowException

    client, name = connection.client, connection.model_name
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # The database resolves models:/ through MLflow's global tracking URI, which is not ours.
    source = f"models:/{logged.model_id}" if connection.server else logged.artifact_location
    version = client.create_model_version(
        name, source, run_id=run_id, tags=tags, model_id=logged.model_id
    )
    client.set_logged_model_tags(
        logged.model_id,
        {_VERSIONS_TAG: json.dumps([{"name": name, "version": version.version}])},
    )
    return int(version.version)
