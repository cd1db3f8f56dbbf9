"""A released model as an MLflow model: code, files, signature, example and requirements.

The package's code is not copied into the model. A version is loaded where recsys_pipeline is
installed, so serve it with the local environment::

    MLFLOW_TRACKING_URI=sqlite:///<folder>/mlflow.db \\
        mlflow models serve -m models:/recsys@champion --env-manager local

A copy would be put first on `sys.path` by every process that loads a version, and its workers
would then run old code in place of the installed one.
"""

from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pandas as pd

from recsys_pipeline.contracts import Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.tracking.adapter import (
    DEFAULT_K,
    HISTORY,
    HISTORY_WEIGHTS,
    REQUEST_COLUMNS,
    SEEN,
    UNKNOWN_MOVIES,
    K,
    recommend_frame,
)
from recsys_pipeline.tracking.entries import check_released_folder
from recsys_pipeline.tracking.mlflow_import import import_mlflow
from recsys_pipeline.tracking.request_values import PROFILE_COLUMNS

REQUIREMENTS: Final = (
    "mlflow",
    "implicit",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scikit-learn",
    "scipy",
    "skops",
    "threadpoolctl",
)
"""What a served model imports beside recsys_pipeline; pinned to the installed versions."""
ARTIFACT: Final = "release"


def try_example(folder: Path, example: pd.DataFrame) -> pd.DataFrame:
    """The answer of the model in `folder` to `example`, as it will be served.

    Raises:
        ModelError: the folder holds no whole model or the lists of users, or the example cannot
            be answered or has user ids.
    """
    from recsys_pipeline.ranking import load_released_model

    check_released_folder(folder, example)
    return recommend_frame(load_released_model(folder), example)


def save_package(
    folder: Path, example: pd.DataFrame, answer: pd.DataFrame, logged: Any, path: Path
) -> None:
    """Write the MLflow model to `path`.

    Args:
        folder: the released model's files; copied.
        example: a request that shows the columns; no real user.
        answer: the model's answer to it, from `try_example`.
        logged: the LoggedModel that it will be.
        path: must not exist yet.
    """
    mlflow = import_mlflow()
    from mlflow.models import Model

    mlflow.pyfunc.save_model(
        path=str(path),
        python_model=str(Path(__file__).with_name("served_model.py")),
        artifacts={ARTIFACT: str(folder.resolve())},
        signature=signature_of(example, answer),
        input_example=example,
        # Given, because working them out would take ten seconds.
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            run_id=logged.source_run_id,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
        ),
    )


def signature_of(example: pd.DataFrame, answer: pd.DataFrame) -> Any:
    """The ModelSignature of requests like `example` and lists like `answer`.

    Texts are typed. Lists and numbers are of any type: a list may come as JSON text, MLflow would
    refuse a whole number where the signature says double, and a null where it says long; the
    adapter checks them.
    """
    import_mlflow()
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    def column(name: str, kind: Any, *, required: bool = False) -> Any:
        return ColSpec(kind, name, required=required)

    known = [
        column(spec.name, DataType.string if spec.kind is Kind.TEXT else AnyType())
        for spec in PROFILE_COLUMNS
    ]
    names = {*REQUEST_COLUMNS, *(spec.name for spec in PROFILE_COLUMNS)}
    further = [column(name, AnyType()) for name in example.columns if name not in names]
    whole_ids = pd.api.types.is_integer_dtype(answer[n.MOVIE_ID].dtype)
    return ModelSignature(
        inputs=Schema(
            [
                column(HISTORY, AnyType(), required=True),
                column(HISTORY_WEIGHTS, AnyType()),
                column(SEEN, AnyType()),
                column(K, AnyType()),
                *known,
                *further,
            ]
        ),
        outputs=Schema(
            [
                column(n.ROW, DataType.long, required=True),
                column(n.RANK, DataType.long, required=True),
                column(n.MOVIE_ID, DataType.long if whole_ids else DataType.string, required=True),
                column(n.SCORE, DataType.double, required=True),
                column(n.SOURCE, DataType.string, required=True),
                column(n.TITLE, DataType.string),
                column(UNKNOWN_MOVIES, DataType.long, required=True),
            ]
        ),
        params=ParamSchema([ParamSpec(K, DataType.long, DEFAULT_K)]),
    )
