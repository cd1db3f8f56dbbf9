"""One retraining at a time for one data folder, whoever starts it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from recsys_pipeline.errors import SetupError


@contextmanager
def run_lock(path: Path, run: str) -> Iterator[bool]:
    """Hold the lock for the run with the id `run`; processes of the same run share it.

    Yields:
        whether this process holds it, and not another one of the same run.

    Raises:
        SetupError: another run holds it, or the folder cannot be written.
    """
    holder = path.with_suffix(".json")
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        other = _read(holder)
        if other.get("run") == run:
            yield False
            return
        raise SetupError(
            f"Another run is under way here: process {other.get('pid', 'unknown')}, "
            f"run {other.get('run', 'unknown')} ({path}).",
            "Wait until it has ended, or end that process.",
        ) from error
    except OSError as error:
        raise SetupError(
            f"{path} cannot be locked: {error.strerror or error}.",
            "Make the folder writable, or set storage.data to one that is.",
        ) from error
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "run": run}), encoding="utf-8")
        yield True
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read(holder: Path) -> dict[str, object]:
    """Who holds the lock; empty in the moment before or after it is written."""
    try:
        found = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
