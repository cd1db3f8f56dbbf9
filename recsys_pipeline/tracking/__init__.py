"""The door to MLflow: runs, figures, the model registry, and a fake for tests.

MLflow itself (5 s to import) is loaded when a tracker is first used, not with this package.
"""

from recsys_pipeline.tracking.memory import MemoryRun, MemoryTracker, MemoryVersion
from recsys_pipeline.tracking.mlflow_run import MlflowRun
from recsys_pipeline.tracking.mlflow_tracker import MlflowTracker
from recsys_pipeline.tracking.server import database_uri, server_command

__all__ = [
    "MemoryRun",
    "MemoryTracker",
    "MemoryVersion",
    "MlflowRun",
    "MlflowTracker",
    "database_uri",
    "server_command",
]
