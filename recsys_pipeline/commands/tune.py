"""`recsys tune`: better settings looked for, and written to a file of their own."""

import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape

from recsys_pipeline.pipeline.load import moment_of
from recsys_pipeline.pipeline.protocols import Tracker
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.privacy_door import without_erased
from recsys_pipeline.storage.sources import build_source
from recsys_pipeline.tuning import (
    TUNED_FILE,
    OptunaStudies,
    Session,
    check_target,
    tune_here,
    tuning_folder,
)


def tune_settings(
    settings: Settings,
    config: TuningConfig,
    tracker: Tracker,
    now: pd.Timestamp,
    console: Console,
    *,
    original: Path | None,
    out: Path | None = None,
    fresh: bool = False,
) -> Session:
    """Look for better settings on the newest data, with what earlier sessions tried.

    Args:
        settings: of the installation.
        config: how long.
        tracker: gets the runs.
        now: the time on the clock.
        console: where progress is shown.
        original: the settings file that was read, None where defaults hold.
        out: the file to write, by default `TUNED_FILE` beside it.
        fresh: forget what earlier sessions tried.

    Raises:
        SetupError: Optuna is not installed, or another session is under way.
        SettingsError: `out` must not be written.
        RecsysError: the source cannot be read, or the tracker cannot be used.
    """
    target = settings.root / TUNED_FILE if out is None else out.absolute()
    check_target(target, original, settings.root)
    studies = OptunaStudies(tuning_folder(settings))
    console.print(
        f"Trying settings for {config.minutes:g} minutes or {config.trials:,} trials, whichever is "
        "first. Ctrl-C keeps what was found."
    )
    source = without_erased(settings, build_source(settings))
    try:
        return tune_here(
            settings,
            config,
            source,
            tracker,
            studies,
            moment_of(source, now),
            key=f"tuning-{now.isoformat()}",
            original=original,
            target=target,
            clock=time.monotonic,
            progress=lambda line: console.print(f"[dim]  {escape(line)}[/]", highlight=False),
            fresh=fresh,
        )
    finally:
        studies.close()


def show_session(session: Session, console: Console) -> None:
    """What was found, and what to do with it."""
    tuned = session.tuned
    stopped = "Stopped: " if tuned.stopped else ""
    console.print(
        f"{stopped}{tuned.trials:,} settings tried in {tuned.seconds:.0f} s.", highlight=False
    )
    for sentence in tuned.sentences:
        console.print(f"  {escape(sentence)}", highlight=False)
    if not tuned.findings:
        console.print("  No recommender could be judged on the window: it holds too little.")
    if session.written is None:
        console.print("[bold]The settings stay as they are: nothing is better beyond chance.[/]")
        return
    for key, (old, new) in tuned.changes.items():
        console.print(f"  learning.{key}: {old} → [bold]{new}[/]", highlight=False)
    name = session.written.name
    console.print(f"Written: {escape(str(session.written))}", highlight=False, soft_wrap=True)
    console.print(
        f"Next: [bold]recsys run --settings {escape(name)}[/]; the promotion gate decides whether "
        "its lists are put in service."
    )
