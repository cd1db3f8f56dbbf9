"""The model of the registry, as code: MLflow copies this file into every version and runs it.

It is not imported by the package: running it hands the model to MLflow. The weights are the files
of the release, read by the package's own loader, so nothing is unpickled; it needs the package
`recsys_pipeline` where it is loaded.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking import load_released_model
from recsys_pipeline.tracking.adapter import DEFAULT_K, K, recommend_frame


class ServedModel(PythonModel):
    """Answers requests with the released model; see `recsys_pipeline.tracking.adapter`."""

    def load_context(self, context: PythonModelContext) -> None:
        self._model = load_released_model(Path(context.artifacts["release"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        try:
            return recommend_frame(self._model, model_input, (params or {}).get(K, DEFAULT_K))
        except ModelError as error:
            # MLflow's server answers this one with its message, any other with a traceback.
            raise MlflowException.invalid_parameter_value(str(error)) from error


set_model(ServedModel())
