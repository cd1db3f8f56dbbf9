"""The doors of the weekly job: what it needs of a checker, a tracker and a store.

Each is implemented in one vendor room and has a fake that passes the same tests.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from recsys_pipeline.contracts import Contract, RuleContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LISTS: Final = "top_n.parquet"
"""Name of the lists within a release."""
MODEL: Final = "model"
"""Name of the model's folder within a release."""
PEOPLE: Final = "people"
"""Name of the folder of a release that says what was known of its users."""
RECIPE: Final = "recipe.json"
"""Name of the learning settings within a release."""
LOCK: Final = "lock.json"
"""Name of the file of a release that says with which versions and tables it was made."""


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """How much may be wrong before a table stops the run.

    Attributes:
        allowed_share: share of rows that may break any one rule (0 to 1).
        shares: the same for single rules, by ``table.rule name``; wins over `allowed_share`.
        shrink: the run stops when a table has lost more than this share of its rows since the
            last release (0 to 1).
    """

    allowed_share: float = 0.05
    shares: Mapping[str, float] | None = None
    shrink: float = 0.5

    def share_of(self, table: str, rule: str) -> float:
        return (self.shares or {}).get(f"{table}.{rule}", self.allowed_share)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation and its figure.

    Attributes:
        name: ``rating.out_of_range`` for a row rule, ``row_count.at_least`` and the like for a
            rule of the whole table.
        text: the expectation for people.
        rows: rows that it was evaluated on: most rules leave out those after `as_of`.
        broken: rows that break it (0 or 1 for a rule of the whole table).
        allowed_share: share of rows that may break it.
        passed: whether it held.
        blocking: whether the run stops if it did not.
        observed: the observed figure of a table-level rule, for people.
    """

    name: str
    text: str
    rows: int
    broken: int
    allowed_share: float
    passed: bool
    blocking: bool
    observed: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks found in one table; never a row of it."""

    table: str
    rows: int
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results if result.blocking)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.passed)


class Checker(Protocol):
    """Checks a mapped table against its contract before any row is removed."""

    def check(
        self,
        contract: Contract,
        frame: pd.DataFrame,
        context: RuleContext,
        limits: CheckLimits,
        previous_rows: int | None,
    ) -> CheckReport:
        """Check `frame`, which is not changed.

        Args:
            previous_rows: rows of the table in the last release, or None. Rows of `frame` that
                are not after `as_of` are compared with it.
        """
        ...


class TrackedRun(Protocol):
    """A run in the experiment tracker: the parent of a retraining, or one recommender's."""

    @property
    def run_id(self) -> str: ...

    def child(self, name: str, tags: Mapping[str, str] | None = None) -> "TrackedRun":
        """The nested run called `name`; the same one when asked for again."""
        ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Finite figures; others are left out. Names hold letters, digits, ``_ - . /`` only."""
        ...

    def log_figure(self, figure: "Figure", path: str) -> None: ...

    def log_text(self, text: str, path: str) -> None: ...

    def log_table(self, table: pd.DataFrame, path: str) -> None:
        """A small table of figures (never of users), shown in the tracker's UI."""
        ...

    def log_dataset(self, name: str, digest: str, source: str, profile: Mapping[str, Any]) -> None:
        """The data that the run was trained on: fingerprint and counts, no rows."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_model(self, folder: Path, example: pd.DataFrame) -> int:
        """Log the released model in `folder`, register it, and return its version."""
        ...

    def finish(self, *, failed: bool = False) -> None: ...


class Tracker(Protocol):
    """The experiment tracker and its model registry."""

    def run(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> TrackedRun:
        """The parent run with that key (found if it exists, else started)."""
        ...

    def set_alias(self, alias: str, version: int) -> None:
        """Point `alias` (champion, challenger) at a version of the registered model."""
        ...

    def alias(self, alias: str) -> int | None:
        """The version that `alias` points at, or None."""
        ...

    def run_link(self, run_id: str) -> str:
        """Where a person finds that run: a path within the tracker's UI."""
        ...


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of; stored beside its lists as JSON.

    Attributes:
        release: id, such as ``2023-12-31-7f3a9c12``: the date of `as_of`, and a fingerprint of
            data, settings and `as_of`: the same inputs give the same id.
        as_of: ISO time, or empty where the data have no time.
        source: description of the source.
        data_fingerprint, settings_fingerprint: hex digests.
        recommender: name of the recommender that made the lists.
        k: length of a list.
        rows: rows per table at this release (users, movies, interactions, top_n).
        metrics: main figures, by name.
        verdict: better than popularity: ``yes``, ``no`` or ``cannot tell``.
        files: for each file of the release its SHA-256.
        model_version: version in the model registry, or None.
        tracking_run: id of the tracker's run, or empty.
        orchestrator_run: id of the orchestrator's run, or empty.
        recipe_fingerprint: hex digest of the recipe alone: settings that make lists.
        decision: why it was put in service or not, one sentence.
        made_at: ISO time at which its run started, or empty.
        erased: how many users were erased from it since.
        intervals: lower and upper bound of the 95 % interval of the metrics that have one.
        arm_of: key of the recipe of an experiment's arm that it was made for; empty for all others.
            Such a release answers the users of that arm, and is never in service by itself.
    """

    release: str
    as_of: str
    source: str
    data_fingerprint: str
    settings_fingerprint: str
    recommender: str
    k: int
    rows: Mapping[str, int]
    metrics: Mapping[str, float]
    verdict: str
    files: Mapping[str, str]
    model_version: int | None = None
    tracking_run: str = ""
    orchestrator_run: str = ""
    recipe_fingerprint: str = ""
    decision: str = ""
    made_at: str = ""
    erased: int = 0
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    arm_of: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release is in service, and how it came to be.

    Attributes:
        release: the one in service.
        before: releases that were in service before it, the latest first.
        held: fingerprints of recipes that were rolled back: no run puts them in service
            again until a person does.
        arms: the releases that answer beside it, by key of the recipe of an experiment's arm.
    """

    release: str
    before: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    arms: Mapping[str, str] = field(default_factory=dict)


class ReleaseStore(Protocol):
    """Where releases lie. The pointer is the truth about which one is in service."""

    def publish(self, manifest: Manifest, files: Mapping[str, bytes | Path]) -> Manifest:
        """Write a release whole or not at all; the pointer is not moved.

        Args:
            manifest: its `files` are filled in here.
            files: content (or a local file or folder to copy) by name within the release.

        Returns:
            the manifest as stored. Publishing the same release id with the same lists again
            returns the stored one.
        """
        ...

    def promote(self, release: str) -> None:
        """Move the pointer to `release`, atomically; its recipe is held no longer.

        Raises:
            ReleaseError: it is not whole.
        """
        ...

    def advance(self, release: str, opponent: str) -> bool:
        """Put the release of a run in service, unless a person has decided otherwise meanwhile.

        Args:
            release: of the run.
            opponent: what was in service when the run decided, or empty.

        Returns:
            whether it is in service: not where its recipe is held, or where something else than
            `opponent` is in service by now.

        Raises:
            ReleaseError: it is not whole.
        """
        ...

    def roll_back(self, release: str) -> None:
        """Move the pointer back to `release`, one that was in service before, atomically.

        The recipe that was in service is held, unless it is the same.

        Raises:
            ReleaseError: the release is not whole, or was never in service.
        """
        ...

    def arm(self, recipe: str, release: str) -> None:
        """Let `release` answer the users of the arms with that recipe, atomically.

        What is in service stays as it is, and the arms stay when it moves.

        Args:
            recipe: key of the recipe, see `experiments.assignment.recipe_key`.
            release: made for it.

        Raises:
            ReleaseError: the release is not whole, or nothing is in service yet.
        """
        ...

    def disarm(self, recipe: str) -> None:
        """Let no release of its own answer the arms with that recipe any more, atomically.

        Where there is none, nothing changes.
        """
        ...

    def pointer(self) -> Pointer | None:
        """What is in service and what was before, or None. Raises ReleaseError."""
        ...

    def current(self) -> Manifest | None:
        """The manifest of the release in service, or None if there is none yet."""
        ...

    def manifest(self, release: str) -> Manifest:
        """The manifest of a release, every file of which was compared with its hash.

        Raises:
            ReleaseError: there is none of that id, or it is not whole.
        """
        ...

    def erased(self, release: str) -> int:
        """How many users were erased from a release; none of its files but the manifest is read.

        Raises:
            ReleaseError: there is none of that id.
        """
        ...

    def releases(self) -> Sequence[str]:
        """The ids of all releases there, whole or not, sorted; no file of them is read."""
        ...

    def manifests(self) -> Sequence[Manifest]:
        """All whole releases, oldest `as_of` first."""
        ...

    def told(self) -> Sequence[Manifest]:
        """What the releases say of themselves, oldest `as_of` first; no other file is read.

        Those that cannot be read are left out. Whether the others are whole is not looked at.
        """
        ...

    def read_lists(self, release: str) -> pd.DataFrame:
        """The top-N table of a release. Raises ReleaseError if there is none."""
        ...

    def folder(self, release: str) -> Path:
        """A local folder with the files of the release (fetched first if it lies elsewhere)."""
        ...

    def held(self, user_id: str) -> Mapping[str, Mapping[str, Any]]:
        """What each whole release holds about a user, by release: list, profile, events.

        Args:
            user_id: the id as text; that of a number in the tables too.
        """
        ...

    def erase(self, user_id: str) -> Mapping[str, int]:
        """Take a user out of every release: lists, what is known of them, blocked users.

        The rows of others stay as they are. A release that changes has a new manifest, in which
        `Manifest.erased` is counted up; the pointer is not moved. Doing it again after a death
        removes what is left.

        Raises:
            ReleaseError: a release cannot be read or written.
        """
        ...

    def prune(self, keep: int, always: Collection[str] = ()) -> Sequence[str]:
        """Remove old releases; which.

        The one in service, the one that was in service before it, and those that answer arms of
        experiments stay in any case.

        Args:
            keep: the newest that stay, by the moment that they look from.
            always: releases that stay whatever their age.
        """
        ...
