"""The sensor that follows the alias champion."""

import dagster as dg

from recsys_pipeline.defs.alias_sensor import ALIAS_SENSOR
from recsys_pipeline.defs.build import build_definitions
from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.moving import CHAMPION


def look(settings, makers, cursor):
    definitions = build_definitions(settings, makers=makers)
    sensor = definitions.resolve_sensor_def(ALIAS_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    context = dg.build_sensor_context(cursor=cursor, definitions=definitions)
    return sensor.evaluate_tick(context)


def test_a_moved_alias_moves_the_release(install):
    installation = install("a")
    settings, fakes = installation.settings, installation.fakes
    first = installation.run().release["release"]
    second = installation.run(overrides={"k": 4}).release["release"]
    assert first != second
    serving = fakes.store.current().release
    other = next(each for each in fakes.store.manifests() if each.release != serving)

    noted = look(settings, fakes.makers, None)
    fakes.tracker.set_alias(CHAMPION, other.model_version)
    moved = look(settings, fakes.makers, noted.cursor)

    assert not moved.run_requests
    assert fakes.store.current().release == other.release
    assert other.release in moved.skip_message


def test_a_registry_that_cannot_be_reached_is_told(install, monkeypatch):
    installation = install("a")

    def alias(name):
        raise SetupError("MLflow does not answer.")

    monkeypatch.setattr(installation.fakes.tracker, "alias", alias)
    found = look(installation.settings, installation.fakes.makers, None)
    assert "MLflow does not answer" in found.skip_message
