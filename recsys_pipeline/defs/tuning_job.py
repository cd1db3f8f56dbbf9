"""Group "tuning": once a month better settings are looked for; a person or the gate decides."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import Field

from recsys_pipeline.defs.doors import Makers
from recsys_pipeline.defs.layout import OWNERS, Layout
from recsys_pipeline.defs.metadata import Metadata, listing
from recsys_pipeline.defs.options import parse_as_of
from recsys_pipeline.pipeline.load import moment_of
from recsys_pipeline.pipeline.studies import Studies
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.settings import Settings, settings_file
from recsys_pipeline.storage.privacy_door import without_erased
from recsys_pipeline.tuning import (
    TUNED_FILE,
    OptunaStudies,
    Session,
    installed,
    tune_here,
    tuning_folder,
)

TUNED_SETTINGS: Final = "tuned_settings"
TUNING_JOB: Final = "monthly_tuning"
TUNING_SCHEDULE: Final = "monthly_tuning_schedule"


class TuningOptions(dg.Config):
    """Options of one session; everything else is in recsys.toml."""

    until: str | None = Field(
        default=None,
        description="Look from the newest event not after this moment (ISO, UTC); else the newest.",
    )
    minutes: float | None = Field(
        default=None, description="Time to spend; else that of the settings."
    )
    trials: int | None = Field(
        default=None, description="Settings to try at most; else that of the settings."
    )
    fresh: bool = Field(default=False, description="Forget what earlier sessions tried.")


def optuna_studies(settings: Settings) -> Studies:
    """The studies in the data folder. Raises SetupError if Optuna is not installed."""
    return OptunaStudies(tuning_folder(settings))


def tuning_definitions(
    layout: Layout,
    settings: Settings,
    tuning: TuningConfig,
    makers: Makers,
    studies: Callable[[Settings], Studies] = optuna_studies,
) -> dg.Definitions:
    """The asset `tuned_settings`, its job and its schedule; nothing where Optuna is not installed.

    Nothing that is served changes: it writes a settings file beside recsys.toml, and runs to the
    tracker. It holds no lock of the weekly run: both may be under way at once.

    Args:
        layout: names of the assets.
        settings: of the installation.
        tuning: when and how long.
        makers: how source and tracker are made.
        studies: where trials are kept.
    """
    if not installed():
        return dg.Definitions()

    @dg.asset(
        key=layout.key(TUNED_SETTINGS),
        description=(
            "Better settings, looked for on the window before the test and written to "
            f"{TUNED_FILE} where they are better beyond chance. Nothing that is served changes."
        ),
        group_name="tuning",
        owners=OWNERS,
        kinds={"python", "optuna"},
    )
    def tuned_settings(
        context: dg.AssetExecutionContext, config: TuningOptions
    ) -> dg.MaterializeResult:
        budget = tuning.with_budget(config.minutes, config.trials)
        source = without_erased(settings, makers.source(settings))
        newest = source.newest_event()
        if config.until is not None:
            newest = moment_of(source, parse_as_of(config.until))
        with closing(studies(settings)) as kept:
            session = tune_here(
                settings,
                budget,
                source,
                makers.tracker(settings),
                kept,
                newest,
                key=f"tuning-{context.run.run_id}",
                original=_own_file(settings),
                target=settings.root / TUNED_FILE,
                clock=time.monotonic,
                progress=context.log.info,
                fresh=config.fresh,
            )
        return dg.MaterializeResult(metadata=_about(settings, session))

    job = dg.define_asset_job(
        TUNING_JOB,
        selection=dg.AssetSelection.assets(tuned_settings),
        description="Look for better settings of the recommenders, on the window before the test.",
        executor_def=dg.in_process_executor,
    )
    operation = tuned_settings.op.name

    @dg.schedule(
        name=TUNING_SCHEDULE,
        job=job,
        cron_schedule=tuning.cron,
        execution_timezone=settings.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if tuning.enabled
        else dg.DefaultScheduleStatus.STOPPED,
        description=f"Look for better settings for {tuning.minutes:g} minutes.",
    )
    def monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        until = context.scheduled_execution_time.isoformat()
        return dg.RunRequest(
            run_key=until, run_config={"ops": {operation: {"config": {"until": until}}}}
        )

    return dg.Definitions(assets=[tuned_settings], jobs=[job], schedules=[monthly])


def _own_file(settings: Settings) -> Path | None:
    """The settings file of this installation; None where it has none of its own."""
    found = settings_file(start=settings.root)
    return found if found is not None and found.parent == settings.root.resolve() else None


def _about(settings: Settings, session: Session) -> Metadata:
    tuned = session.tuned
    base = settings.tracking.uri or f"http://127.0.0.1:{settings.ui.mlflow_port}"
    return {
        "found": listing(tuned.sentences),
        "changes": listing(
            f"learning.{k}: {old} → {new}" for k, (old, new) in tuned.changes.items()
        ),
        "trials": tuned.trials,
        "seconds": tuned.seconds,
        "file": str(session.written or "none: nothing is better beyond chance"),
        "mlflow": dg.MetadataValue.url(f"{base.rstrip('/')}/{session.link.lstrip('/')}"),
    }
