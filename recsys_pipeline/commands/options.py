"""Options that several commands share, and how they print JSON."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", help="Settings file; else recsys.toml here or in a folder above."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, nothing else.")]

_WIDTH = 100
"""Columns where the output goes to a file."""


def lines(*texts: str) -> str:
    """A text below a help page: each of `texts` on a line of its own."""
    return "\n\n".join(texts)


def console_for(as_json: bool) -> Console:
    """Progress and tables go to stderr where stdout is for JSON."""
    stream = sys.stderr if as_json else sys.stdout
    width = None if stream.isatty() else _WIDTH
    return Console(stderr=as_json, quiet=as_json and not sys.stderr.isatty(), width=width)


def print_json(value: Any) -> None:
    """Print `value`, with null in place of numbers that JSON has no word for."""
    typer.echo(json_text(value))


def json_text(value: Any) -> str:
    """`value` as `print_json` prints it."""
    plain = _finite(value)
    return json.dumps(plain, indent=1, ensure_ascii=False, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
