"""Recipes: the settings that a release was made with, stored beside its model."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import RECIPE, Manifest, ReleaseStore


def recipe_fingerprint(learning: LearningConfig) -> str:
    """SHA-256 (hex) of what makes lists: the settings without seed, judging and promotion."""
    text = json.dumps(learning.recipe, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def recipe_json(learning: LearningConfig) -> bytes:
    """All learning settings as JSON, for a release."""
    return (learning.model_dump_json(indent=1) + "\n").encode()


def recipe_of(store: ReleaseStore, manifest: Manifest) -> LearningConfig:
    """The learning settings that a release was made with.

    Raises:
        ReleaseError: the release holds none, or of a version that knows other settings.
    """
    path = store.folder(manifest.release) / RECIPE
    try:
        return LearningConfig.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = "is missing" if isinstance(error, OSError) else "is of another version"
        raise ReleaseError(
            f"Release {manifest.release}: {RECIPE} {reason}, so it cannot be refitted.",
            "Promote a newer release with `recsys releases promote`.",
        ) from error


def changed_settings(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Settings that differ, by dotted key: the value before and after.

    >>> changed_settings({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})
    {'a.c': (2, 3)}
    """
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= changed_settings(before, after, f"{prefix}{key}.")
        elif before != after:
            found[f"{prefix}{key}"] = (before, after)
    return found
