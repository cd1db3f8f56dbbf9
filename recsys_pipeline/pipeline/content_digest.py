"""A digest of what a file says, for files that are never written the same way twice."""

import hashlib
import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

_SKOPS = ".skops"
_SCHEMA = "schema.json"
_THREADS = "n_threads"


def content_digest(name: str, content: bytes) -> str:
    """SHA-256 (hex) of the content of the file called `name`; equal content gives equal text.

    The archives of skops hold the time at which they were written, the places in memory at which
    their objects lay, and the number of threads that made them: those are left out. Of every other
    file each byte counts.

    >>> content_digest("a.json", b"{}") == hashlib.sha256(b"{}").hexdigest()
    True
    """
    if name.endswith(_SKOPS):
        try:
            content = _without_places(content)
        except (BadZipFile, KeyError, ValueError):
            # A damaged archive is what it is: its bytes.
            return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _without_places(content: bytes) -> bytes:
    """The schema of an archive with numbers in order in place of addresses, and its arrays."""
    numbers: dict[Any, int] = {}
    with ZipFile(BytesIO(content)) as archive:

        def plain(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
            fields = {key: value for key, value in pairs if key != _THREADS}
            if "__id__" in fields:
                fields["__id__"] = numbers.setdefault(fields["__id__"], len(numbers))
            if "file" in fields:
                fields["file"] = hashlib.sha256(archive.read(fields["file"])).hexdigest()
            return fields

        schema = json.loads(archive.read(_SCHEMA), object_pairs_hook=plain)
    return json.dumps(schema).encode()
