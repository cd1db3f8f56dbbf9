"""`recsys experiment`: what is typed becomes an experiment; what is known of one is gathered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from recsys_pipeline.errors import DataError, ReleaseError, SettingsError
from recsys_pipeline.experiments.assignment import recipe_key
from recsys_pipeline.experiments.config import ArmConfig, ExperimentConfig
from recsys_pipeline.experiments.planning import Outlook, outlook
from recsys_pipeline.experiments.results import ExperimentResult, from_json
from recsys_pipeline.pipeline.arming import changed_learning, check_changes
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.experimenting import NOTHING, ByHand, by_hand, experiments_of
from recsys_pipeline.pipeline.moving import known_id
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.recipes import changed_settings, recipe_of
from recsys_pipeline.pipeline.reports import EXPERIMENTS, ReportStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.user_weeks import stored_user_weeks

if TYPE_CHECKING:
    from recsys_pipeline.pipeline.state import StateStore

_RELEASE: Final = "release"
_OPENING, _CLOSING = "[{", "]}"


def arm_of(text: str, settings: Settings, store: ReleaseStore) -> dict[str, Any]:
    """What was typed of an arm, as values of `ArmConfig`.

    Args:
        text: ``name``, ``name=release=2024-01-07`` or
            ``name=primary=ease,reranking.exploration_slots=2``.
        settings: its [learning] is what the changes are held against.
        store: where a release is looked up.

    Raises:
        SettingsError: it cannot be read, or changes nothing.
        ReleaseError: no release, or several, begin as it says.
    """
    name, _, rest = text.partition("=")
    pairs = [_pair(part, text) for part in _parts(rest)]
    if [key for key, _ in pairs] == [_RELEASE]:
        return {"name": name.strip(), _RELEASE: known_id(store, str(pairs[0][1]))}
    changes: dict[str, Any] = {}
    for key, value in pairs:
        _put(changes, key.split("."), value, text)
    check_changes(settings.learning, changes)
    return {"name": name.strip(), "learning": changes}


def guardrail_of(text: str) -> dict[str, Any]:
    """``metric`` or ``metric=0.05``, as values of `GuardrailConfig`. Raises SettingsError."""
    metric, sign, loss = text.partition("=")
    if not sign:
        return {"metric": metric.strip()}
    try:
        return {"metric": metric.strip(), "most_loss": float(loss)}
    except ValueError as error:
        raise SettingsError(
            f"--guardrail {text!r} cannot be read.", "Write it like --guardrail watch_minutes=0.05."
        ) from error


def weights_of(text: str | None, arms: int) -> list[float]:
    """``1,1,2`` as weights of arms; all alike for None. Raises SettingsError."""
    if text is None:
        return [1.0] * arms
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != arms:
        raise SettingsError(
            f"--weights {text!r} are not {arms} numbers.", "Write one for each arm, such as 1,1."
        )
    return weights


@dataclass(frozen=True)
class Known:
    """What is known of all experiments.

    Attributes:
        experiments: those of the settings, then those started by hand.
        hand: what was started and stopped by hand.
        results: what may be said of each, by name, as of the newest week in which it was looked at.
        week: the newest week that was looked at, or empty.
        armed: keys of the recipes that have a release.
    """

    experiments: tuple[ExperimentConfig, ...]
    hand: ByHand
    results: Mapping[str, ExperimentResult]
    week: str
    armed: frozenset[str] = frozenset()

    def state_of(self, experiment: ExperimentConfig, day: date) -> str:
        """How it stands on a day, for people."""
        over = self.hand.over_since(experiment.name)
        if over is not None:
            return f"stopped on {over}"
        if experiment.starts and day < experiment.starts:
            return f"starts on {experiment.starts}"
        if experiment.ends and experiment.ends < day:
            return f"ended on {experiment.ends}"
        waiting = self._waiting(experiment)
        if waiting:
            return f"waits for lists of {', '.join(waiting)}"
        return "runs"

    def _waiting(self, experiment: ExperimentConfig) -> list[str]:
        """Arms whose recipe has no release yet; all arms begin together."""
        stopped = self.hand.stopped_arms(experiment.name)
        return [
            arm.name
            for arm in experiment.arms
            if arm.learning
            and arm.name not in stopped
            and recipe_key(arm.learning) not in self.armed
        ]


def known(settings: Settings, store: ReleaseStore, reports: ReportStore) -> Known:
    """What is known of all experiments. Raises StorageError, SetupError, ReleaseError."""
    with opened_state(settings) as state:
        hand = NOTHING if state is None else by_hand(state)
    results: dict[str, ExperimentResult] = {}
    weeks = list(reports.weeks())
    for week in weeks:
        content = reports.read(week, EXPERIMENTS)
        if content is not None:
            results |= {each.name: each for each in from_json(content)}
    every = experiments_of(settings.experiments, hand)
    pointer = store.pointer()
    armed = frozenset(() if pointer is None else pointer.arms)
    return Known(every, hand, results, weeks[-1] if weeks else "", armed)


@contextmanager
def opened_state(settings: Settings, *, make: bool = False) -> "Iterator[StateStore | None]":
    """Where experiments started by hand are kept; None where there is no database yet.

    Raises:
        StorageError: the database cannot be opened.
    """
    from recsys_pipeline.storage.online_door import opened_online

    with opened_online(settings, make=make) as online:
        yield None if online is None else online.state


def outlook_for(settings: Settings, experiment: ExperimentConfig) -> Outlook:
    """What an experiment could find, from the weeks that the weekly runs have counted.

    Raises:
        DataError: they hold too little.
        StorageError: they cannot be read.
    """
    rows = stored_user_weeks(settings.data / "assets")
    if rows.empty:
        raise DataError(
            "No week has been counted in which people were shown lists.",
            "Serve lists, post what people do, and plan after two weekly runs.",
        )
    return outlook(rows, experiment, holdout=settings.experiments.holdout)


@dataclass(frozen=True)
class Winner:
    """An arm whose recipe is to become that of the settings.

    Attributes:
        arm: its name.
        changes: in [learning], nested: what a run is to change.
        lines: the same for recsys.toml, below [learning].
    """

    arm: str
    changes: Mapping[str, Any]
    lines: tuple[str, ...]


def winner_of(
    experiment: ExperimentConfig,
    result: ExperimentResult | None,
    learning: LearningConfig,
    store: ReleaseStore,
    *,
    arm: str | None = None,
    anyway: bool = False,
) -> Winner:
    """The arm to promote.

    Args:
        experiment: whose.
        result: what may be said of it, or None.
        learning: of the settings.
        store: where the release of an arm lies.
        arm: which; None for the one that is better.
        anyway: whether nothing needs to be known.

    Raises:
        SettingsError: no arm is surely better, there is no such arm, or it changes nothing.
        ReleaseError: the recipe of the arm's release cannot be read.
    """
    better = result.winner if result is not None and result.verdict == "better" else ""
    chosen = arm or better
    arms = {each.name: each for each in experiment.arms}
    if chosen not in arms and (arm or anyway):
        raise SettingsError(
            f"Experiment '{experiment.name}': which arm? '{chosen}' is none of them.",
            f"Say --arm with one of: {', '.join(list(arms)[1:])}.",
        )
    if not anyway and (not better or chosen != better):
        which = f"'{chosen}' is not surely better." if chosen else "no arm is surely better."
        said = result.sentence if result is not None else "Nothing is known of it yet."
        raise SettingsError(
            f"Experiment '{experiment.name}': {which} {said}",
            "Wait for the next weeks, or say --anyway: the gate judges it all the same.",
        )
    changes = _changes_of(arms[chosen], learning, store)
    if not changes:
        raise SettingsError(
            f"Arm '{chosen}' changes nothing: it is answered by what is in service.",
            "There is nothing to promote.",
        )
    lines = tuple(_line(key, value) for key, value in flat(changes).items())
    return Winner(chosen, changes, lines)


def _changes_of(arm: ArmConfig, learning: LearningConfig, store: ReleaseStore) -> dict[str, Any]:
    if not arm.release:
        changed_learning(learning, arm.learning)
        return dict(arm.learning)
    try:
        theirs = recipe_of(store, store.manifest(arm.release))
    except ReleaseError as error:
        raise ReleaseError(
            f"Arm '{arm.name}': {error.message}", "Promote the arm that changes [learning] instead."
        ) from error
    changes: dict[str, Any] = {}
    for key, (_, new) in changed_settings(learning.recipe, theirs.recipe).items():
        _put(changes, key.split("."), new, key)
    return changes


def flat(changes: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested changes by dotted key.

    >>> flat({"primary": "ease", "reranking": {"candidates": 80}})
    {'primary': 'ease', 'reranking.candidates': 80}
    """
    found: dict[str, Any] = {}
    for key, value in changes.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _line(key: str, value: Any) -> str:
    """A setting as a line of TOML, which knows no value for none: that is to leave it out.

    >>> _line("k", 5), _line("ranker.depth", None)
    ('k = 5', '# ranker.depth: take this line out')
    """
    return f"# {key}: take this line out" if value is None else f"{key} = {toml_value(value)}"


def toml_value(value: Any) -> str:
    """A plain value as TOML writes it: numbers, texts, flags and lists of them."""
    return json.dumps(value, ensure_ascii=False)


def _parts(text: str) -> Sequence[str]:
    """The parts between commas that are not within brackets."""
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter in _OPENING) - (letter in _CLOSING)
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [each for each in (*parts, part) if each.strip()]


def _pair(part: str, text: str) -> tuple[str, Any]:
    key, sign, value = part.partition("=")
    if not sign or not key.strip() or not value.strip():
        raise SettingsError(
            f"--arm {text!r}: {part!r} cannot be read.",
            "Write it like --arm new=primary=ease,reranking.exploration_slots=2.",
        )
    try:
        return key.strip(), json.loads(value)
    except json.JSONDecodeError:
        return key.strip(), value.strip()


def _put(node: dict[str, Any], path: Sequence[str], value: Any, text: str) -> None:
    *above, last = path
    for part in above:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise SettingsError(
                f"--arm {text!r}: '{part}' is a value and a group of settings at once.",
                "Name each setting once.",
            )
    node[last] = value
