"""Made: what a recipe made of this week's data, and its way into the registry and the releases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.pipeline.protocols import LOCK, Manifest, ReleaseStore, TrackedRun
from recsys_pipeline.pipeline.recipes import recipe_fingerprint
from recsys_pipeline.pipeline.releasing import Inputs, Outcome, publish
from recsys_pipeline.pipeline.reproducing import Lock
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.tracked import track_model
from recsys_pipeline.pipeline.training import Trained


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
class Origin:
    """By whom and when a release was made.

    Attributes:
        tracking_run: id of the tracker's run of this week.
        orchestrator_run: id of the orchestrator's run, or empty.
        started: ISO time at which the run started, or empty.
    """

    tracking_run: str
    orchestrator_run: str = ""
    started: str = ""


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

    @classmethod
    def of(
        cls,
        trained: Trained,
        inputs: Inputs,
        judgement: Judgement,
        data: Dataset,
        tables: dict[str, pd.DataFrame],
    ) -> Self:
        """The lists of all users.

        Args:
            trained: the recipe, fitted.
            inputs: with the settings of that recipe.
            judgement: what it is worth.
            data: everything known, as that recipe reads it.
            tables: the clean tables, by name.

        Raises:
            ModelError: the model gave a score that is not a number.
        """
        lists = make_top_n(trained.released, data, inputs.learning.k, inputs.release)
        return cls(trained, inputs, lists, judgement, Lock.of(tables))


def release_made(
    store: ReleaseStore,
    run: TrackedRun,
    made: Made,
    data: Dataset,
    rows: Mapping[str, int],
    origin: Origin,
    *,
    wins: bool,
) -> Outcome:
    """Register the model and publish the release; nothing that is served changes yet.

    Args:
        store: where releases lie.
        run: of the tracker, where the model is registered.
        made: what is released.
        data: everything known.
        rows: of the clean tables.
        origin: of the release.
        wins: whether the gate lets it in.

    Raises:
        ReleaseError: the release could not be written.
    """
    version = track_model(run, made.trained.released, data)
    manifest = manifest_of(made, rows, origin)
    outcome = publish(
        store,
        replace(manifest, model_version=version),
        made.lists,
        made.trained.released,
        data,
        made.inputs.learning,
        made.lock.to_json(),
        wins=wins,
    )
    run.set_tags({"release": made.inputs.release, "in_service": str(outcome.promoted).lower()})
    run.log_text(made.lock.to_json().decode(), LOCK)
    return outcome


def manifest_of(made: Made, rows: Mapping[str, int], origin: Origin) -> Manifest:
    """What the release of `made` says of itself, before it is registered and written.

    Args:
        rows: of the clean tables.
    """
    inputs, judgement = made.inputs, made.judgement
    return Manifest(
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
        tracking_run=origin.tracking_run,
        orchestrator_run=origin.orchestrator_run,
        recipe_fingerprint=recipe_fingerprint(inputs.learning),
        decision=judgement.decision,
        made_at=origin.started,
        intervals=judgement.intervals,
    )
