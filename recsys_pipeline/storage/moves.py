"""How the pointer moves: what it remembers of the releases before."""

from dataclasses import replace

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import Manifest, Pointer

_MOST_BEFORE = 100


def promoted(pointer: Pointer | None, to: Manifest) -> Pointer:
    """The pointer after `to` was put in service; it stays as it is where that is so already."""
    if pointer is None:
        return Pointer(to.release)
    held = tuple(recipe for recipe in pointer.held if recipe != to.recipe_fingerprint)
    if pointer.release == to.release:
        return replace(pointer, held=held)
    before = [pointer.release, *(each for each in pointer.before if each != to.release)]
    return replace(pointer, release=to.release, before=tuple(before[:_MOST_BEFORE]), held=held)


def advanced(pointer: Pointer | None, to: Manifest, opponent: str) -> Pointer | None:
    """The pointer after a run put `to` in service; None where a person has decided otherwise.

    Args:
        pointer: as it is now.
        to: the release of the run.
        opponent: what was in service when the run decided, or empty. Where something else is in
            service by now, somebody moved the pointer meanwhile.
    """
    if pointer is None or pointer.release == to.release:
        return pointer or Pointer(to.release)
    if to.recipe_fingerprint in pointer.held or pointer.release != opponent:
        return None
    return replace(promoted(pointer, to), held=pointer.held)


def rolled_back(pointer: Pointer | None, current: Manifest | None, to: Manifest) -> Pointer:
    """The pointer after going back to `to`.

    Args:
        pointer: as it is, or None.
        current: what is in service; None where that release is lost, and then none is held.
        to: an earlier one.

    Raises:
        ReleaseError: `to` was not in service before.
    """
    if pointer is None or to.release not in pointer.before:
        raise ReleaseError(
            f"Release {to.release} was not in service before.",
            "`recsys releases list` shows which were; `recsys releases promote` takes any release.",
        )
    before = pointer.before[pointer.before.index(to.release) + 1 :]
    held = set(pointer.held) - {to.recipe_fingerprint}
    if current is not None and current.recipe_fingerprint != to.recipe_fingerprint:
        held.add(current.recipe_fingerprint)
    return replace(pointer, release=to.release, before=before, held=tuple(sorted(held - {""})))


def armed(pointer: Pointer | None, recipe: str, release: str) -> Pointer:
    """The pointer after `release` answers the arms with that recipe.

    Raises:
        ReleaseError: nothing is in service.
    """
    if pointer is None:
        raise ReleaseError(
            "Nothing is in service yet, so no arm can be compared with it.",
            "Make the first release with `recsys run`.",
        )
    return replace(pointer, arms=dict(sorted({**pointer.arms, recipe: release}.items())))


def disarmed(pointer: Pointer, recipe: str) -> Pointer:
    """The pointer after the arms with that recipe have no release of their own."""
    return replace(pointer, arms={key: at for key, at in pointer.arms.items() if key != recipe})
