"""Shelf: what a release store needs of the place where the bytes lie."""

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

Content = bytes | Path
"""What goes into a file: its bytes, or a local file to copy."""


class Shelf(Protocol):
    """Files by release and name, and one pointer. Names were checked by the caller."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold off every other writer, and clear away what killed ones left."""
        ...

    def releases(self) -> list[str]:
        """Everything that lies there as a release, whole or not, sorted."""
        ...

    def read(self, release: str, name: str) -> bytes:
        """The content of a file. Raises OSError (FileNotFoundError if there is none)."""
        ...

    def digest(self, release: str, name: str) -> str:
        """The SHA-256 of a file, read as it lies there. Raises OSError like `read`."""
        ...

    def put(self, release: str, files: Mapping[str, Content], manifest: bytes) -> None:
        """Put the release there in one step, in place of one of the same id.

        Until that step, and after a death before it, readers find the old one.
        """
        ...

    def pointer(self) -> bytes | None:
        """The content of the pointer, or None if there is none."""
        ...

    def point(self, content: bytes) -> None:
        """Replace the pointer in one step."""
        ...

    def tidy(self, release: str) -> None:
        """Remove what earlier versions of a release left, in copies fetched from here too."""
        ...

    def remove(self, release: str) -> None:
        """Remove a release with every copy of it."""
        ...

    def local(self, release: str, files: Mapping[str, str]) -> Path:
        """A local folder with the files, given with their SHA-256; fetched if need be."""
        ...


def sha256(content: Content) -> str:
    """SHA-256 in hex of bytes, or of a file without loading it whole. Raises OSError."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
