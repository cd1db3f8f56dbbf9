"""Arming: lists of their own for the arms of experiments, as releases beside the one in service."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
from pydantic import BaseModel, ValidationError

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.errors import RecsysError, ReleaseError, SettingsError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.experimenting import nearest
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.list_checks import check_lists, raise_if_broken
from recsys_pipeline.pipeline.made import Judgement, Made, Origin, manifest_of
from recsys_pipeline.pipeline.protocols import Manifest, ReleaseStore
from recsys_pipeline.pipeline.recipes import changed_settings, recipe_fingerprint, recipe_of
from recsys_pipeline.pipeline.releasing import Inputs, in_service, publish
from recsys_pipeline.pipeline.training import Trained, load_cuts, train
from recsys_pipeline.ranking.panel import (
    BLEND,
    CONTENT,
    LEARNED,
    PERSONAL_FALLBACKS,
    POPULARITY,
    TWO_STAGE,
)

_ASKS_ALL: Final = ("auto", BLEND, TWO_STAGE)
"""Values of `primary` for which every recommender is needed."""


@dataclass(frozen=True)
class Armed:
    """What became of one recipe.

    Attributes:
        recipe: its key, see `experiments.assignment.recipe_key`.
        release: that answers its arms from now on; empty where none does.
        recommender: that made the lists, or empty.
        fresh: whether the release is of this week's data.
        note: why it is not, or that it shares a release; empty for one that was made for it.
    """

    recipe: str
    release: str
    recommender: str = ""
    fresh: bool = True
    note: str = ""


def changed_learning(learning: LearningConfig, changes: Mapping[str, Any]) -> LearningConfig:
    """The recipe of an arm: `learning` with `changes`, within the same hard rules.

    Args:
        learning: what the arm is compared with.
        changes: nested like [learning], such as ``{"primary": "ease"}``.

    Raises:
        SettingsError: a key is unknown or a value is not valid.
    """
    _refuse_unknown(LearningConfig, changes, "learning")
    try:
        changed = LearningConfig.model_validate(_merged(learning.model_dump(), changes))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(("learning", *(str(part) for part in fault["loc"])))
        message = fault["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"arm: {key}: {message} (found {fault.get('input')!r}).", "See docs/settings.md."
        ) from error
    return learning.with_recipe_of(changed)


def check_changes(learning: LearningConfig, changes: Mapping[str, Any]) -> LearningConfig:
    """`changed_learning` of an arm that is to be declared.

    Raises:
        SettingsError: as there, or the changes do not change what is recommended.
    """
    changed = changed_learning(learning, changes)
    if changes and not changed_settings(learning.recipe, changed.recipe):
        raise SettingsError(
            f"arm: the changes do not change what is recommended: {', '.join(sorted(changes))}.",
            "The values hold already, or concern seed, judging or what is never recommended.",
        )
    return changed


def only_what_it_needs(learning: LearningConfig) -> LearningConfig:
    """The recipe without the recommenders that the lists of `primary` do not ask."""
    if learning.primary in _ASKS_ALL:
        return learning
    use = learning.recommenders.use
    wanted: set[str] = set()
    if learning.primary != POPULARITY:
        # Who ranks for people of whom the recommender knows nothing, and for new movies.
        wanted = {learning.primary, "trending"}
        wanted |= set([name for name in PERSONAL_FALLBACKS if name in use][:1])
        wanted |= {CONTENT} if learning.primary in LEARNED else set()
    kept = tuple(name for name in use if name in wanted)
    return learning.model_copy(
        update={
            "recommenders": learning.recommenders.model_copy(update={"use": kept}),
            "ranker": learning.ranker.model_copy(update={"kind": "none"}),
        }
    )


def arm_lists(
    store: ReleaseStore,
    wanted: Mapping[str, Mapping[str, Any]],
    tables: dict[str, pd.DataFrame],
    inputs: Inputs,
    origin: Origin,
    progress: Progress,
    *,
    fits: Callable[..., Trained] = train,
) -> tuple[Armed, ...]:
    """Make a release for every recipe of arms, and let it answer them; what became of each.

    What is in service does not move. An arm is the recipe in service with the arm's changes,
    fitted on this week's data. Recipes that come to the same share a release, and one that is that
    of the release in service is answered by it. Arms whose recipe nobody wants any more lose
    their release. A recipe that fails is told of and keeps the release that it had.

    Args:
        store: where releases lie.
        wanted: changes in [learning] by key, see `experimenting.recipes_wanted`.
        tables: the clean tables of the week, by name.
        inputs: of the week's release, with the settings.
        origin: of the week's release.
        progress: is told each step, one line.
        fits: trains a recipe; see `train`.

    Raises:
        ReleaseError: the pointer cannot be moved.
    """
    current = in_service(store)
    if current is None or not (wanted or _armed_now(store)):
        return ()
    note = _not_now(current, inputs)
    if note:
        progress(note)
        before = _armed_now(store)
        return tuple(
            Armed(key, before.get(key, ""), fresh=False, note=note) for key in sorted(wanted)
        )
    for key in _armed_now(store).keys() - wanted.keys():
        store.disarm(key)
    week = _Week(store, tables, inputs, origin, progress, fits)
    return tuple(week.arm(current, wanted))


@dataclass(frozen=True)
class _Week:
    store: ReleaseStore
    tables: dict[str, pd.DataFrame]
    inputs: Inputs
    origin: Origin
    progress: Progress
    fits: Callable[..., Trained]

    def arm(self, current: Manifest, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[Armed]:
        base = self._base(current)
        made: dict[str, Manifest] = {current.recipe_fingerprint: current}
        for key, changes in sorted(wanted.items()):
            try:
                learning = changed_learning(base, changes)
                recipe = recipe_fingerprint(learning)
                shared = recipe in made
                if not shared:
                    made[recipe] = self._released(key, only_what_it_needs(learning))
                release = made[recipe]
                self.store.arm(key, release.release)
            except Exception as error:  # noqa: BLE001 - one arm's recipe must not stop the run
                why = _why(error)
                self.progress(f"No new lists for the arms with {key}: {why}")
                yield Armed(key, _armed_now(self.store).get(key, ""), fresh=False, note=why)
                continue
            yield Armed(
                key,
                release.release,
                release.recommender,
                note="shares a release of the same recipe" if shared else "",
            )

    def _base(self, current: Manifest) -> LearningConfig:
        """The recipe in service, within the hard rules of the settings."""
        try:
            return self.inputs.learning.with_recipe_of(recipe_of(self.store, current))
        except ReleaseError as error:
            self.progress(f"{error.message} Arms change the recipe of the settings instead.")
            return self.inputs.learning

    def _released(self, key: str, learning: LearningConfig) -> Manifest:
        """A release of the recipe on this week's data, never in service."""
        self.progress(f"fitting the recipe of the arms with {key}")
        as_of = self.inputs.as_of
        cuts = load_cuts(**self.tables, learning=learning, as_of=as_of)
        # Without a ranker nobody asks for the features of its pairs.
        matrix = (
            pd.DataFrame()
            if learning.ranker.kind == "none"
            else make_feature_matrix(cuts, learning)
        )
        trained = self.fits(cuts, matrix, learning, self.progress)
        data = build_dataset(**self.tables, likes=learning.likes, as_of=as_of)
        judged = Judgement({}, {}, "cannot tell", "", f"Made for the arms with {key}.")
        own = replace(self.inputs, learning=learning, arm_of=key)
        made = Made.of(trained, own, judged, data, self.tables)
        raise_if_broken(check_lists(made.lists, data, learning.k, trained.released))
        rows = {name: len(frame) for name, frame in self.tables.items()}
        manifest = replace(manifest_of(made, rows, self.origin), arm_of=key)
        return publish(
            self.store,
            manifest,
            made.lists,
            trained.released,
            data,
            learning,
            made.lock.to_json(),
            wins=False,
        ).manifest


def _not_now(current: Manifest, inputs: Inputs) -> str:
    """Why the arms keep their lists, or nothing."""
    if inputs.sample < 1:
        return "A run on a sample of the users makes no lists for arms."
    dated = bool(inputs.as_of is not None and current.as_of)
    if dated and pd.Timestamp(current.as_of) > inputs.as_of:
        return f"Release {current.release} in service looks from a later moment: arms keep theirs."
    return ""


def _why(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, RecsysError):
        return error.message
    return f"{type(error).__name__}: {error}"


def _armed_now(store: ReleaseStore) -> Mapping[str, str]:
    pointer = store.pointer()
    return {} if pointer is None else pointer.arms


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        inner = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, value) if inner else value  # type: ignore[arg-type]  # both are
    return merged


def _refuse_unknown(model: type[BaseModel], changes: Mapping[str, Any], prefix: str) -> None:
    """Raise SettingsError for the first key that is none of the settings."""
    for key, value in changes.items():
        field = model.model_fields.get(key)
        if field is None:
            raise SettingsError(
                f"arm: unknown key '{prefix}.{key}'.", nearest(key, tuple(model.model_fields))
            )
        inner = field.annotation
        if isinstance(value, Mapping) and isinstance(inner, type) and issubclass(inner, BaseModel):
            _refuse_unknown(inner, value, f"{prefix}.{key}")
