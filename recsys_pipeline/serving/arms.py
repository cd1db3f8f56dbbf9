"""Arms: who is in which arm of an experiment, and which release answers there.

A release of an arm's own is loaded beside the one in service. The arms of an experiment begin
together: until each recipe of it has a release, the experiment waits, nobody is said to be in it,
and its users are answered as all others are. An arm whose release cannot be loaded afterwards is
answered with the release in service; its users stay in it, as what they were drawn into decides an
analysis, and their answers say so and count as a fallback.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Protocol

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.experiments.assignment import Assignment, Plan, assign, recipe_key
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig
from recsys_pipeline.pipeline.protocols import Pointer
from recsys_pipeline.serving.release import LoadedRelease

_AGAIN_SECONDS: Final = 30.0
"""A release that could not be loaded is tried again after this long."""
_REMEMBERED: Final = 200_000
"""Users whose place is kept at hand."""

Plans = Callable[[date], Plan]
"""The plan of a day, as it is now; may raise RecsysError."""


class Loading(Protocol):
    """What arms need of the keeper to have releases."""

    def renewed(self, release: LoadedRelease) -> LoadedRelease:
        """The release, read again where somebody was erased from it since."""
        ...

    def loaded(self, release: str) -> LoadedRelease:
        """A release that answers already, or one read from the store."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a user is, and what answers them.

    Attributes:
        experiment, arm: empty for none.
        own: the arm's release; None where the one in service answers.
        available: whether the arm has what it names; False where the release in service stands in.
    """

    experiment: str = ""
    arm: str = ""
    own: LoadedRelease | None = None
    available: bool = True

    def stood_in_for(self) -> "Placed":
        """The same place, answered by the release in service instead of the arm's own."""
        return Placed(self.experiment, self.arm, None, False)


NOWHERE: Final = Placed()
"""In no experiment."""


@dataclass(frozen=True, eq=False)
class Arms:
    """What answers the arms at one moment; replaced whole.

    Attributes:
        plan: who is in which arm; None while there is none.
        current: the release in service, which says who is eligible.
        releases: those of arms by id; None for one that cannot be loaded.
        by_recipe: ids of releases by recipe key.
        waiting: names of experiments that have not begun, as an arm has no release yet.
    """

    plan: Plan | None = None
    current: LoadedRelease | None = None
    releases: Mapping[str, LoadedRelease | None] = field(default_factory=dict)
    by_recipe: Mapping[str, str] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    _known: dict[str, Placed] = field(default_factory=dict, repr=False)

    def placed(self, user_id: str) -> Placed:
        """Where a user is; the same until the plan or a release changes."""
        place = self._known.get(user_id)
        if place is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            place = self._known[user_id] = self._place(user_id)
        return place

    def release_of(self, experiment: str, arm: str) -> str:
        """The id of the release that an arm names; empty where that is the one in service."""
        if self.plan is None:
            return ""
        if experiment == HOLDOUT:
            return self.by_recipe.get(recipe_key(self.plan.holdout_learning), "")
        for each in self.plan.running:
            for one in each.arms:
                if (each.name, one.name) == (experiment, arm):
                    if (experiment, arm) in self.plan.stopped:
                        one = each.arms[0]
                    return one.release or self.by_recipe.get(recipe_key(one.learning), "")
        return ""

    def _place(self, user_id: str) -> Placed:
        plan, current = self.plan, self.current
        if plan is None or plan.empty or current is None:
            return NOWHERE
        segment, history = "", 0
        if any(_asks(each) for each in plan.running):
            segment, history = _about(current, user_id)
        place = assign(user_id, plan, segment=segment, history=history)
        return self._answered(place)

    def _answered(self, place: Assignment) -> Placed:
        if not place.experiment or place.experiment in self.waiting:
            return NOWHERE
        release = place.answered_by(self.by_recipe)
        if release == "":
            return Placed(place.experiment, place.arm)
        own = None if release is None else self.releases.get(release)
        return Placed(place.experiment, place.arm, own, own is not None)


class ArmKeeper:
    """Follows the plan and the releases of arms. Used by one thread at a time.

    Args:
        plans: the plan of a day.
        clock: seconds since 1970.
        tell: is told what happened, one line each.
    """

    def __init__(
        self, plans: Plans, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._plans, self._clock, self._tell = plans, clock, tell
        self._refused: dict[str, float] = {}
        self._told: dict[str, str] = {}

    def follow(
        self, now: Arms, pointer: Pointer, current: LoadedRelease | None, loading: Loading
    ) -> Arms:
        """The arms as they are now; `now` itself where nothing has changed.

        Nothing is raised: where the plan cannot be read, the arms stay as they are.
        """
        if current is None:
            return now
        try:
            plan = self._plans(datetime.fromtimestamp(self._clock(), UTC).date())
        except RecsysError as error:
            self._say("plan", f"experiments stay as they are: {error.message}")
            return now
        self._told.pop("plan", None)
        armed = dict(pointer.arms)
        releases = {
            each: self._release(each, now, loading) for each in sorted(_wanted(plan, armed))
        }
        same = now.plan == plan and now.current is current and now.by_recipe == armed
        if same and _identical(now.releases, releases):
            return now
        waiting = _waiting(plan, armed)
        for name in sorted(waiting - now.waiting):
            self._tell(f"experiment {name} waits until each of its recipes has a release")
        return Arms(plan, current, releases, armed, waiting)

    def _release(self, release: str, now: Arms, loading: Loading) -> LoadedRelease | None:
        """A release of an arm; None where it cannot be loaded, which is told once."""
        kept = now.releases.get(release)
        waits = self._clock() - self._refused.get(release, float("-inf")) < _AGAIN_SECONDS
        if kept is None and waits:
            return None
        try:
            found = loading.loaded(release) if kept is None else loading.renewed(kept)
        except Exception as error:  # noqa: BLE001 - a release that breaks anything is refused
            why = error.message if isinstance(error, RecsysError) else type(error).__name__
            self._say(release, f"release {release} of an arm is refused: {why}")
            if kept is None:
                self._refused[release] = self._clock()
            return kept
        self._told.pop(release, None)
        if kept is None:
            self._tell(f"release {release} answers an arm")
        return found

    def _say(self, what: str, text: str) -> None:
        if self._told.get(what) != text:
            self._told[what] = text
            self._tell(text)


def _asks(each: ExperimentConfig) -> bool:
    return bool(each.eligible.segments or each.eligible.min_history)


def _about(release: LoadedRelease, user_id: str) -> tuple[str, int]:
    """Segment of a user, and how many interactions are known."""
    people = release.people
    row = people.row_of(user_id)
    if row < 0:
        return "", 0
    profiles = people.data.profiles
    segment = profiles[n.SEGMENT].iloc[row] if n.SEGMENT in profiles.columns else None
    length = int(people.starts[row + 1] - people.starts[row])
    return "" if pd.isna(segment) else str(segment), length


def _wanted(plan: Plan, armed: Mapping[str, str]) -> set[str]:
    """Ids of the releases that arms name."""
    named = {arm.release for each in plan.running for arm in each.arms if arm.release}
    return named | {armed[key] for key in plan.recipes() if key in armed}


def _waiting(plan: Plan, armed: Mapping[str, str]) -> frozenset[str]:
    """Names of the experiments of which a recipe has no release."""
    waiting = {
        each.name
        for each in plan.running
        for arm in each.arms
        if arm.learning
        and (each.name, arm.name) not in plan.stopped
        and recipe_key(arm.learning) not in armed
    }
    if plan.holdout and plan.holdout_learning and recipe_key(plan.holdout_learning) not in armed:
        waiting.add(HOLDOUT)
    return frozenset(waiting)


def _identical(
    one: Mapping[str, LoadedRelease | None], other: Mapping[str, LoadedRelease | None]
) -> bool:
    return one.keys() == other.keys() and all(one[each] is other[each] for each in one)
