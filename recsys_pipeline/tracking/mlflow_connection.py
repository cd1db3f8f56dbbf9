"""One MLflow experiment: its client, its lock, and runs found or started in it."""

import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from filelock import FileLock

from recsys_pipeline.errors import ModelError, SetupError
from recsys_pipeline.tracking.mlflow_import import impatient, import_mlflow, mlflow_errors
from recsys_pipeline.tracking.server import artifacts_uri, database_uri

KEY_TAG: Final = "recsys.key"
PARENT_TAG: Final = "mlflow.parentRunId"
_SOURCE_TAGS: Final = {"mlflow.source.name": "recsys_pipeline", "mlflow.source.type": "JOB"}
_SQLITE: Final = b"SQLite format 3\0"
_DATABASE: Final = "mlflow.db"
_NEW: Final = ".mlflow-"
_ENDED_BADLY: Final = ("FAILED", "KILLED")


@dataclass(frozen=True)
class MlflowConnection:
    """Where runs go. Nothing is imported, opened or created before the first use.

    Attributes:
        folder: holds the lock, and the database and artifacts where no server is given.
        experiment: name of the experiment.
        model_name: name of the registered model.
        server: tracking URI of a server, or None for the database in `folder`.
    """

    folder: Path
    experiment: str
    model_name: str
    server: str | None = None

    @property
    def uri(self) -> str:
        return self.server or database_uri(self.folder)

    @cached_property
    def lock(self) -> FileLock:
        """Held while something is looked up and created if missing. Reentrant."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"The tracker's folder {self.folder} cannot be made: {error}",
                "Choose a folder that is writable.",
            ) from error
        return FileLock(self.folder / "mlflow.lock")

    def errors(self, doing: str) -> AbstractContextManager[None]:
        """Turns MLflow's exceptions into ours; see `mlflow_errors`."""
        return mlflow_errors(doing, self.uri)

    @cached_property
    def client(self) -> Any:
        """The MlflowClient, with database and registry open.

        Raises:
            SetupError: MLflow cannot be used there.
        """
        self._check_database()
        mlflow = import_mlflow()
        # Processes that create the same fresh SQLite file at once would spoil it.
        with self.lock, self.errors("open the experiment tracker"), impatient():
            if self.server is None and not self._database.is_file():
                self._make_database(mlflow)
            return _opened(mlflow, self.uri)

    def _make_database(self, mlflow: Any) -> None:
        """Make the database beside its place and put it there whole.

        MLflow makes its tables one after the other: a process that ends in the midst of that would
        leave a file that none can use.
        """
        for left in self.folder.glob(f"{_NEW}*"):
            shutil.rmtree(left)
        with TemporaryDirectory(prefix=_NEW, dir=self.folder) as new:
            _opened(mlflow, database_uri(Path(new)))
            (Path(new) / _DATABASE).replace(self._database)

    @property
    def _database(self) -> Path:
        return self.folder / _DATABASE

    def _check_database(self) -> None:
        """Refuse a file that is no database; MLflow would try it for half a minute."""
        file = self._database
        if self.server or not file.is_file():
            return
        with file.open("rb") as content:
            start = content.read(len(_SQLITE))
        if start and start != _SQLITE:
            raise SetupError(
                f"{file} is not an SQLite database.",
                "Move it away, or give the tracker another folder.",
            )

    @cached_property
    def experiment_id(self) -> str:
        """Id of the experiment, which is created, or restored after it was deleted in the UI.

        Raises:
            SetupError: MLflow cannot be used, or its folder was moved.
        """
        client = self.client
        place = None if self.server else artifacts_uri(self.folder)
        with self.lock, self.errors("create the experiment"):
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                return str(client.create_experiment(self.experiment, artifact_location=place))
            if place is not None and found.artifact_location != place:
                raise SetupError(
                    f"MLflow's folder was moved: the experiment {self.experiment!r} in "
                    f"{self.folder} keeps its files in {found.artifact_location}.",
                    "Move it back, or give the tracker a new folder or experiment name.",
                )
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)

    def search(self, condition: str) -> list[Any]:
        """The runs of the experiment that meet an MLflow filter, oldest first."""
        experiment_id = self.experiment_id
        with self.errors("search runs"):
            return list(
                self.client.search_runs(
                    [experiment_id], condition, order_by=["attributes.start_time ASC"]
                )
            )

    def parent_run(self, key: str, name: str, tags: Mapping[str, str]) -> str:
        """Id of the parent run with that key: found if it exists, else started."""
        with self.lock:
            found = [
                run
                for run in self.search(f"tags.`{KEY_TAG}` = {_quoted(key)}")
                if PARENT_TAG not in run.data.tags
            ]
            return self._found_or_started(found, name, {**tags, KEY_TAG: key})

    def child_run(self, parent: str, key: str, name: str, tags: Mapping[str, str]) -> str:
        """Id of the run called `name` within the run `parent`: found, else started."""
        with self.lock:
            found = self.search(
                f"tags.`{PARENT_TAG}` = {_quoted(parent)} and attributes.run_name = {_quoted(name)}"
            )
            return self._found_or_started(found, name, {**tags, KEY_TAG: key, PARENT_TAG: parent})

    def _found_or_started(self, found: list[Any], name: str, tags: dict[str, str]) -> str:
        experiment_id = self.experiment_id
        with self.errors(f"start the run {name!r}"):
            if not found:
                run = self.client.create_run(
                    experiment_id, run_name=name, tags={**_SOURCE_TAGS, **tags}
                )
                return str(run.info.run_id)
            info = found[0].info
            if info.status in _ENDED_BADLY:
                self.client.update_run(info.run_id, status="RUNNING")
        run_id = str(info.run_id)
        self.set_tags(run_id, tags)
        return run_id

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        with self.errors("set tags"):
            self.client.log_batch(run_id, tags=[RunTag(*tag) for tag in tags.items()])


def _opened(mlflow: Any, uri: str) -> Any:
    """A client whose database has its tables."""
    client = mlflow.MlflowClient(uri, uri)
    client.search_registered_models(max_results=1)
    return client


def _quoted(text: str) -> str:
    """`text` as a literal of MLflow's filters."""
    for quote in ("'", '"'):
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise ModelError(
        f"The tracker cannot look for {text!r}.", "Use at most one kind of quotation mark."
    )
