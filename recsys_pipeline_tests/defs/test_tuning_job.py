"""The monthly session as Dagster shows and runs it."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from recsys_pipeline.defs import build_definitions, tuning_job
from recsys_pipeline.defs.jobs import JOB
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.tuning_job import (
    TUNED_SETTINGS,
    TUNING_JOB,
    TUNING_SCHEDULE,
    tuning_definitions,
)
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.tuning import MemoryStudies

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def monthly(settings, fakes):
    """The definitions over fakes; some settings of them changed."""
    kept = MemoryStudies()
    learning = LearningConfig.model_validate({"k": 5, "recommenders": {"use": ("taste",)}})
    changed = settings.model_copy(update={"learning": learning})

    def make(prefix=(), **tuning) -> dg.Definitions:
        return tuning_definitions(
            Layout.of(changed, prefix),
            changed,
            TuningConfig(**tuning),
            fakes.makers,
            lambda _: kept,
        )

    return make


def run(definitions: dg.Definitions, **config) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def(TUNING_JOB)
    return job.execute_in_process(run_config={**QUIET, "ops": {TUNED_SETTINGS: {"config": config}}})


def test_the_asset_stands_apart(monthly):
    (spec,) = monthly().resolve_all_asset_specs()

    assert spec.key == dg.AssetKey([TUNED_SETTINGS])
    assert (spec.group_name, spec.owners) == ("tuning", ["team:recommendations"])
    assert "Nothing that is served changes" in spec.description
    assert not list(spec.deps)
    (prefixed,) = monthly(["media", "recsys"]).resolve_all_asset_specs()
    assert prefixed.key == dg.AssetKey(["media", "recsys", TUNED_SETTINGS])


def test_the_weekly_job_does_without_it(settings, fakes):
    whole = build_definitions(settings, makers=fakes.makers)

    dg.Definitions.validate_loadable(whole)
    weekly = whole.resolve_job_def(JOB).asset_layer.executable_asset_keys
    monthly = whole.resolve_job_def(TUNING_JOB).asset_layer.executable_asset_keys
    assert dg.AssetKey(TUNED_SETTINGS) not in weekly
    assert set(monthly) == {dg.AssetKey(TUNED_SETTINGS)}


@pytest.mark.parametrize(
    ("enabled", "status"),
    [
        (True, dg.DefaultScheduleStatus.RUNNING),
        (False, dg.DefaultScheduleStatus.STOPPED),
    ],
)
def test_the_schedule(monthly, enabled, status):
    schedule = monthly(enabled=enabled, cron="0 6 2 * *").resolve_schedule_def(TUNING_SCHEDULE)

    assert (schedule.cron_schedule, schedule.default_status) == ("0 6 2 * *", status)


@pytest.mark.parametrize("prefix", [(), ("media",)])
def test_a_tick_looks_from_its_own_time(monthly, prefix):
    definitions = monthly(prefix)
    schedule = definitions.resolve_schedule_def(TUNING_SCHEDULE)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2024, 2, 1, 5, tzinfo=UTC)
    )

    (request,) = schedule.evaluate_tick(context).run_requests

    assert request.run_key == "2024-02-01T05:00:00+00:00"
    job = definitions.resolve_job_def(TUNING_JOB)
    assert dg.validate_run_config(job, request.run_config)
    (config,) = request.run_config["ops"].values()
    assert config == {"config": {"until": "2024-02-01T05:00:00+00:00"}}


def test_a_session_leaves_trials_and_says_what_it_found(monthly, fakes, settings):
    definitions = monthly(trials=5)

    result = run(definitions, trials=2, until="2023-12-31T12:00")

    assert result.success
    (event,) = result.get_asset_materialization_events()
    about = {name: value.value for name, value in event.materialization.metadata.items()}
    assert about["trials"] == 2
    assert "taste: " in about["found"]
    assert about["mlflow"].startswith("http://127.0.0.1:")
    parents = [run for run in fakes.tracker.runs.values() if run.parent_id is None]
    assert [(run.name, run.status) for run in parents] == [("tuning 2023-12-30", "FINISHED")]
    assert parents[0].params["as_of"] <= "2023-12-31 12:00"
    assert parents[0].params["minutes"] == "5.0"
    assert len(fakes.tracker.runs) == 1 + 2
    assert fakes.store.current() is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"until": "soon"}, "as_of: 'soon' is not a date"),
        ({"minutes": -1.0}, "minutes = -1 is no budget"),
        ({"trials": 0}, "trials = 0 is no budget"),
    ],
)
def test_an_option_that_is_not_valid(monthly, fakes, config, message):
    with pytest.raises(SettingsError, match=message):
        run(monthly(), **config)

    assert fakes.tracker.runs == {}


def test_without_optuna_there_is_nothing(monthly, monkeypatch):
    monkeypatch.setattr(tuning_job, "installed", lambda: False)

    definitions = monthly()

    assert not definitions.resolve_all_asset_specs()
    assert not list(definitions.schedules or ())
    assert not list(definitions.jobs or ())
