"""MlflowRun: what is logged to one run."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from recsys_pipeline.evaluation.style import png_of
from recsys_pipeline.tracking import entries
from recsys_pipeline.tracking.mlflow_connection import MlflowConnection
from recsys_pipeline.tracking.mlflow_registry import register

_BATCH: Final = 100
"""Entries of one request; MLflow takes no more params at once."""
_DIGEST_LIMIT: Final = 36
"""Longest digest of a dataset, in characters; MLflow's own limit."""
_TABLES_TAG: Final = "mlflow.loggedArtifacts"


class MlflowRun:
    """A `TrackedRun` over MLflow; `MlflowTracker.run` and `child` make them.

    Every method raises SetupError where MLflow, its database or its server cannot be used, and
    ModelError where a name or value is refused.
    """

    def __init__(self, connection: MlflowConnection, run_id: str, key: str) -> None:
        self._connection = connection
        self._run_id = run_id
        self._key = key

    @property
    def run_id(self) -> str:
        return self._run_id

    def child(self, name: str, tags: Mapping[str, str] | None = None) -> "MlflowRun":
        """The nested run called `name`; the same one when asked for again."""
        run_id = self._connection.child_run(
            self._run_id, self._key, name, entries.tag_texts(tags or {})
        )
        return MlflowRun(self._connection, run_id, self._key)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Params as text; a long one is cut with an ellipsis.

        Raises:
            ModelError: a param was logged with another value before.
        """
        from mlflow.entities import Param

        texts = entries.param_texts(params)
        with self._connection.errors("log params"):
            known = self._connection.client.get_run(self._run_id).data.params
            new = entries.changed_params(known, texts)
            for chunk in _chunks([Param(*param) for param in new.items()]):
                self._connection.client.log_batch(self._run_id, params=chunk)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Finite figures; others are left out. Names hold letters, digits, ``_ - . /`` only."""
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        values = [
            Metric(name, value, now, step or 0)
            for name, value in entries.metric_values(metrics).items()
        ]
        with self._connection.errors("log metrics"):
            for chunk in _chunks(values):
                self._connection.client.log_batch(self._run_id, metrics=chunk)

    def log_figure(self, figure: Figure, path: str) -> None:
        """The figure as an image; the ending of `path` (png, svg, pdf) decides the format."""
        path = entries.check_path(path, entries.FIGURE_SUFFIXES)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, Path(path).name)
            if file.suffix == ".png":
                file.write_bytes(png_of(figure))
            else:
                figure.savefig(file)
            self._log_file(file, path)

    def log_text(self, text: str, path: str) -> None:
        path = entries.check_path(path)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, Path(path).name)
            file.write_text(text, encoding="utf-8", newline="")
            self._log_file(file, path)

    def log_table(self, table: pd.DataFrame, path: str) -> None:
        """A small table of figures, as CSV or JSON by the ending of `path`; replaces an older one.

        A JSON table can be compared between runs in the UI (evaluation view). The index is left
        out.

        Raises:
            ModelError: the table has user ids.
        """
        path = entries.check_path(path, entries.TABLE_SUFFIXES)
        entries.check_table(table)
        if path.endswith(".csv"):
            self.log_text(table.to_csv(index=False, lineterminator="\n"), path)
            return
        self.log_text(table.to_json(orient="split", index=False, date_format="iso"), path)
        with self._connection.errors("log a table"):
            tags = self._connection.client.get_run(self._run_id).data.tags
        tables = json.loads(tags.get(_TABLES_TAG, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in tables:
            self._connection.set_tags(self._run_id, {_TABLES_TAG: json.dumps([*tables, entry])})

    def log_dataset(self, name: str, digest: str, source: str, profile: Mapping[str, Any]) -> None:
        """The data that the run was trained on: fingerprint and counts, no rows.

        MLflow takes 36 characters of a digest; the whole one is in the profile.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=name,
            digest=digest[:_DIGEST_LIMIT],
            source_type="recsys",
            source=json.dumps({"description": source}),
            profile=json.dumps({"fingerprint": digest, **profile}, default=_plain),
        )
        context = [InputTag("mlflow.data.context", "training")]
        with self._connection.errors("log the dataset"):
            self._connection.client.log_inputs(self._run_id, [DatasetInput(dataset, context)])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self._connection.set_tags(self._run_id, entries.tag_texts(tags))

    def log_model(self, folder: Path, example: pd.DataFrame) -> int:
        """Log the released model in `folder`, register it, and return its version.

        The model is loaded and answers `example` first. The version carries the run's tags, and
        the logged model the params and metrics that the run has by then.

        Args:
            folder: the model's files alone; without the lists of users.
            example: a request that shows the columns (see `tracking.adapter`); no real user.

        Raises:
            ModelError: the folder holds no whole model, or it cannot answer the example.
        """
        return register(self._connection, self._run_id, folder, example)

    def finish(self, *, failed: bool = False) -> None:
        """Close the run; its children are closed on their own."""
        with self._connection.errors("finish the run"):
            self._connection.client.set_terminated(
                self._run_id, status="FAILED" if failed else "FINISHED"
            )

    def _log_file(self, file: Path, path: str) -> None:
        """Log `file`, which has the name that `path` ends in."""
        parent = Path(path).parent.as_posix()
        with self._connection.errors(f"log {path}"):
            self._connection.client.log_artifact(
                self._run_id, str(file), None if parent == "." else parent
            )


def _chunks(batch: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(batch), _BATCH):
        yield batch[start : start + _BATCH]


def _plain(value: Any) -> Any:
    """A numpy scalar as a number, anything else as text, for JSON."""
    return value.item() if isinstance(value, np.generic) else str(value)
