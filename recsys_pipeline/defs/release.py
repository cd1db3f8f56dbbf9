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
from recsys_pipeline.pipeline.releasing import Inputs, Outcome, publish
from recsys_pipeline.pipeline.tracked import track_model
from recsys_pipeline.pipeline.training import Trained

CHAMPION: Final = "champion"
"""Alias of the registered model that is in service."""


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
    """Register the model, publish the release, and point the alias at what is in service.

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
    log.info(outcome.why)
    tags = {"release": inputs.release, "promoted": str(outcome.promoted).lower()}
    doors.run.set_tags(tags)
    if outcome.promoted:
        _follow(doors, version, log)
    doors.run.finish()
    return outcome


def _follow(doors: Doors, version: int, log: dg.DagsterLogManager) -> None:
    """The pointer is the truth: an alias that cannot follow now does so after the next run."""
    try:
        doors.tracker.set_alias(CHAMPION, version)
    except RecsysError as error:
        log.warning(f"The alias {CHAMPION} could not be set and stays behind: {error}")
