"""MlflowTracker: runs by key, and the aliases of the registered model."""

from collections.abc import Mapping
from pathlib import Path

from recsys_pipeline.errors import ModelError
from recsys_pipeline.tracking.entries import tag_texts
from recsys_pipeline.tracking.mlflow_connection import KEY_TAG, MlflowConnection
from recsys_pipeline.tracking.mlflow_run import MlflowRun


class MlflowTracker:
    """A `Tracker` over MLflow: a SQLite database in a folder, or a tracking server.

    Nothing is imported, opened or created before the first use. Runs are addressed by id, never
    through MLflow's active run, so that several processes can log to one run.

    Args:
        folder: holds the database ``mlflow.db``, ``artifacts/`` and a lock; made if missing.
        experiment: name of the experiment; created if missing.
        model_name: name of the registered model.
        uri: tracking server such as ``http://mlflow.example:5000``, used in place of the database
            in `folder`; it decides itself where artifacts lie.
    """

    def __init__(
        self,
        folder: Path,
        experiment: str = "recsys",
        model_name: str = "recsys",
        uri: str | None = None,
    ) -> None:
        self._connection = MlflowConnection(folder, experiment, model_name, uri)

    @property
    def uri(self) -> str:
        """The tracking URI, for ``mlflow.set_tracking_uri`` and MLFLOW_TRACKING_URI."""
        return self._connection.uri

    def prepare(self) -> None:
        """Create database and experiment where they are missing.

        Raises:
            SetupError: MLflow cannot be used there.
        """
        _ = self._connection.experiment_id

    def run(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> MlflowRun:
        """The parent run with that key: found if it exists, else started.

        The tags are set on either. A found run that had failed or was killed runs again.

        Raises:
            ModelError: a tag or the key is refused.
            SetupError: MLflow cannot be used.
        """
        run_id = self._connection.parent_run(key, name, tag_texts(tags or {}))
        return MlflowRun(self._connection, run_id, key)

    def close_abandoned(self, key: str) -> int:
        """Mark runs that are still running, though their process is gone, as killed.

        Call it at the start of a retraining, when no other one can be running.

        Args:
            key: the runs with this key are left alone.

        Returns:
            how many runs were marked, nested ones included.
        """
        abandoned = [
            run
            for run in self._connection.search(
                f"attributes.status = 'RUNNING' and tags.`{KEY_TAG}` LIKE '%'"
            )
            if run.data.tags[KEY_TAG] != key
        ]
        with self._connection.errors("close abandoned runs"):
            for run in abandoned:
                self._connection.client.set_terminated(run.info.run_id, status="KILLED")
        return len(abandoned)

    def set_alias(self, alias: str, version: int) -> None:
        """Point `alias` (champion, challenger) at a version of the registered model.

        Raises:
            ModelError: there is no such version, or the alias is refused.
            SetupError: MLflow cannot be used.
        """
        from mlflow.exceptions import MlflowException

        client, name = self._connection.client, self._connection.model_name
        with self._connection.errors(f"set the alias {alias!r}"):
            try:
                client.get_model_version(name, str(version))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise ModelError(
                    f"The registered model {name!r} has no version {version}.",
                    "Give a version that log_model has returned.",
                ) from error
            client.set_registered_model_alias(name, alias, str(version))

    def alias(self, alias: str) -> int | None:
        """The version that `alias` points at, or None.

        Raises:
            SetupError: MLflow cannot be used.
        """
        from mlflow.exceptions import MlflowException

        client, name = self._connection.client, self._connection.model_name
        with self._connection.errors(f"look up the alias {alias!r}"):
            try:
                model = client.get_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None
        version = model.aliases.get(alias)
        return None if version is None else int(version)

    def run_link(self, run_id: str) -> str:
        """Path of the run within MLflow's UI, to be put behind its address and a slash.

        The UI opens there with its pages for trained models, not those for language models.
        """
        experiment = self._connection.experiment_id
        return f"#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning"
