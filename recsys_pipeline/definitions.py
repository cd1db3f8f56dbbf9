"""The code location that Dagster loads: settings from recsys.toml above the working folder."""

import dagster as dg

from recsys_pipeline.defs import build_definitions
from recsys_pipeline.settings import load_settings

# Assets that are materialized one by one run in one process too, as those of the job do.
defs = dg.Definitions.merge(
    build_definitions(load_settings()), dg.Definitions(executor=dg.in_process_executor)
)
