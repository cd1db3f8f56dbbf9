"""Names for people where their ids must not be: in logs and in the keys of a cache."""

from hashlib import blake2b

_SHOWN = 12


class Pseudonyms:
    """Keyed hashes of ids: nobody without the key can find out whose one is by trying ids.

    Args:
        key: 16 to 64 bytes, the same in every process, kept out of logs and caches.
    """

    def __init__(self, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("the key of pseudonyms has 16 to 64 bytes")
        self._key = key

    def of(self, user_id: str) -> str:
        """The pseudonym of a user: 32 hexadecimal digits."""
        data = user_id.encode("utf-8", "surrogatepass")
        return blake2b(data, key=self._key, digest_size=16).hexdigest()

    def shown(self, user_id: str) -> str:
        """The beginning of it that logs have: 12 digits."""
        return self.of(user_id)[:_SHOWN]
