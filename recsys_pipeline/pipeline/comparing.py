"""Two releases, found by what a person typed, and compared."""

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.differing import ReleaseDiff, diff_releases
from recsys_pipeline.pipeline.moving import known_release
from recsys_pipeline.pipeline.protocols import Manifest, ReleaseStore
from recsys_pipeline.pipeline.recipes import recipe_of


def compare(store: ReleaseStore, before: str | None, after: str | None) -> ReleaseDiff:
    """The way from `before` to `after`.

    Args:
        store: where releases lie.
        before: id, or a beginning of one; None is what was in service before.
        after: likewise; None is what is in service.

    Raises:
        ReleaseError: there is no such release, or nothing to compare with.
    """
    pointer = store.pointer()
    if pointer is None and after is None:
        raise ReleaseError("There is no release yet.", "Make one with `recsys run`.")
    if before is None and (pointer is None or not pointer.before):
        raise ReleaseError(
            "No release was in service before this one.",
            "Name two releases: `recsys releases list` shows what there is.",
        )
    old = known_release(store, before if before is not None else pointer.before[0])  # type: ignore[union-attr]
    new = known_release(store, after if after is not None else pointer.release)  # type: ignore[union-attr]
    return diff_releases(
        old,
        new,
        store.read_lists(old.release),
        store.read_lists(new.release),
        _recipes(store, old, new),
    )


def _recipes(
    store: ReleaseStore, old: Manifest, new: Manifest
) -> tuple[LearningConfig, LearningConfig] | None:
    try:
        return recipe_of(store, old), recipe_of(store, new)
    except ReleaseError:
        return None
