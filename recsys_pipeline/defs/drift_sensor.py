"""The sensor that trains again where the world is no longer that of the release."""

from dataclasses import dataclass
from typing import Final

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from recsys_pipeline.defs.doors import Makers
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.monitoring.alarms import alarms_from_json
from recsys_pipeline.monitoring.checks import RETRAINING_CHECKS
from recsys_pipeline.pipeline.reports import ALARMS, ReportStore
from recsys_pipeline.settings import Settings

DRIFT_SENSOR: Final = "drift_retrains"
_SECONDS: Final = 60


def drift_sensor(
    layout: Layout, settings: Settings, makers: Makers, job: UnresolvedAssetJobDefinition
) -> dg.SensorDefinition:
    """Asks for a run of the week in progress after a week with an alarm of drift: one a week.

    On where `monitoring.retrain_on_drift` says so. The cursor is the newest week that was looked at
    and the version of its report: the report of a week that is not over has no alarm of drift yet,
    and the one that takes its place is looked at again.
    """

    @dg.sensor(
        name=DRIFT_SENSOR,
        job=job,
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING
        if settings.monitoring.retrain_on_drift
        else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Train again at once when the weekly report has an alarm that a new training may "
            "answer. Each week with such an alarm asks once."
        ),
    )
    def drift_retrains(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            reports = makers.reports(settings)
            seen = _seen(reports, context.cursor or "")
            found = [] if seen is None else drifted(reports, seen.week)
        except RecsysError as error:
            return dg.SkipReason(f"The reports cannot be read: {error}")
        if seen is None:
            return dg.SkipReason("There is no new report.")
        week, current = seen.week, layout.partitions.get_last_partition_key()
        if not found or current is None:
            return dg.SensorResult(skip_reason=f"Nothing drifted up to {week}.", cursor=seen.cursor)
        context.log.info(f"Up to {week}: {', '.join(found)}")
        request = dg.RunRequest(run_key=f"drift {week}", partition_key=current)
        return dg.SensorResult(run_requests=[request], cursor=seen.cursor)

    return drift_retrains


@dataclass(frozen=True)
class _Seen:
    """A report that the sensor has not looked at."""

    week: str
    version: str

    @property
    def cursor(self) -> str:
        return f"{self.week} {self.version}"


def _seen(reports: ReportStore, cursor: str) -> _Seen | None:
    """The newest report, or None where it was looked at as it is now, or a later one was."""
    weeks = reports.weeks()
    if not weeks or weeks[-1] < cursor.split(" ")[0]:
        return None
    newest = _Seen(weeks[-1], reports.version(weeks[-1]) or "")
    return None if newest.cursor == cursor else newest


def drifted(reports: ReportStore, week: str) -> list[str]:
    """The alarms of a week that a new training may answer, each named once."""
    content = reports.read(week, ALARMS)
    alarms = () if content is None else alarms_from_json(content.decode())
    return sorted({each.check for each in alarms} & RETRAINING_CHECKS)
