"""MLflow, loaded late and kept quiet, and its errors as ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from recsys_pipeline.errors import ModelError, RecsysError, SetupError

QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Else a uv.lock in the working directory is copied into every model.
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""Environment of every process that uses MLflow; what the user has set wins."""

_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_REASON_LIMIT: Final = 300
"""Longest reason that is repeated from MLflow, in characters."""


def import_mlflow() -> Any:
    """The module ``mlflow``; takes about five seconds the first time."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow


@contextmanager
def impatient() -> Iterator[None]:
    """Let a server that does not answer be given up after seconds, not after four minutes.

    Wrap the first request with it: later ones may well wait for a server that restarts.
    """
    if _RETRIES in os.environ:
        yield
        return
    os.environ[_RETRIES] = "1"
    try:
        yield
    finally:
        del os.environ[_RETRIES]


@contextmanager
def mlflow_errors(doing: str, uri: str) -> Iterator[None]:
    """Turn MLflow's exceptions into ours.

    Args:
        doing: what is being done, such as ``"log metrics"``.
        uri: the tracking server or database, for the message.

    Raises:
        ModelError: MLflow refuses a value.
        SetupError: MLflow, its database or its server cannot be used.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = f"{error.message}".strip().splitlines()[0][:_REASON_LIMIT]
        raise _translated(doing, uri, reason, error.error_code) from error
    except OSError as error:
        raise SetupError(
            f"MLflow at {uri} could not {doing}: {error}",
            "Check that the folder exists, is writable and has space left.",
        ) from error


def _translated(doing: str, uri: str, reason: str, code: str) -> RecsysError:
    if code == "INVALID_PARAMETER_VALUE":
        return ModelError(
            f"MLflow refuses to {doing}: {reason}", "Change the name or value that it names."
        )
    return SetupError(
        f"MLflow at {uri} could not {doing}: {reason}",
        "Check that the tracking server runs, or that its database is writable.",
    )
