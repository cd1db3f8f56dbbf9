"""The release of one run: the model is registered, the release published, the alias follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg
import pandas as pd

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.releasing import Inputs, Outcome, publish, put_in_service
from recsys_pipeline.pipeline.tracked import track_model
from recsys_pipeline.pipeline.training import Trained

CHAMPION: Final = "champion"
"""Alias of the registered model that is in service."""
CHALLENGER: Final = "challenger"
"""Alias of the newest registered model that was not put in service."""


@dataclass(frozen=True)
class Judgement:
    """What the evaluation said.

    Attributes:
        metrics: figures of the chosen recommender.
        answer: better than popularity: ``yes``, ``no`` or ``cannot tell``.
        sentence: the same for people.
    """

    metrics: Mapping[str, float]
    answer: str
    sentence: str


def release(
    doors: Doors,
    inputs: Inputs,
    data: Dataset,
    trained: Trained,
    judgement: Judgement,
    lists: pd.DataFrame,
    rows: Mapping[str, int],
    log: dg.DagsterLogManager,
) -> Outcome:
    """Register the model and publish the release; nothing that is served changes yet.

    Raises:
        ReleaseError: the release could not be written.
    """
    version = track_model(doors.run, trained.released, data)
    manifest = Manifest(
        release=inputs.release,
        as_of="" if inputs.as_of is None else inputs.as_of.isoformat(),
        source=inputs.source,
        data_fingerprint=inputs.data_fingerprint,
        settings_fingerprint=inputs.settings_fingerprint,
        recommender=trained.facts.chosen,
        k=doors.learning.k,
        rows=rows,
        metrics=judgement.metrics,
        verdict=judgement.answer,
        files={},
        model_version=version,
        tracking_run=doors.run.run_id,
        orchestrator_run=doors.run_id,
    )
    outcome = publish(doors.store, manifest, lists, trained.released)
    tags = {"release": inputs.release, "promoted": str(outcome.promoted).lower()}
    doors.run.set_tags(tags)
    if not outcome.promoted:
        _point(doors, CHALLENGER, version, log)
    return outcome


def serve(doors: Doors, outcome: Outcome, log: dg.DagsterLogManager) -> None:
    """Move the pointer, the last thing of a run that can fail; the alias follows it.

    Raises:
        ReleaseError: the release is not whole.
    """
    current = put_in_service(doors.store, outcome)
    log.info(outcome.why)
    if current is not None and current.model_version is not None:
        _point(doors, CHAMPION, current.model_version, log)
    doors.run.finish()


def _point(doors: Doors, alias: str, version: int, log: dg.DagsterLogManager) -> None:
    """The release pointer is the truth: an alias that cannot follow now does after the next run."""
    try:
        doors.tracker.set_alias(alias, version)
    except RecsysError as error:
        log.warning(f"The alias {alias} could not be set and stays behind: {error}")
