"""Business figures as JSON and back."""

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recsys_pipeline.errors import StorageError


@lru_cache(maxsize=16)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(kind: Any, value: Any) -> bytes:
    """`value`, an instance of `kind`, as JSON. Not-a-number is written as null."""
    return _adapter(kind).dump_json(value, indent=2)


def load(kind: Any, content: bytes, what: str) -> Any:
    """What `dump` wrote.

    Args:
        what: what it is, for the message.

    Raises:
        StorageError: it is not what `dump` writes for `kind`.
    """
    try:
        return _adapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StorageError(
            f"{what} cannot be read: {place or 'content'}: {first['msg']}",
            "Make the report of that week again: recsys report --make.",
        ) from error
