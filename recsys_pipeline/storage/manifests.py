"""The manifest and the pointer as JSON, and which names they may hold."""

import json
import math
import re
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import Manifest, Pointer

MANIFEST: Final = "manifest.json"
"""The file of a release that says what the others are; written last."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MANIFEST = TypeAdapter(Manifest)
_POINTER = TypeAdapter(Pointer)


def checked_id(release: str) -> str:
    """`release` itself. Raises ReleaseError if it cannot be the name of a folder of its own."""
    if not _ID.fullmatch(release):
        raise ReleaseError(
            f"{release!r} is no release id.",
            "An id has letters, digits and - _ . only, such as 2023-12-31-7f3a9c12.",
        )
    return release


def checked_name(name: str) -> str:
    """`name` itself. Raises ReleaseError if it is no relative path that stays in the release."""
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or str(path) != name
        or ".." in path.parts
        or re.search(r"[\\:\x00-\x1f]", name)
        or name == MANIFEST
    ):
        raise ReleaseError(
            f"{name!r} cannot be the name of a file in a release.",
            f"Use a relative path with forward slashes, other than {MANIFEST}.",
        )
    return name


def manifest_json(manifest: Manifest) -> bytes:
    """The manifest as JSON; a figure that is not finite is written as null."""
    fields = asdict(manifest)
    fields["rows"] = {name: int(count) for name, count in manifest.rows.items()}
    fields["metrics"] = {
        name: float(figure) if math.isfinite(figure) else None
        for name, figure in manifest.metrics.items()
    }
    return _json(fields)


def manifest_of(content: bytes, release: str) -> Manifest:
    """The manifest that `manifest_json` wrote; null figures come back as NaN.

    Raises:
        ValueError: it is not the manifest of `release`; the text says why.
    """
    fields = _object(content)
    metrics = fields.get("metrics")
    if isinstance(metrics, dict):
        fields["metrics"] = {
            name: math.nan if figure is None else figure for name, figure in metrics.items()
        }
    try:
        manifest = _MANIFEST.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if manifest.release != release:
        raise ValueError(f"it belongs to release {manifest.release}")
    return manifest


def pointer_json(pointer: Pointer) -> bytes:
    """The pointer as JSON."""
    return _json(asdict(pointer))


def pointer_of(content: bytes) -> Pointer:
    """The pointer that `pointer_json` wrote. Raises ValueError if it names no release."""
    try:
        pointer = _POINTER.validate_python(_object(content))
    except ValidationError as error:
        raise ValueError("it names no release") from error
    if not _ID.fullmatch(pointer.release):
        raise ValueError("it names no release")
    return pointer


def _json(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object in `content`. Raises ValueError (UnicodeDecodeError included)."""
    fields = json.loads(content.decode())
    if not isinstance(fields, dict):
        raise ValueError("it is no JSON object")
    return fields
