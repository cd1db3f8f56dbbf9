"""Erasures that were begun and not finished, taken up by a run."""

from datetime import datetime

import dagster as dg

from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.privacy import Privacy


def resume_erasures(privacy: Privacy, started: str, log: dg.DagsterLogManager | None) -> None:
    """Finish them, under the lock of the run. One that cannot be finished is no reason not to run.

    Args:
        privacy: people's data.
        started: ISO time at which the run was made; empty outside a run, where nothing is done.
        log: of the run.
    """
    if not started:
        return
    try:
        done = privacy.resume(datetime.fromisoformat(started), locked=True)
    except RecsysError as error:
        if log is not None:
            log.warning(f"An erasure is not finished: {error}")
        return
    if done and log is not None:
        log.info(f"Erasures finished: {len(done):,}.")
