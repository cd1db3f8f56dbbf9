"""Write docs/settings.md from the settings classes; with --check, only compare.

Exit code 1 where the file is not what the classes say.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
        variable: of the environment; empty within a list of tables, which only a whole list sets.
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
        variable: of the environment that sets the whole list, within a list of tables; else empty.
        is_list: whether there may be several of it.
    """

    path: str
    text: str
    keys: tuple[Key, ...]
    variable: str = ""
    is_list: bool = False

    @property
    def heading(self) -> str:
        """As it is written in the file."""
        return f"[[{self.path}]]" if self.is_list else f"[{self.path}]"


def sections(
    model: type[BaseModel] = Settings,
    path: tuple[str, ...] = (),
    variable: str = "",
    is_list: bool = False,
) -> Iterator[Section]:
    """Every section below `model`, in the order of the classes; root, which is no key, left out."""
    keys, below = [], []
    for name, field in model.model_fields.items():
        inner, where = _model_in(field.annotation), (*path, name)
        if inner is not None:
            several = get_origin(field.annotation) is tuple
            whole = variable or (_variable(where) if several else "")
            below.append((inner, where, whole, several))
        elif path:
            key = _key(where, field)
            keys.append(replace(key, variable="") if variable else key)
    if path:
        yield Section(".".join(path), _first_line(model), tuple(keys), variable, is_list)
    for each in below:
        yield from sections(*each)


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
        variable=_variable(path),
        kind=_kind(field.annotation, field.metadata),
        default=_default(field),
        text=field.description or "",
    )


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


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
        case dict():
            pairs = ", ".join(f"{key} = {_toml(item).strip('`')}" for key, item in value.items())
            return f"`{{ {pairs} }}`" if pairs else "`{}`"
        case _:
            return f"`{value}`"


def reference() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    shown: dict[tuple[str, ...], str] = {}
    for section in sections():
        lines += [f"## `{section.heading}`", "", section.text, ""]
        if section.is_list:
            lines += [f"There may be several; `{section.variable}` holds all of them as JSON.", ""]
        names = tuple(key.name for key in section.keys)
        if names in shown:
            lines += [_those_of(shown[names], section), ""]
        elif names:
            shown[names] = section.heading
            lines += [*_table(section.keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def _those_of(heading: str, section: Section) -> str:
    told = f"The keys are those of [`{heading}`](#{_anchor(heading)})"
    if section.variable:
        return f"{told}."
    return f"{told}; variables start with `{_variable(tuple(section.path.split('.')))}__`."


def _table(keys: tuple[Key, ...]) -> Iterator[str]:
    yield "| key | values | default | what it is for | variable |"
    yield "|---|---|---|---|---|"
    for key in keys:
        cells = (f"`{key.name}`", key.kind, key.default, key.text)
        cells += (f"`{key.variable}`" if key.variable else "",)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _anchor(path: str) -> str:
    """What GitHub makes of the heading of a section."""
    return path.replace(".", "").strip("[]")


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
