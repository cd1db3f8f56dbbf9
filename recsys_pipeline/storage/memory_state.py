"""Small facts in memory, for tests and trials."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class MemoryStateStore:
    """A `StateStore` that is gone with the process."""

    _values: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: str) -> str | None:
        """See `StateStore`."""
        return self._values.get(key)

    def put(self, key: str, value: str) -> None:
        """See `StateStore`."""
        with self._lock:
            self._values[key] = value

    def swap(self, key: str, expected: str | None, value: str) -> bool:
        """See `StateStore`."""
        with self._lock:
            as_expected = self._values.get(key) == expected
            if as_expected:
                self._values[key] = value
            return as_expected
