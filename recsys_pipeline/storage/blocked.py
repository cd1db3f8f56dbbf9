"""Settings in JSON that name users: those whom the business rules block."""

import json
from typing import Any, Final

_KEY: Final = "blocked_users"


def without_blocked(content: bytes, user_id: str) -> bytes | None:
    """A JSON file without a user among those who are blocked; None where there is none to remove.

    Args:
        content: of the file; one that is no JSON is left as it is.
        user_id: the id as text.
    """
    if _KEY.encode() not in content:
        return None
    try:
        fields = json.loads(content)
    except ValueError:
        return None
    changed = _without(fields, user_id)
    if changed == fields:
        return None
    end = "\n" if content.endswith(b"\n") else ""
    return (json.dumps(changed, indent=1, ensure_ascii=False) + end).encode()


def _without(node: Any, user_id: str) -> Any:
    if isinstance(node, list):
        return [_without(each, user_id) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: [each for each in value if str(each).strip() != user_id]
        if key == _KEY and isinstance(value, list)
        else _without(value, user_id)
        for key, value in node.items()
    }
