"""The key that stands between people's ids and what is remembered of them after an erasure."""

import hmac
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

import pandas as pd

from recsys_pipeline.errors import SettingsError, SetupError

LEAST: Final = 16
"""Fewest characters of a key."""

_SHOWN: Final = 12
_NEW_BYTES: Final = 32
_BLOCK: Final = 64
"""Bytes of a block of SHA-256."""


def canonical(user_id: object) -> str:
    """The text of an id, the same whether a table holds it as a number or as a text.

    >>> canonical(12), canonical(" 12"), canonical("012")
    ('12', '12', '012')
    """
    return str(user_id).strip()


@dataclass(frozen=True)
class PrivacyKey:
    """Keyed hashes of ids: nobody without the key can tell whose they are by trying ids.

    Attributes:
        secret: the key itself.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < LEAST:
            raise SettingsError(
                f"The privacy key has fewer than {LEAST} characters.",
                "Let `recsys` make one, or set RECSYS_PRIVACY__KEY to a long random text.",
            )

    def digest(self, user_id: object) -> str:
        """HMAC-SHA256 of an id, 64 hexadecimal digits."""
        text = canonical(user_id).encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, text, "sha256").hex()

    def known(self, user_ids: pd.Index, digests: Collection[str]) -> dict[object, str]:
        """Those of the ids that have one of the digests, with it.

        Args:
            user_ids: a million of them take about a second; none is missing.
            digests: of whom to look for.
        """
        wanted = {bytes.fromhex(digest) for digest in digests}
        # HMAC as RFC 2104 writes it: one call of the library for each id takes twice as long.
        block = sha256(self.secret).digest() if len(self.secret) > _BLOCK else self.secret
        inner = bytes(byte ^ 0x36 for byte in block.ljust(_BLOCK, b"\0"))
        outer = bytes(byte ^ 0x5C for byte in block.ljust(_BLOCK, b"\0"))
        found = {}
        for user in user_ids.tolist():
            text = str(user).strip().encode("utf-8", "surrogatepass")
            digest = sha256(outer + sha256(inner + text).digest()).digest()
            if digest in wanted:
                found[user] = digest.hex()
        return found

    def pseudonym(self, user_id: object) -> str:
        """What logs call a user: 12 hexadecimal digits, of another key than `digest`."""
        text = canonical(user_id).encode("utf-8", "surrogatepass")
        return hmac.digest(self.for_logs, text, "sha256").hex()[:_SHOWN]

    @property
    def for_logs(self) -> bytes:
        """The key of pseudonyms, 32 bytes: it gives nothing away of the one of erasures."""
        return hmac.digest(self.secret, b"pseudonyms", "sha256")

    @property
    def fingerprint(self) -> str:
        """What tells this key from another one, 16 hexadecimal digits."""
        return hmac.digest(self.secret, b"fingerprint", "sha256").hex()[:16]

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """The key in a file, None where there is none.

        Raises:
            SetupError: the file cannot be read.
            SettingsError: what is in it is too short for a key.
        """
        try:
            return cls(file.read_bytes().strip())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SetupError(
                f"The privacy key {file} cannot be read: {error.strerror or error}.",
                "Let the user who runs recsys read it.",
            ) from error

    @classmethod
    def read_or_make(cls, file: Path) -> Self:
        """The key in a file; a new one, which only its owner may read, where there is none.

        Of several processes that make one at once, all get the same.

        Raises:
            SetupError: the file cannot be read or written.
        """
        found = cls.read(file)
        if found is not None:
            return found
        new = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as target:
                target.write(f"{secrets.token_hex(_NEW_BYTES)}\n")
                target.flush()
                os.fsync(target.fileno())
            # A link, other than a rename, takes nobody else's key away.
            with suppress(FileExistsError):
                os.link(new, file)
        except OSError as error:
            raise SetupError(
                f"The privacy key {file} cannot be written: {error.strerror or error}.",
                "Make its folder writable, or set RECSYS_PRIVACY__KEY.",
            ) from error
        finally:
            new.unlink(missing_ok=True)
        made = cls.read(file)
        if made is None:
            raise SetupError(
                f"The privacy key {file} was taken away while it was made.", "Try again."
            )
        return made
