"""The weekly job, its schedule, and the sensor for new data."""

import json
from collections.abc import Sequence
from typing import Final

import dagster as dg
import pandas as pd
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from recsys_pipeline.defs.doors import DOORS, Doors, Makers
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.partitions import as_of_week, week_of
from recsys_pipeline.errors import RecsysError, SettingsError
from recsys_pipeline.settings import Settings

JOB: Final = "weekly_retraining"
SCHEDULE: Final = "weekly_retraining_schedule"
SENSOR: Final = "new_source_data"
AS_OF_TAG: Final = "recsys/as_of"

_SENSOR_SECONDS: Final = 60
_TRAINED: Final = "trained_on"
_SEEN: Final = "seen"


@dg.failure_hook(required_resource_keys={DOORS})
def close_tracked_run(context: dg.HookContext) -> None:
    """Mark the tracker's run as failed when a step fails."""
    doors: Doors = getattr(context.resources, DOORS)
    doors.run.finish(failed=True)


def weekly_job(keys: Sequence[dg.AssetKey]) -> UnresolvedAssetJobDefinition:
    """All assets and checks of one week, in one process.

    A process of its own for each step would cost seconds of imports a step and gain nothing: the
    steps follow one another.
    """
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*keys),
        description="Check the tables, train and compare, release a list for every user.",
        executor_def=dg.in_process_executor,
        hooks={close_tracked_run},
    )


def weekly_schedule(
    layout: Layout, settings: Settings, job: UnresolvedAssetJobDefinition
) -> dg.ScheduleDefinition:
    """Runs the week that ends at the scheduled time."""

    @dg.schedule(
        name=SCHEDULE,
        job=job,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING
        if settings.schedule.enabled
        else dg.DefaultScheduleStatus.STOPPED,
        description="Retrain on the week that has just ended.",
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            week = week_of(pd.Timestamp(context.scheduled_execution_time), layout.partitions)
        except SettingsError as error:
            return dg.SkipReason(str(error))
        end = as_of_week(week, layout.partitions).isoformat()
        return dg.RunRequest(run_key=week, partition_key=week, tags={AS_OF_TAG: end})

    return weekly


def new_data_sensor(
    layout: Layout, settings: Settings, makers: Makers, job: UnresolvedAssetJobDefinition
) -> dg.SensorDefinition:
    """Asks for a run of the week in progress when the source has changed.

    Off until somebody switches it on: it trains outside the schedule.
    """

    @dg.sensor(
        name=SENSOR,
        job=job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Retrain when the source's data have changed and then stayed the same for a minute, "
            "so that no half-written file is read. The first look only takes note."
        ),
    )
    def new_data(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            now = makers.source(settings).fingerprint()
        except RecsysError as error:
            return dg.SkipReason(f"The source cannot be read: {error}")
        before = json.loads(context.cursor) if context.cursor else {_TRAINED: now, _SEEN: now}
        changed, still = now != before[_TRAINED], now == before[_SEEN]
        ready = changed and still
        cursor = json.dumps({_TRAINED: now if ready else before[_TRAINED], _SEEN: now})
        if not ready:
            reason = (
                "The source has changed; waiting for it to stay the same."
                if changed
                else ("The source has not changed.")
            )
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        week = layout.partitions.get_last_partition_key()
        if week is None:
            return dg.SkipReason("schedule.first_week lies in the future.")
        request = dg.RunRequest(run_key=f"{week} {now}", partition_key=week)
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return new_data
