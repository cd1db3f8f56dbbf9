"""A guess as the text of recsys.toml, with the reason behind every line."""

import json
import re
from typing import Any

from recsys_pipeline.sources.guess import Guess
from recsys_pipeline.sources.guess_table import Guessed

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def render_settings(guess: Guess) -> str:
    """TOML with comments; parses to exactly ``guess.settings``. Ends in a newline."""
    lines = [
        "# Written by `recsys init` from your files. Each line says why it is as it is; change",
        "# what is wrong.",
    ]
    if guess.questions:
        lines += ["#", "# To be looked at:"]
        lines += [f"# - {_line(question)}" for question in guess.questions]
    if guess.first_event is not None:
        lines += ["#", f"# The earliest interaction is of {guess.first_event:%Y-%m-%d}."]
    reasons: dict[str, list[Guessed]] = {}
    for item in guess.guessed:
        reasons.setdefault(item.setting, []).append(item)
    lines += _table("source", guess.settings["source"], reasons)
    return "\n".join(lines) + "\n"


def _table(path: str, settings: dict[str, Any], reasons: dict[str, list[Guessed]]) -> list[str]:
    """The lines of one table and of those below it; a table of values is written inline."""
    plain = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    below = {key: value for key, value in settings.items() if isinstance(value, dict)}
    inline = path.endswith(".values")
    lines: list[str] = []
    if plain or inline:
        lines += ["", *(f"# {_line(item.reason)}" for item in reasons.get(path, []))]
        lines.append(f"[{path}]")
        for key, value in (settings if inline else plain).items():
            why = [_line(item.reason) for item in reasons.get(f"{path}.{key}", [])]
            lines += [f"# {reason}" for reason in why]
            lines.append(f"{_key(key)} = {_value(value)}")
    if not inline:
        for key, value in below.items():
            lines += _table(f"{path}.{key}", value, reasons)
    return lines


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())} }}"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else repr(value)


def _text(text: str) -> str:
    # JSON strings are TOML strings but for DEL, which TOML wants escaped, and for pairs of
    # surrogates, which do not arise where other letters stay as they are.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(text: str) -> str:
    """`text` on one line without control characters, as TOML wants comments."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
