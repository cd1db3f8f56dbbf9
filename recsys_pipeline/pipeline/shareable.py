"""Settings as they may be shown to others: no id of a user, no password."""

import re
import tomllib
from typing import Any, Final

from recsys_pipeline.pipeline.config import LearningConfig

BLOCKED_USERS: Final = "rules.blocked_users"
"""Key of the learning settings that names users."""

_BLOCKED = re.compile(
    r"""(blocked_users["']?\s*[=:]\s*)"""
    r"""(\[(?:[^\]"'#]|"(?:\\.|[^"\\])*"|'[^']*'|#[^\n]*)*\])"""
)
_PASSWORD = re.compile(r"""://[^/\s"']*@""")
_QUERY = re.compile(r"""(://[^\s"'?]*)\?[^\s"']*""")


def shareable(learning: LearningConfig) -> dict[str, Any]:
    """All learning settings as plain values; of the users who are blocked only their number."""
    plain = learning.model_dump(mode="json")
    plain["rules"]["blocked_users"] = len(learning.rules.blocked_users)
    return plain


def shareable_text(text: str) -> str:
    """A settings file with the number of blocked users for their ids, and without passwords.

    Args:
        text: TOML or JSON. Of addresses in it user, password and query are left out.

    >>> shareable_text('blocked_users = [7, "b"]')
    'blocked_users = 2'
    >>> shareable_text('uri = "https://me:secret@host/a?token=1"')
    'uri = "https://***@host/a?***"'
    """
    text = _BLOCKED.sub(lambda found: found[1] + _count(found[2]), text)
    return _QUERY.sub(r"\1?***", _PASSWORD.sub("://***@", text))


def _count(array: str) -> str:
    """How many values an array holds, TOML or JSON."""
    try:
        return str(len(tomllib.loads(f"array = {array}")["array"]))
    except tomllib.TOMLDecodeError:
        # Lines that are commented out need not be TOML.
        return '"***"'
