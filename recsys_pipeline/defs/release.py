"""The release of one run: the model is registered, the release published, the alias follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.list_checks import check_lists
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.moving import CHAMPION
from recsys_pipeline.pipeline.protocols import LOCK, Manifest, TrackedRun
from recsys_pipeline.pipeline.recipes import recipe_fingerprint
from recsys_pipeline.pipeline.releasing import Inputs, Outcome, publish, put_in_service
from recsys_pipeline.pipeline.reproducing import Lock
from recsys_pipeline.pipeline.tracked import track_model
from recsys_pipeline.pipeline.training import Trained

CHALLENGER: Final = "challenger"
"""Alias of the newest registered model that was not put in service."""


@dataclass(frozen=True)
class Judgement:
    """What the evaluation said.

    Attributes:
        metrics: figures of the recommender.
        intervals: lower and upper bounds of those that have an interval.
        answer: better than popularity: ``yes``, ``no`` or ``cannot tell``.
        sentence: the same for people.
        decision: what the gate decided and why, for people.
    """

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    answer: str
    sentence: str
    decision: str


@dataclass(frozen=True)
class Made:
    """What a recipe made of this week's data.

    Attributes:
        trained: the recipe, fitted.
        inputs: what it was made from.
        lists: of all users.
        judgement: what it is worth.
        lock: with which versions and tables it was made.
    """

    trained: Trained
    inputs: Inputs
    lists: pd.DataFrame
    judgement: Judgement
    lock: Lock


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
    version = track_model(run, made.trained.released, data)
    inputs, judgement = made.inputs, made.judgement
    manifest = Manifest(
        release=inputs.release,
        as_of="" if inputs.as_of is None else inputs.as_of.isoformat(),
        source=inputs.source,
        data_fingerprint=inputs.data_fingerprint,
        settings_fingerprint=inputs.settings_fingerprint,
        recommender=made.trained.facts.chosen,
        k=inputs.learning.k,
        rows={**rows, TOP_N.name: len(made.lists)},
        metrics=judgement.metrics,
        verdict=judgement.answer,
        files={},
        model_version=version,
        tracking_run=doors.run.run_id,
        orchestrator_run=doors.run_id,
        recipe_fingerprint=recipe_fingerprint(inputs.learning),
        decision=judgement.decision,
        made_at=doors.started,
        intervals=judgement.intervals,
    )
    model = made.trained.released
    outcome = publish(
        doors.store,
        manifest,
        made.lists,
        model,
        data,
        inputs.learning,
        made.lock.to_json(),
        wins=wins,
    )
    run.set_tags({"release": inputs.release, "in_service": str(outcome.promoted).lower()})
    run.log_text(made.lock.to_json().decode(), LOCK)
    return outcome


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
