"""The error of a row that no database takes."""

from recsys_pipeline.errors import StorageError


class RefusedRowsError(StorageError):
    """Rows that the database does not take, such as a text with a NUL; others it would take."""
