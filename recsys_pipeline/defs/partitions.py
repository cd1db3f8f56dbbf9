"""Weeks: the partitions of every asset, and the moment that each looks back from.

A partition is the time between two starts of the schedule, named after its first day. Its
`as_of` is its end: the moment at which the schedule runs it.
"""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
from dagster._utils.schedules import cron_string_iterator

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.settings import Settings

_DAY = "%Y-%m-%d"
_MINUTE = "%Y-%m-%dT%H-%M"


def weeks(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """The partitions from `schedule.first_week` on, the one in progress included.

    Raises:
        SettingsError: `schedule.cron` is not a cron line.
    """
    schedule = settings.schedule
    try:
        return dg.TimeWindowPartitionsDefinition(
            cron_schedule=schedule.cron,
            timezone=schedule.timezone,
            start=datetime.combine(schedule.first_week, time(), tzinfo=ZoneInfo(schedule.timezone)),
            fmt=_DAY if _at_most_daily(schedule.cron) else _MINUTE,
            end_offset=1,
        )
    except (dg.DagsterInvalidDefinitionError, ValueError) as error:
        raise SettingsError(
            f"schedule.cron: {schedule.cron!r} cannot be used: {error}",
            "Give five fields, such as '0 3 * * 1' for Monday 03:00.",
        ) from error


def _at_most_daily(cron: str) -> bool:
    return all(field.isdigit() for field in cron.split()[:2])


def as_of_week(week: str, partitions: dg.TimeWindowPartitionsDefinition) -> pd.Timestamp:
    """The end of a week, in UTC."""
    end = partitions.time_window_for_partition_key(week).end
    return pd.Timestamp(end.timestamp(), unit="s", tz="UTC").as_unit("us")


def week_of(moment: pd.Timestamp, partitions: dg.TimeWindowPartitionsDefinition) -> str:
    """The week that `moment` belongs to; the end of a week belongs to that week.

    Raises:
        SettingsError: `moment` lies before the first week.
    """
    timestamp = moment.timestamp()
    if timestamp <= _first_start(partitions):
        raise SettingsError(
            f"{moment.isoformat()} lies before the first week, which starts on "
            f"{partitions.start:%Y-%m-%d}.",
            "Set schedule.first_week to an earlier day.",
        )
    return partitions.get_partition_key_for_timestamp(timestamp, end_closed=True)


def _first_start(partitions: dg.TimeWindowPartitionsDefinition) -> float:
    """Start of the first week: the first tick of the schedule from its first day on."""
    starts = cron_string_iterator(
        partitions.start.timestamp(), partitions.cron_schedule, partitions.timezone
    )
    return next(starts).timestamp()


def partition_of(as_of: pd.Timestamp | None, settings: Settings) -> str:
    """The week of a run that looks from `as_of`.

    Without an `as_of` (the data have no time) it is the week in progress.

    Raises:
        SettingsError: `as_of` lies before the first week or after the one in progress.
    """
    partitions = weeks(settings)
    last = partitions.get_last_partition_key()
    if last is None:
        raise SettingsError(
            f"schedule.first_week = {settings.schedule.first_week} lies in the future.",
            "Give a day in the past.",
        )
    if as_of is None:
        return last
    if as_of > as_of_week(last, partitions):
        raise SettingsError(
            f"as_of = {as_of.isoformat()} lies after the week in progress, {last}.",
            "Give a moment that is not in the future.",
        )
    return week_of(as_of, partitions)
