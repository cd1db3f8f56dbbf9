"""The recipe in service, refitted on this week's data so that a candidate can be held against it.

The model in service itself was fitted on everything up to its own week and has seen the test: it
cannot be judged. What competes is its recipe.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from recsys_pipeline.errors import ModelError, RecsysError, ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.recipes import recipe_fingerprint, recipe_of
from recsys_pipeline.pipeline.releasing import in_service
from recsys_pipeline.pipeline.training import Trained, load_cuts, train

_FACTS, _MODEL = "in_service.json", "trained"


@dataclass(frozen=True)
class InService:
    """What is in service, as an opponent.

    Attributes:
        release: the release in service, or empty where there is none.
        held: whether a person has rolled back the recipe of the settings.
        same: whether its recipe is that of the settings: then there is nothing to compare.
        sampled: whether the run is on a sample of the users, and there is something to replace.
        note: why it is not refitted, one sentence; empty where it is.
        learning: its recipe, judged as the settings say; None where it is not refitted.
        trained: refitted on this week's data; None likewise.
    """

    release: str = ""
    held: bool = False
    same: bool = False
    sampled: bool = False
    note: str = ""
    learning: LearningConfig | None = None
    trained: Trained | None = None

    def save(self, folder: Path) -> None:
        """Write into `folder`; no pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "release": self.release,
            "held": self.held,
            "same": self.same,
            "sampled": self.sampled,
            "note": self.note,
            "learning": None if self.learning is None else self.learning.model_dump(mode="json"),
        }
        (folder / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
        if self.trained is not None:
            self.trained.save(folder / _MODEL)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises ModelError if it is not whole."""
        try:
            facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            learning = facts.pop("learning")
            trained = None
            if learning is not None:
                learning = LearningConfig.model_validate(learning)
                trained = Trained.load(folder / _MODEL)
            return cls(**facts, learning=learning, trained=trained)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"The recipe in service in {folder} cannot be read: {error}.",
                "Materialize recipe_in_service again, or run `recsys run`.",
            ) from error


def refit_in_service(
    store: ReleaseStore,
    users: pd.DataFrame,
    movies: pd.DataFrame,
    interactions: pd.DataFrame,
    learning: LearningConfig,
    as_of: pd.Timestamp | None,
    progress: Progress,
    *,
    sampled: bool = False,
    fits: Callable[..., Trained] = train,
) -> InService:
    """Refit the recipe in service, where it is another one than that of the settings.

    One that cannot be read, or that does not fit this week's data any more, is not compared.

    Args:
        store: where releases lie.
        users, movies, interactions: the clean tables.
        learning: the settings; they say how both recipes are judged.
        as_of: the moment that the run looks from.
        progress: is told each step, one line.
        sampled: whether the run uses a sample of the users: it replaces nothing, so nothing is
            compared.
        fits: trains a recipe; see `train`.
    """
    current = in_service(store)
    if current is None:
        return InService(note="Nothing is in service yet.")
    release = current.release
    held = _held(store, learning)
    if sampled:
        note = "A run on a sample of the users replaces nothing."
        return InService(release, held, sampled=True, note=note)
    if current.recipe_fingerprint == recipe_fingerprint(learning):
        note = "The recipe of the settings is the one in service: it is refitted as it is."
        return InService(release, held=False, same=True, note=note)
    try:
        recipe = recipe_of(store, current)
    except ReleaseError as error:
        return InService(release, held, note=f"{error.message} The candidate is not compared.")
    judged = learning.with_recipe_of(recipe)
    progress(f"refitting the recipe in service, of release {release}")
    try:
        cuts = load_cuts(users, movies, interactions, judged, as_of)
        trained = fits(cuts, make_feature_matrix(cuts, judged), judged, progress)
        # Rules are read late, and one may name a movie that has left the catalogue.
        _ = trained.released.applied_rules
    except RecsysError as error:
        # Else no other settings could ever take the place of a recipe that fits no longer.
        note = f"The recipe in service cannot be refitted: {error.message} "
        return InService(release, held, note=f"{note}The candidate is not compared.")
    return InService(release, held, learning=judged, trained=trained)


def _held(store: ReleaseStore, learning: LearningConfig) -> bool:
    try:
        pointer = store.pointer()
    except ReleaseError:
        return False
    return pointer is not None and recipe_fingerprint(learning) in pointer.held
