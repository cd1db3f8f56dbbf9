"""Releasing: the lists, the model and the figures of one run, as one thing."""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.fingerprint import fingerprint
from recsys_pipeline.data.frames import write_frame
from recsys_pipeline.data.stored import save_dataset
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import (
    LISTS,
    LOCK,
    MODEL,
    PEOPLE,
    RECIPE,
    Manifest,
    ReleaseStore,
)
from recsys_pipeline.pipeline.recipes import recipe_json
from recsys_pipeline.ranking.released import ReleasedModel

SAMPLED = "sample"


@dataclass(frozen=True)
class Inputs:
    """What a release is made from; equal inputs give an equal release id.

    Attributes:
        source: description of the source.
        as_of: the moment that the run looked from, or None.
        data_fingerprint: of the clean tables.
        learning: the settings.
        sample: share of the users.
        arm_of: key of the recipe of an arm that the release is made for, or empty: what answers an
            arm is not what a promotion of the same recipe makes.
    """

    source: str
    as_of: pd.Timestamp | None
    data_fingerprint: str
    learning: LearningConfig
    sample: float = 1.0
    arm_of: str = ""

    @classmethod
    def of(
        cls,
        source: str,
        as_of: pd.Timestamp | None,
        tables: dict[str, pd.DataFrame],
        learning: LearningConfig,
        sample: float,
    ) -> "Inputs":
        return cls(source, as_of, fingerprint(tables), learning, sample)

    @property
    def settings_fingerprint(self) -> str:
        """Hex digest of all learning settings but those of the gate: they change no list."""
        text = self.learning.model_dump_json(exclude={"promotion"})
        return sha256(text.encode()).hexdigest()

    @property
    def release(self) -> str:
        """The release id, such as ``2023-12-31-7f3a9c12``; a sample says so."""
        day = "undated" if self.as_of is None else f"{self.as_of:%Y-%m-%d}"
        parts = [self.data_fingerprint, self.settings_fingerprint, str(self.as_of), self.source]
        if self.arm_of:
            parts.append(self.arm_of)
        digest = sha256("\n".join(parts).encode()).hexdigest()[:8]
        sampled = "" if self.sample == 1 else f"-{SAMPLED}"
        return f"{day}-{digest}{sampled}"


@dataclass(frozen=True)
class Outcome:
    """What became of a release.

    Attributes:
        manifest: as stored.
        promoted: whether it is to be put in service.
        why: one sentence for people.
    """

    manifest: Manifest
    promoted: bool
    why: str


def publish(
    store: ReleaseStore,
    manifest: Manifest,
    lists: pd.DataFrame,
    model: ReleasedModel,
    data: Dataset,
    learning: LearningConfig,
    lock: bytes | None = None,
    *,
    wins: bool = True,
) -> Outcome:
    """Write the release whole and decide whether it is to be put in service.

    Nothing that is served changes: `put_in_service` moves the pointer, as the last thing of a run.

    Args:
        store: where releases lie.
        manifest: of this release; files are filled in by the store.
        lists: contract `TOP_N`.
        model: the model that made them.
        data: what is known of the users: a list can be made anew from it between two runs.
        learning: the settings that both were made with.
        lock: with which versions and tables, as JSON; None writes none.
        wins: whether the gate lets it in; else it lies there for a person to promote.
    """
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / MODEL)
        save_dataset(data, Path(folder) / PEOPLE)
        files: dict[str, bytes | Path] = {
            LISTS: to_parquet(lists),
            RECIPE: recipe_json(learning),
            MODEL: Path(folder) / MODEL,
            PEOPLE: Path(folder) / PEOPLE,
        }
        if lock is not None:
            files[LOCK] = lock
        stored = store.publish(manifest, files)
    if not wins:
        return Outcome(stored, False, f"Release {stored.release} is not in service.")
    why = _stays(stored, in_service(store))
    if why:
        return Outcome(stored, False, why)
    return Outcome(stored, True, f"Release {stored.release} is in service.")


def put_in_service(store: ReleaseStore, outcome: Outcome, opponent: str) -> Manifest | None:
    """Move the pointer to the release if it is to be; what is in service then.

    Args:
        store: where releases lie.
        outcome: of `publish`.
        opponent: what was in service when the gate decided, or empty. Where a person has moved
            the pointer since, it stays.

    Raises:
        ReleaseError: the release is not whole.
    """
    if outcome.promoted:
        store.advance(outcome.manifest.release, opponent)
    return in_service(store)


def in_service(store: ReleaseStore) -> Manifest | None:
    """The release in service; None where there is none or where the pointer leads nowhere.

    A pointer that cannot be read is no reason to keep everybody without lists: the next release
    writes it anew. `recsys doctor` tells of it.
    """
    try:
        return store.current()
    except ReleaseError:
        return None


def to_parquet(frame: pd.DataFrame) -> bytes:
    """`frame` as the bytes of a Parquet file; equal frames give equal bytes."""
    buffer = BytesIO()
    write_frame(frame, buffer)
    return buffer.getvalue()


def _stays(new: Manifest, current: Manifest | None) -> str:
    """Why the pointer is not moved, or nothing."""
    if current is None or current.release == new.release:
        return ""
    kept = f"release {current.release} stays in service"
    if new.release.endswith(SAMPLED) and not current.release.endswith(SAMPLED):
        return f"Release {new.release} holds a sample of the users only; {kept}."
    same_source = new.source == current.source
    dated = bool(new.as_of and current.as_of)
    if same_source and dated and pd.Timestamp(new.as_of) < pd.Timestamp(current.as_of):
        return f"Release {new.release} looks from an earlier moment; {kept}."
    return ""
