"""The release of one run: the model is registered, the release published, the alias follows."""

from collections.abc import Mapping
from typing import Final

import dagster as dg
import pandas as pd

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.list_checks import check_lists
from recsys_pipeline.pipeline.made import Made, Origin, release_made
from recsys_pipeline.pipeline.moving import CHAMPION
from recsys_pipeline.pipeline.protocols import TrackedRun
from recsys_pipeline.pipeline.releasing import Outcome, put_in_service

CHALLENGER: Final = "challenger"
"""Alias of the newest registered model that was not put in service."""


def release(
    doors: Doors,
    run: TrackedRun,
    made: Made,
    data: Dataset,
    rows: Mapping[str, int],
    *,
    wins: bool,
) -> Outcome:
    """Register the model and publish the release; nothing that is served changes yet.

    Args:
        run: of the tracker, where the model is registered.
        made: what is released.
        data: everything known.
        rows: of the clean tables.
        wins: whether the gate lets it in.

    Raises:
        ReleaseError: the release could not be written.
    """
    origin = Origin(doors.run.run_id, doors.run_id, doors.started)
    return release_made(doors.store, run, made, data, rows, origin, wins=wins)


def challenge(
    doors: Doors,
    made: Made,
    tables: dict[str, pd.DataFrame],
    rows: Mapping[str, int],
    log: dg.DagsterLogManager,
) -> None:
    """Release what was not let in beside what serves, so that a person may promote it.

    Lists that break a condition are not released at all.
    """
    learning = made.inputs.learning
    data = doors.dataset(tables, learning)
    broken = [
        check.name
        for check in check_lists(made.lists, data, learning.k, made.trained.released)
        if check.broken
    ]
    if broken:
        log.warning(f"The candidate is not released: its lists break {', '.join(broken)}.")
        return
    try:
        run = doors.run.child("candidate", {"recommender": made.trained.facts.chosen})
        outcome = release(doors, run, made, data, rows, wins=False)
        run.finish()
    except RecsysError as error:
        log.warning(f"The candidate could not be released beside what serves: {error}")
        return
    if outcome.manifest.model_version is not None:
        point(doors, CHALLENGER, outcome.manifest.model_version, log)
    log.info(f"The candidate lies in release {outcome.manifest.release}, not in service.")


def serve(doors: Doors, outcome: Outcome, opponent: str, log: dg.DagsterLogManager) -> None:
    """Move the pointer, the last thing of a run that can fail; the alias follows it.

    Args:
        outcome: of the release.
        opponent: what was in service when the gate decided, or empty.

    Raises:
        ReleaseError: the release is not whole.
    """
    current = put_in_service(doors.store, outcome, opponent)
    moved = current is not None and current.release == outcome.manifest.release
    if outcome.promoted and not moved:
        log.warning(
            f"Release {outcome.manifest.release} is not in service: somebody moved the pointer or "
            "rolled its recipe back while the run was under way."
        )
    else:
        log.info(outcome.why)
    if current is not None and current.model_version is not None:
        point(doors, CHAMPION, current.model_version, log)
    doors.run.finish()


def point(doors: Doors, alias: str, version: int, log: dg.DagsterLogManager) -> None:
    """The release pointer is the truth: an alias that cannot follow now does after the next run."""
    try:
        doors.tracker.set_alias(alias, version)
    except RecsysError as error:
        log.warning(f"The alias {alias} could not be set and stays behind: {error}")
