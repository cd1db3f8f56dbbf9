"""Every error that a user can meet, and the exit code that the command line gives it.

::

    RecsysError                 1   base class; never raised itself
    ├── SettingsError           2   a key or value in recsys.toml, RECSYS_* or the run config
    ├── SourceError             3   a file that is missing, unreadable or cannot be mapped
    ├── DataError               4   a table that must not be trained on (a blocking check failed)
    ├── ModelError              5   a model that cannot be fitted, saved, loaded or asked
    │   └── MemoryLimitError    5   a model that would need more memory than the settings allow
    ├── ReleaseError            6   no release, or a release that is not whole
    ├── SetupError              7   the installation, a port, a folder or another running process
    └── StorageError            9   the database of events, answers and keys
"""


class RecsysError(Exception):
    """An error with a way out.

    Args:
        message: what is wrong, naming the file, row, column, key or value.
        hint: what to do about it, one sentence; shown on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class SettingsError(RecsysError):
    """A key or value in recsys.toml, a RECSYS_* variable or the run config."""

    exit_code = 2


class SourceError(RecsysError):
    """A file that is missing, unreadable or cannot be mapped to a canonical table."""

    exit_code = 3


class DataError(RecsysError):
    """A table that must not be trained on: a blocking check failed."""

    exit_code = 4


class ModelError(RecsysError):
    """A model that cannot be fitted, saved, loaded or asked."""

    exit_code = 5


class MemoryLimitError(ModelError):
    """A model that would need more memory than the settings allow."""


class ReleaseError(RecsysError):
    """There is no release, or the one asked for is not whole."""

    exit_code = 6


class SetupError(RecsysError):
    """The installation, a port, a folder or another running process stands in the way."""

    exit_code = 7


class StorageError(RecsysError):
    """The database of events, answers and keys cannot be reached, read or written."""

    exit_code = 9
