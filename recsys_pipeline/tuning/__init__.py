"""The door to Optuna: studies in a file, a fake for tests, and a tuning session from end to end.

Optuna is an extra of the package; it is loaded when a study is first opened, not with this package.
"""

from recsys_pipeline.tuning.memory import MemoryStudies
from recsys_pipeline.tuning.optuna_studies import OptunaStudies, installed
from recsys_pipeline.tuning.session import Session, tune_here, tuning_folder
from recsys_pipeline.tuning.settings_file import TUNED_FILE, check_target, write_tuned

__all__ = [
    "TUNED_FILE",
    "MemoryStudies",
    "OptunaStudies",
    "Session",
    "check_target",
    "installed",
    "tune_here",
    "tuning_folder",
    "write_tuned",
]
