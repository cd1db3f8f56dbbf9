"""The settings file that tuning writes: the user's own, comments and all, with other values."""

import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.search_space import Value
from recsys_pipeline.settings import FILE_NAME, load_settings

TUNED_FILE: Final = "recsys.tuned.toml"
"""Name of the file, beside recsys.toml."""

_FIRST_LINE: Final = "# Written by `recsys tune`."
_SECTION: Final = "learning"
_WIDTH: Final = 100


def check_target(target: Path, original: Path | None, root: Path) -> None:
    """Refuse a file that must not be written.

    Args:
        target: the file to write.
        original: the settings file that was read, None where defaults hold.
        root: the folder at which relative paths in the settings start.

    Raises:
        SettingsError: it lies elsewhere than `root`, is the file of the settings themselves, or
            is there and was written by somebody else.
    """
    if target.parent.resolve() != root.resolve():
        raise SettingsError(
            f"--out: {target} does not lie beside {FILE_NAME}, in {root}.",
            "Relative paths in it start at its own folder: give the name of a file there.",
        )
    own = [(root / FILE_NAME).resolve(), *([] if original is None else [original.resolve()])]
    if target.resolve() in own:
        raise SettingsError(
            f"--out: {target} holds your own settings.",
            f"Give another name, such as {TUNED_FILE}, and compare the two.",
        )
    if target.exists() and not _text(target).startswith(_FIRST_LINE):
        raise SettingsError(
            f"--out: {target} is there, and was not written by `recsys tune`.",
            "Move it away, or give another name.",
        )


def tuned_text(
    original: str, changes: Mapping[str, tuple[Value, Value]], notes: Sequence[str]
) -> str:
    """The text of the tuned settings.

    Args:
        original: the text of the user's settings file, TOML.
        changes: by key below [learning] the value before and after; None is no value.
        notes: said at the top, one paragraph each.
    """
    import tomlkit

    text = _without_head(original)
    document, wanted = tomlkit.parse(text), tomllib.loads(text)
    for key, (_, new) in changes.items():
        _put(document, (_SECTION, *key.split(".")), new)
        _put(wanted, (_SECTION, *key.split(".")), new)
    text = document.as_string()
    if _read(text) != wanted:
        # Keys with dots below a section are beyond tomlkit; without comments any file can be said.
        text = tomlkit.dumps(wanted)
    return _head(changes, notes) + text


def _put(node: Any, path: Sequence[str], value: Value) -> None:
    """Set the value at `path`, or remove it if it is None; what is missing above is made."""
    *above, last = path
    for part in above:
        if part not in node:
            node[part] = {}
        node = node[part]
    if value is not None:
        node[last] = value
    elif last in node:
        del node[last]


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def write_tuned(
    target: Path,
    original: Path | None,
    changes: Mapping[str, tuple[Value, Value]],
    notes: Sequence[str],
) -> str:
    """Write the tuned settings and read them once; returns the text.

    Raises:
        SetupError: the file cannot be written.
        SettingsError: it cannot be read as settings.
    """
    text = tuned_text("" if original is None else _text(original), changes, notes)
    beside = target.with_name(f".{target.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        load_settings(beside)
        beside.replace(target)
    except OSError as error:
        raise SetupError(
            f"{target} cannot be written: {error.strerror or error}.", "Make its folder writable."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return text


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _without_head(text: str) -> str:
    """`text` without what an earlier session said at the top."""
    if not text.startswith(_FIRST_LINE):
        return text
    lines = text.splitlines(keepends=True)
    own = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[own:]).removeprefix("\n")


def _head(changes: Mapping[str, tuple[Value, Value]], notes: Sequence[str]) -> str:
    lines = [_FIRST_LINE, "#"]
    lines += [
        f"#   {_SECTION}.{key}: {_shown(old)} → {_shown(new)}"
        for key, (old, new) in changes.items()
    ]
    for note in notes:
        lines.append("#")
        lines += [f"# {line}" for line in textwrap.wrap(note, _WIDTH - 2)]
    return "\n".join(lines) + "\n\n"


def _shown(value: Value) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
