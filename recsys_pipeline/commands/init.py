"""`recsys init`: look at the user's files, write recsys.toml, say what was guessed and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.settings import FILE_NAME, load_settings
from recsys_pipeline.sources import Guess, guess, render_settings

_WEEK_BEFORE = pd.Timedelta(days=8)
"""A week begins at its first scheduled start, so it must lie a whole week before an event."""


def _first_week(found: Guess) -> str:
    """The section that lets past weeks of the data be run."""
    if found.first_event is None:
        return ""
    first = found.first_event - _WEEK_BEFORE
    return (
        "\n[schedule]\n# The first week that can be run or backfilled: one that starts before the "
        f"earliest\n# interaction.\nfirst_week = {first:%Y-%m-%d}\n"
    )


@dataclass(frozen=True)
class Initialised:
    """What was written.

    Attributes:
        path: the settings file.
        found: the guesses and the open questions.
    """

    path: Path
    found: Guess


def initialise(paths: Sequence[Path], folder: Path, force: bool) -> Initialised:
    """Guess the settings for `paths` and write them to recsys.toml in `folder`.

    Raises:
        SourceError: the paths hold no table of interactions, or cannot be read.
        SettingsError: there is a recsys.toml already and `force` is not given.
        SetupError: the file cannot be written.
    """
    target = folder / FILE_NAME
    if target.exists() and not force:
        raise SettingsError(
            f"{target} exists already.", "Move it away, or overwrite it with --force."
        )
    found = guess(paths, folder)
    text = render_settings(found) + _first_week(found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"{target} cannot be written: {error.strerror}.", "Choose another folder with --folder."
        ) from error
    load_settings(target)
    return Initialised(target, found)
