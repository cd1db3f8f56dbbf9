"""The door to Dagster: assets, checks, weeks, the schedule, and the run of one week."""

from recsys_pipeline.defs.build import build_definitions
from recsys_pipeline.defs.instance import instance_for
from recsys_pipeline.defs.partitions import partition_of
from recsys_pipeline.defs.run import WeekResult, run_weekly

__all__ = ["WeekResult", "build_definitions", "instance_for", "partition_of", "run_weekly"]
