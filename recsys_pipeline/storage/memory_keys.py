"""API keys in memory, for tests and trials."""

from dataclasses import dataclass, field, replace

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.online import ApiKey


@dataclass
class MemoryKeyStore:
    """A `KeyStore` that is gone with the process."""

    _keys: dict[str, ApiKey] = field(default_factory=dict)

    def add(self, key: ApiKey) -> None:
        """See `KeyStore`.

        Raises:
            StorageError: there is a key with that id.
        """
        if key.key_id in self._keys:
            raise StorageError(
                f"The key {key.key_id!r} cannot be kept: there is one with that id.",
                "Make a key with another id.",
            )
        self._keys[key.key_id] = key

    def keys(self) -> list[ApiKey]:
        """See `KeyStore`."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.key_id))

    def revoke(self, key_id: str) -> bool:
        """See `KeyStore`."""
        if key_id not in self._keys:
            return False
        self._keys[key_id] = replace(self._keys[key_id], revoked=True)
        return True
