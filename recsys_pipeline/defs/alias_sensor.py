"""The sensor that puts in service what somebody chose in the model registry."""

import json
from dataclasses import asdict
from typing import Final

import dagster as dg

from recsys_pipeline.defs.doors import Makers
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.moving import Seen, follow_alias
from recsys_pipeline.settings import Settings

ALIAS_SENSOR: Final = "champion_alias"
_SECONDS: Final = 60


def alias_sensor(settings: Settings, makers: Makers) -> dg.SensorDefinition:
    """Moves the release pointer when a person moves the alias champion in the registry."""

    @dg.sensor(
        name=ALIAS_SENSOR,
        # It starts no run: the pointer moves within the look itself.
        target=None,
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Moving the alias champion in MLflow puts that model's release in service, model and "
            "lists together. The first look only takes note."
        ),
    )
    def champion_alias(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        last = Seen(**json.loads(context.cursor)) if context.cursor else None
        try:
            found = follow_alias(makers.store(settings), makers.tracker(settings), last)
        except RecsysError as error:
            return dg.SkipReason(f"Releases or registry cannot be read: {error}")
        return dg.SensorResult(skip_reason=found.text, cursor=json.dumps(asdict(found.seen)))

    return champion_alias
