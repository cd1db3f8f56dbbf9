"""All definitions, ready for a code location of their own or for another team's."""

from collections.abc import Sequence

import dagster as dg

from recsys_pipeline.defs.alias_sensor import alias_sensor
from recsys_pipeline.defs.arm_assets import arm_assets
from recsys_pipeline.defs.doors import DOORS, OPTIONS, REAL, Makers, doors_resource
from recsys_pipeline.defs.drift_sensor import drift_sensor
from recsys_pipeline.defs.evaluation_assets import evaluation_assets
from recsys_pipeline.defs.group_assets import group_assets
from recsys_pipeline.defs.io import FolderIOManager, TableIOManager
from recsys_pipeline.defs.jobs import new_data_sensor, weekly_job, weekly_schedule
from recsys_pipeline.defs.layout import MODELS, OPPONENTS, TABLES, Layout
from recsys_pipeline.defs.monitoring_assets import monitoring_assets
from recsys_pipeline.defs.options import RunOptions
from recsys_pipeline.defs.privacy_assets import retention_asset
from recsys_pipeline.defs.promotion_assets import promotion_assets
from recsys_pipeline.defs.serving_assets import serving_assets
from recsys_pipeline.defs.source_assets import source_assets
from recsys_pipeline.defs.table_assets import table_assets
from recsys_pipeline.defs.training_assets import training_assets
from recsys_pipeline.defs.tuning_job import tuning_definitions
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.training import Trained
from recsys_pipeline.settings import Settings


def build_definitions(
    settings: Settings, key_prefix: Sequence[str] = (), makers: Makers = REAL
) -> dg.Definitions:
    """Assets, checks, job, schedule, sensor and resources for `settings`.

    To use them in a code location that has assets of its own::

        defs = dg.Definitions.merge(own, build_definitions(load_settings(path), ["recsys"]))

    Resource names start with ``recsys_``, so they meet no others.

    Args:
        settings: where data come from and go to, when, and what is learned.
        key_prefix: put before every asset key.
        makers: how checker, tracker and release store are made.

    Raises:
        SettingsError: `schedule.cron` is not a cron line.
    """
    layout = Layout.of(settings, key_prefix)
    assets = [
        source_assets(layout),
        table_assets(layout),
        *training_assets(layout),
        evaluation_assets(layout),
        *promotion_assets(layout),
        serving_assets(layout),
        group_assets(layout),
        arm_assets(layout),
        monitoring_assets(layout),
        retention_asset(layout),
    ]
    job = weekly_job([key for asset in assets for key in asset.keys])
    base = settings.data / "assets"
    weekly = dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=[weekly_schedule(layout, settings, job)],
        sensors=[
            new_data_sensor(layout, settings, makers, job),
            alias_sensor(settings, makers),
            drift_sensor(layout, settings, makers, job),
        ],
        resources={
            OPTIONS: RunOptions(),
            DOORS: doors_resource(settings, makers),
            TABLES: TableIOManager(base),
            MODELS: FolderIOManager(base, Trained.load),
            OPPONENTS: FolderIOManager(base, InService.load),
        },
    )
    return dg.Definitions.merge(
        weekly, tuning_definitions(layout, settings, settings.tuning, makers)
    )
