"""Moving releases in and out of service by hand: model and lists together, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recsys_pipeline.errors import RecsysError, ReleaseError
from recsys_pipeline.pipeline.protocols import Manifest, Pointer, ReleaseStore, Tracker

CHAMPION: Final = "champion"
"""Alias of the registered model that is in service."""


@dataclass(frozen=True)
class Moved:
    """What a person moved.

    Attributes:
        before: the release that was in service, or None.
        after: the one that is now.
        alias_follows: whether the registry's alias follows; else it does after the next run.
    """

    before: Manifest | None
    after: Manifest
    alias_follows: bool


def promote(store: ReleaseStore, tracker: Tracker, release: str) -> Moved:
    """Put any whole release in service.

    Raises:
        ReleaseError: it is not whole, or there is none of that id.
    """
    before = _current(store)
    store.promote(known_id(store, release))
    return _followed(store, tracker, before)


def roll_back(store: ReleaseStore, tracker: Tracker, release: str | None = None) -> Moved:
    """Put back the release that was in service before, or an earlier one; its recipe is held.

    Args:
        release: which one; None is the one before.

    Raises:
        ReleaseError: none was in service before, that one was not, or it is not whole.
    """
    pointer = store.pointer()
    if pointer is None or not pointer.before:
        raise ReleaseError(
            "No release was in service before this one.",
            "`recsys releases list` shows what there is.",
        )
    before = _current(store)
    to = pointer.before[0] if release is None else known_id(store, release)
    store.roll_back(to)
    return _followed(store, tracker, before)


def known_id(store: ReleaseStore, release: str) -> str:
    """The release of that id or of a beginning that only one id has; no file of it is read.

    Raises:
        ReleaseError: no id or several begin so.
    """
    wanted = release.strip()
    found = [each for each in store.releases() if wanted and each.startswith(wanted)]
    exact = [each for each in found if each == wanted]
    if len(exact or found) != 1:
        raise _unclear(release, found)
    return (exact or found)[0]


def known_release(store: ReleaseStore, release: str) -> Manifest:
    """What `known_id` finds, if it is whole. Raises ReleaseError."""
    chosen = known_id(store, release)
    for manifest in store.manifests():
        if manifest.release == chosen:
            return manifest
    raise _unclear(release, [])


def _unclear(release: str, found: Sequence[str]) -> ReleaseError:
    return ReleaseError(
        f"{'Several releases begin' if found else 'No whole release begins'} with {release!r}.",
        ", ".join(found[:5]) or "`recsys releases list` shows what there is.",
    )


def _current(store: ReleaseStore) -> Manifest | None:
    try:
        return store.current()
    except ReleaseError:
        return None


def _followed(store: ReleaseStore, tracker: Tracker, before: Manifest | None) -> Moved:
    after = store.current()
    assert after is not None
    return Moved(before, after, point_alias(tracker, after))


def point_alias(tracker: Tracker, manifest: Manifest) -> bool:
    """Let the alias champion follow the pointer, which is the truth; whether it could."""
    if manifest.model_version is None:
        return False
    try:
        tracker.set_alias(CHAMPION, manifest.model_version)
    except RecsysError:
        return False
    return True


@dataclass(frozen=True)
class Seen:
    """What somebody who looks now and then saw last.

    Attributes:
        release: in service.
        version: that the alias champion pointed at.
    """

    release: str
    version: int | None


@dataclass(frozen=True)
class Followed:
    """What a look found and did.

    Attributes:
        seen: for the next look.
        moved: the release that was put in service because the alias was moved, or empty.
        text: what was found, for people.
    """

    seen: Seen
    moved: str
    text: str


def follow_alias(store: ReleaseStore, tracker: Tracker, last: Seen | None) -> Followed:
    """Put in service what a person chose by moving the alias champion in the registry.

    Only a move of the alias alone is a choice: where the pointer moved since the last look, the
    alias is set right instead.

    Args:
        last: what was seen at the last look, None for the first, which only takes note.
    """
    current = _current(store)
    version = tracker.alias(CHAMPION)
    if current is None:
        return Followed(Seen("", version), "", "Nothing is in service yet.")
    now = Seen(current.release, version)
    if version is None or version == current.model_version:
        return Followed(now, "", f"Release {current.release} and the alias agree.")
    chosen = last is not None and last.release == current.release and last.version != version
    if not chosen:
        if not point_alias(tracker, current):
            # An alias that stays where it is must not look like a choice at the next look.
            return Followed(now, "", f"The alias could not be set to release {current.release}.")
        seen = Seen(current.release, current.model_version)
        return Followed(seen, "", f"The alias was set to release {current.release}.")
    wanted = [each for each in store.manifests() if each.model_version == version]
    if not wanted:
        text = f"The alias points at version {version}, which belongs to no whole release."
        return Followed(now, "", text)
    release = wanted[-1].release
    _move(store, release)
    return Followed(Seen(release, version), release, f"Release {release} was put in service.")


def _move(store: ReleaseStore, release: str) -> None:
    """Back to one that was in service before is a rollback; anything else is a promotion."""
    pointer: Pointer | None = store.pointer()
    if pointer is not None and release in pointer.before:
        store.roll_back(release)
    else:
        store.promote(release)
