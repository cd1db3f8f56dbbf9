"""The asset graph as people see it: keys, groups, dependencies, checks, schedule and sensor."""

import dagster as dg
import pandas as pd
import pytest

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.defs import build_definitions, partition_of
from recsys_pipeline.defs.checks import check_name, mapped_check_specs
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.options import RunOptions, parse_as_of
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.check import check_table
from recsys_pipeline.pipeline.protocols import CheckLimits, Manifest
from recsys_pipeline.quality.fake import PlainChecker
from recsys_pipeline.sources import SimulatedSource

GROUPS = {
    "source": {"mapped_users", "mapped_movies", "mapped_interactions"},
    "tables": {"users", "movies", "interactions", "quarantine"},
    "training": {"feature_matrix", "trained_model", "recipe_in_service"},
    "evaluation": {
        "evaluation_metrics",
        "evaluation_by_group",
        "paired_tests",
        "verdict",
        "promotion",
        "last_weeks_lists",
    },
    "serving": {"top_n", "group_lists", "user_clusters", "arm_lists"},
    "monitoring": {
        "online_activity",
        "online_figures",
        "drift",
        "experiment_results",
        "business_impact",
        "weekly_report",
    },
    "privacy": {"retention"},
}
TUNED = "tuned_settings"
TABLES = {"users", "movies", "interactions"}
TRAINED = TABLES | {"feature_matrix", "trained_model"}
SERVED = {"trained_model", "recipe_in_service", "promotion"}
DEPENDENCIES = {
    **{name: set() for name in GROUPS["source"]},
    **dict.fromkeys(GROUPS["tables"], GROUPS["source"]),
    "feature_matrix": TABLES,
    "trained_model": TABLES | {"feature_matrix"},
    "recipe_in_service": TABLES,
    "last_weeks_lists": TABLES,
    "evaluation_metrics": TRAINED,
    "evaluation_by_group": TRAINED,
    "paired_tests": TRAINED,
    "verdict": TRAINED,
    "promotion": TABLES | {"trained_model", "recipe_in_service", "verdict"},
    "top_n": TABLES
    | SERVED
    | {"evaluation_metrics", "verdict", "last_weeks_lists", "user_clusters", "group_lists"},
    "group_lists": TABLES | SERVED | {"evaluation_metrics"},
    "user_clusters": TABLES | SERVED | {"evaluation_metrics"},
    "arm_lists": TABLES | {"top_n"},
    **dict.fromkeys(GROUPS["monitoring"], TABLES | {"top_n", "quarantine", "arm_lists"}),
    "retention": {"top_n", "arm_lists"},
}


@pytest.fixture
def definitions(settings, fakes) -> dg.Definitions:
    return build_definitions(settings, makers=fakes.makers)


def graph(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_assets_groups_and_dependencies(definitions):
    specs = graph(definitions)

    assert {name: spec.group_name for name, spec in specs.items()} == {
        name: group for group, names in GROUPS.items() for name in names
    } | {TUNED: "tuning"}
    found = {name: {dep.asset_key.to_user_string() for dep in s.deps} for name, s in specs.items()}
    assert found == DEPENDENCIES | {TUNED: set()}


def test_every_asset_says_what_it_is(definitions):
    for name, spec in graph(definitions).items():
        assert spec.description
        assert spec.owners == ["team:recommendations"]
        assert 1 <= len(spec.kinds) <= 3
        weekly = isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition)
        assert weekly == (name != TUNED)


def test_a_key_prefix_and_another_team(settings, fakes):
    @dg.asset
    def users() -> None: ...

    ours = build_definitions(settings, ["media", "recsys"], fakes.makers)
    merged = dg.Definitions.merge(dg.Definitions(assets=[users]), ours)

    dg.Definitions.validate_loadable(merged)
    names = set(graph(merged))
    assert names == {"users"} | {f"media/recsys/{name}" for name in (*DEPENDENCIES, TUNED)}


def test_the_job_holds_everything_of_a_week(definitions):
    job = definitions.resolve_job_def("weekly_retraining")

    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(
        DEPENDENCIES
    )
    assert job.executor_def is dg.in_process_executor
    assert {
        "rating_out_of_range",
        "duplicate_key",
        "better_than_popularity",
        "candidate_passes_the_gate",
        "every_user_has_a_full_list",
        "no_forbidden_movie",
        "no_erased_user",
        "click_through_fell",
        "guardrail_broken",
        "movies_genres_shifted",
    } <= {key.name for key in job.asset_layer.asset_graph.asset_check_keys}


def test_check_specs_cover_whatever_the_checker_says(settings):
    layout = Layout.of(settings, [])
    specs = {(s.asset_key.path[-1], s.name): s for s in mapped_check_specs(layout)}
    tables = SimulatedSource(settings.source.simulated).read(pd.Timestamp("2023-12-31", tz="UTC"))
    rows = {contract.name: 10 for contract in SOURCE_TABLES}
    before = Manifest("r", "", "", "", "", "", 5, rows, {}, "yes", {})

    for contract in SOURCE_TABLES:
        report = check_table(
            tables,
            contract.name,
            pd.Timestamp("2023-12-31", tz="UTC"),
            PlainChecker(),
            CheckLimits(),
            before,
        )
        assert report.results
        for result in report.results:
            spec = specs[(f"mapped_{contract.name}", check_name(result.name))]
            assert spec.blocking == result.blocking


def test_top_n_goes_stale(definitions):
    policy = graph(definitions)["top_n"].freshness_policy

    assert policy == dg.FreshnessPolicy.time_window(
        fail_window=pd.Timedelta(days=8).to_pytimedelta(),
        warn_window=pd.Timedelta(days=7, hours=6).to_pytimedelta(),
    )


def test_a_tick_runs_the_week_that_ends(definitions):
    schedule = definitions.resolve_schedule_def("weekly_retraining_schedule")
    assert schedule.cron_schedule == "0 3 * * 1"
    assert schedule.execution_timezone == "UTC"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING

    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=pd.Timestamp("2024-01-08T03:00", tz="UTC").to_pydatetime(),
            repository_def=definitions.get_repository_def(),
        )
    )

    (request,) = tick.run_requests
    assert request.partition_key == "2024-01-01"
    assert request.tags["recsys/as_of"] == "2024-01-08T03:00:00+00:00"


def test_the_cron_line_and_time_zone_are_settings(settings, fakes):
    changed = settings.schedule.model_copy(
        update={"cron": "30 2 * * 0", "timezone": "Europe/Paris", "enabled": False}
    )
    definitions = build_definitions(
        settings.model_copy(update={"schedule": changed}), makers=fakes.makers
    )
    schedule = definitions.resolve_schedule_def("weekly_retraining_schedule")

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 2 * * 0", "Europe/Paris")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    # Sunday 2 July 2023, 02:30 in Paris: summer time.
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=pd.Timestamp("2023-07-02T00:30", tz="UTC").to_pydatetime(),
            repository_def=definitions.get_repository_def(),
        )
    )
    assert tick.run_requests[0].partition_key == "2023-06-25"


def test_a_cron_line_that_is_none_is_a_settings_error(settings, fakes):
    changed = settings.schedule.model_copy(update={"cron": "every monday"})

    with pytest.raises(SettingsError, match=r"schedule\.cron"):
        build_definitions(settings.model_copy(update={"schedule": changed}), makers=fakes.makers)


def test_a_tick_before_the_first_week_is_skipped(definitions):
    schedule = definitions.resolve_schedule_def("weekly_retraining_schedule")

    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=pd.Timestamp("2023-01-02T03:00", tz="UTC").to_pydatetime()
        )
    )

    assert not tick.run_requests
    assert "first week" in tick.skip_message


@pytest.mark.parametrize(
    ("as_of", "week"),
    [
        ("2024-01-08T03:00:00", "2024-01-01"),
        ("2024-01-08T03:00:01", "2024-01-08"),
        ("2023-12-31T23:00:00", "2023-12-25"),
        ("2023-01-02T03:00:01", "2023-01-02"),
    ],
)
def test_the_week_of_a_moment(settings, as_of, week):
    assert partition_of(pd.Timestamp(as_of, tz="UTC"), settings) == week


@pytest.mark.parametrize(
    ("as_of", "text"),
    [("2023-01-02T03:00", "before the first week"), ("2999-01-01", "after the week in progress")],
)
def test_a_moment_outside_the_weeks(settings, as_of, text):
    with pytest.raises(SettingsError, match=text):
        partition_of(pd.Timestamp(as_of, tz="UTC"), settings)


def test_without_time_it_is_the_week_in_progress(settings):
    layout = Layout.of(settings, [])
    assert partition_of(None, settings) == layout.partitions.get_last_partition_key()


def test_the_sensor_asks_once_the_source_has_changed_and_settled(definitions, fakes):
    sensor = definitions.resolve_sensor_def("new_source_data")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED

    def tick(cursor: str | None):
        context = dg.build_sensor_context(cursor=cursor, definitions=definitions)
        return sensor.evaluate_tick(context)

    first = tick(None)
    same = tick(first.cursor)
    fakes.source.now = "changed"
    changing = tick(same.cursor)
    settled = tick(changing.cursor)
    after = tick(settled.cursor)

    assert [len(t.run_requests or []) for t in (first, same, changing, settled, after)] == [
        0, 0, 0, 1, 0,
    ]  # fmt: skip
    last = definitions.resolve_job_def("weekly_retraining").partitions_def.get_last_partition_key()
    assert settled.run_requests[0].partition_key == last


@pytest.mark.parametrize("text", ["soon", "2024-13-01", ""])
def test_an_as_of_that_is_no_time(text):
    with pytest.raises(SettingsError, match="as_of"):
        parse_as_of(text)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sample": 0.0}, "sample"),
        ({"sample": 1.5}, "sample"),
        ({"learning": {"k": 0}}, r"learning\.k"),
        ({"learning": {"klength": 5}}, "unknown key 'learning.klength'"),
        ({"learning": {"evaluation": {"split": "weekly"}}}, r"learning\.evaluation\.split"),
    ],
)
def test_options_are_validated_as_settings_are(settings, options, text):
    with pytest.raises(SettingsError, match=text):
        RunOptions(**options).applied_to(settings)


def test_options_change_learning_only(settings):
    changed = RunOptions(learning={"k": 7, "evaluation": {"split": "random"}}).applied_to(settings)

    assert (changed.learning.k, changed.learning.evaluation.split) == (7, "random")
    assert changed.learning.recommenders == settings.learning.recommenders
    assert changed.model_dump(exclude={"learning"}) == settings.model_dump(exclude={"learning"})
