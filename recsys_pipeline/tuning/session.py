"""One session of tuning: the data as they are, the studies of earlier sessions, the tuned file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.data.fingerprint import fingerprint
from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.load import load
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.protocols import TrackedRun, Tracker
from recsys_pipeline.pipeline.shareable import shareable_text
from recsys_pipeline.pipeline.studies import Budget, Studies
from recsys_pipeline.pipeline.tuning import Tuned, tune
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.settings import Settings
from recsys_pipeline.sources import Source
from recsys_pipeline.tuning.settings_file import check_target, write_tuned

_WHOSE = (
    "These figures are of users that the settings were not chosen by, each recommender alone. "
    "Whether the lists get better is for the promotion gate, on the test."
)


@dataclass(frozen=True)
class Session:
    """What one session did.

    Attributes:
        tuned: what was found.
        written: the file, or None where no setting is worth changing.
        run_id: of the tracker's run.
        link: where a person finds that run: a path within the tracker's UI.
    """

    tuned: Tuned
    written: Path | None
    run_id: str
    link: str


def tuning_folder(settings: Settings) -> Path:
    """Where studies are kept: in the data folder, or beside recsys.toml if that is remote."""
    local = settings.root / "data" if "://" in settings.storage.data else Path(settings.data.path)
    return local / "tuning"


def tune_here(
    settings: Settings,
    config: TuningConfig,
    source: Source,
    tracker: Tracker,
    studies: Studies,
    as_of: pd.Timestamp | None,
    *,
    key: str,
    original: Path | None,
    target: Path,
    clock: Callable[[], float],
    progress: Progress,
    fresh: bool = False,
) -> Session:
    """Look for better settings and write them beside recsys.toml; nothing that is served changes.

    Args:
        settings: of the installation.
        config: the budget.
        source: where the tables come from.
        tracker: gets a run of this session, and a nested one for each trial.
        studies: where trials are kept.
        as_of: the moment to look from; None where the data have no time.
        key: identity of the session in the tracker: another one for each session.
        original: the settings file that was read, None where defaults hold.
        target: the file to write, where any setting is to change.
        clock: see `Budget`.
        progress: is told each step, one line.
        fresh: forget the trials of earlier sessions.

    Raises:
        SettingsError: `target` must not be written.
        SetupError: another session is under way here.
        RecsysError: the source cannot be read, or the tracker cannot be used.
    """
    check_target(target, original, settings.root)
    folder = tuning_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "session.lock").acquire(timeout=0)
    except Timeout as error:
        raise SetupError(
            f"Another session of tuning is under way here ({folder}).", "Wait until it has ended."
        ) from error
    with lock:
        day = "undated" if as_of is None else f"{as_of:%Y-%m-%d}"
        run = tracker.run(key, f"tuning {day}", {"kind": "tuning"})
        try:
            tuned = _tune(
                settings, config, source, studies, as_of, run, clock, progress, fresh=fresh
            )
            written = None
            if tuned.changes:
                text = write_tuned(target, original, tuned.changes, _notes(tuned, day, target))
                run.log_text(shareable_text(text), target.name)
                written = target
        except BaseException:
            run.finish(failed=True)
            raise
        run.finish()
    return Session(tuned, written, run.run_id, tracker.run_link(run.run_id))


def _tune(
    settings: Settings,
    config: TuningConfig,
    source: Source,
    studies: Studies,
    as_of: pd.Timestamp | None,
    run: TrackedRun,
    clock: Callable[[], float],
    progress: Progress,
    *,
    fresh: bool,
) -> Tuned:
    cleaned = prepare(load(source, as_of), as_of, settings.learning)
    tables = {contract.name: getattr(cleaned, contract.name) for contract in SOURCE_TABLES}
    digest = fingerprint(tables)
    run.log_params(
        {
            "as_of": str(as_of),
            "source": source.description,
            "minutes": config.minutes,
            "trials": config.trials,
            "seed": settings.learning.seed,
            "data_fingerprint": digest,
        }
    )
    rows = {name: len(frame) for name, frame in tables.items()}
    run.log_dataset("tables", digest[:36], source.description, {"rows": rows})
    tuned = tune(
        **tables,
        learning=settings.learning,
        as_of=as_of,
        data_fingerprint=digest,
        studies=studies,
        budget=Budget(config.trials, 60 * config.minutes, clock),
        run=run,
        progress=progress,
        fresh=fresh,
    )
    run.log_metrics({"trials": float(tuned.trials), "changes": float(len(tuned.changes))})
    run.set_tags({"mlflow.note.content": "\n\n".join([*tuned.sentences, _WHOSE])})
    return tuned


def _notes(tuned: Tuned, day: str, target: Path) -> list[str]:
    return [
        f"On the window before the test, as of {day}:",
        *tuned.sentences,
        _WHOSE,
        f"Try it with: recsys run --settings {target.name}",
    ]
