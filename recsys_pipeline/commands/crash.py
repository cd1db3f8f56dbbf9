"""What is written where something fails that nobody foresaw: the whole traceback, into a log."""

import traceback
from pathlib import Path

import pandas as pd

_FILE = Path(".dagster") / "errors.log"


def write_crash(error: BaseException, root: Path, now: pd.Timestamp) -> Path | None:
    """Append the traceback of `error` to the log below `root`.

    Args:
        error: with its notes and causes.
        root: folder of recsys.toml.
        now: the time on the clock.

    Returns:
        the log, or None if it cannot be written.
    """
    path = root / _FILE
    text = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{now.isoformat()}\n{text}\n")
    except OSError:
        return None
    return path


def first_line(error: BaseException) -> str:
    """Class and first line of an error, for people."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
