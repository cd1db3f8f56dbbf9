"""The door to small facts that several processes share, such as how far a release has ramped up."""

from typing import Protocol


class StateStore(Protocol):
    """Texts (JSON) by key. Safe to use from several threads and processes."""

    def get(self, key: str) -> str | None:
        """What is kept under that key, or None."""
        ...

    def put(self, key: str, value: str) -> None:
        """Keep `value` under that key, whatever was there."""
        ...

    def swap(self, key: str, expected: str | None, value: str) -> bool:
        """Keep `value` only if `expected` is there (None: nothing is); whether it was.

        Of several that expect the same, one succeeds.
        """
        ...
