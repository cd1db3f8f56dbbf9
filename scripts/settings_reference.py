"""Write docs/settings.md from the settings classes; with --check, only compare.

Exit code 1 where the file is not what the classes say.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from recsys_pipeline.settings import FILE_NAME, FILE_VARIABLE, PREFIX, Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

INTRODUCTION = f"""# Settings

Written by `make docs` from the settings classes. Do not edit.

Settings are read from `{FILE_NAME}` in the working folder or the nearest folder above it. Without
one the defaults below hold. Variables of the environment win over the file. A key or variable
that is not on this page is refused, with the nearest one that exists.

`{FILE_VARIABLE}` names another settings file. Lists and tables in variables are written as JSON.
"""

TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}
"""What the types of values are called for people; dates and others keep their names."""


@dataclass(frozen=True)
class Key:
    """One setting.

    Attributes:
        name: the key within its section.
        variable: of the environment.
        kind: what its values are, for people.
        default: as TOML, or in words where there is none.
        text: what it is for.
    """

    name: str
    variable: str
    kind: str
    default: str
    text: str


@dataclass(frozen=True)
class Section:
    """One table of recsys.toml.

    Attributes:
        path: its heading, such as ``learning.ranker``.
        text: what it is for.
        keys: its settings, those of sections below it left out.
    """

    path: str
    text: str
    keys: tuple[Key, ...]


def sections(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[Section]:
    """Every section below `model`, in the order of the classes; root, which is no key, left out."""
    keys, below = [], []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            below.append((inner, (*path, name)))
        elif path:
            keys.append(_key((*path, name), field))
    if path:
        yield Section(".".join(path), _first_line(model), tuple(keys))
    for inner, where in below:
        yield from sections(inner, where)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


def _key(path: tuple[str, ...], field: FieldInfo) -> Key:
    return Key(
        name=path[-1],
        variable=PREFIX + "__".join(path).upper(),
        kind=_kind(field.annotation, field.metadata),
        default=_default(field),
        text=field.description or "",
    )


def _kind(annotation: Any, limits: list[Any]) -> str:
    """A type in words, with its limits."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inside[0], list(inside[1:]))
    if origin in (Union, UnionType):
        parts = [_kind(part, limits) for part in inside if part is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if origin is Literal:
        return ", ".join(_toml(value) for value in inside)
    if origin is tuple and inside == (float, float):
        return "two numbers"
    if origin in (list, tuple):
        return f"list of: {_kind(inside[0], [])}"
    if origin is dict:
        return "table"
    return " ".join(filter(None, [TYPES.get(annotation, annotation.__name__), _limits(limits)]))


def _limits(limits: list[Any]) -> str:
    signs = {at.Ge: ("≥", "ge"), at.Gt: (">", "gt"), at.Le: ("≤", "le"), at.Lt: ("<", "lt")}
    found = []
    for limit in limits:
        if type(limit) in signs:
            sign, name = signs[type(limit)]
            value = getattr(limit, name)
            found.append(
                f"{sign} {value:,}" if isinstance(value, int | float) else f"{sign} {value}"
            )
    return ", ".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else _toml(field.default)


def _toml(value: Any) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
        case tuple() | list():
            return "`[" + ", ".join(_toml(item).strip("`") for item in value) + "]`"
        case _:
            return f"`{value}`"


def reference() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    shown: dict[tuple[str, ...], str] = {}
    for section in sections():
        lines += [f"## `[{section.path}]`", "", section.text, ""]
        names = tuple(key.name for key in section.keys)
        if names in shown:
            lines += [
                f"The keys are those of [`[{shown[names]}]`](#{_anchor(shown[names])}); variables "
                f"start with `{PREFIX}{section.path.replace('.', '__').upper()}__`.",
                "",
            ]
        elif names:
            shown[names] = section.path
            lines += [*_table(section.keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(keys: tuple[Key, ...]) -> Iterator[str]:
    yield "| key | values | default | what it is for | variable |"
    yield "|---|---|---|---|---|"
    for key in keys:
        cells = (f"`{key.name}`", key.kind, key.default, key.text, f"`{key.variable}`")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _anchor(path: str) -> str:
    """What GitHub makes of the heading of a section."""
    return path.replace(".", "")


def main() -> int:
    """Write or compare the page, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    text = reference()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"docs/{PAGE.name} differs from the settings: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
