"""The group "monitoring" in the weekly run: what is counted, kept, checked, and started or stopped.

Everybody is shown one list a day and clicks its first movie on every second day, so figures can be
counted by hand.
"""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import dagster as dg
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.defs import build_definitions, monitored, online_past
from recsys_pipeline.defs.drift_sensor import DRIFT_SENSOR
from recsys_pipeline.defs.monitored import _stop
from recsys_pipeline.defs.monitoring_assets import asset_of_check, effects_table
from recsys_pipeline.defs.online_past import Window
from recsys_pipeline.experiments.config import ExperimentsConfig
from recsys_pipeline.experiments.results import (
    ExperimentResult,
    Guardrail,
    Planned,
    SampleRatio,
    from_json,
)
from recsys_pipeline.monitoring.alarms import Alarm, alarms_from_json, alarms_to_json
from recsys_pipeline.monitoring.availability import LATENCY_BOUNDS, AnswerHour
from recsys_pipeline.monitoring.checks import (
    ARM_LISTS_OLD,
    AVAILABILITY_MISSED,
    CHECKS,
    MOVIES_GENRES_SHIFTED,
)
from recsys_pipeline.pipeline import reports as kept
from recsys_pipeline.pipeline.experimenting import by_hand
from recsys_pipeline.pipeline.online import Event, Shown
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.reports import REPORT_HTML, REPORT_MARKDOWN
from recsys_pipeline.storage.memory_answer_hours import MemoryAnswerHours
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.memory_state import MemoryStateStore
from recsys_pipeline.storage.online_door import Online
from recsys_pipeline.storage.reports import MemoryReportStore

MONDAY = pd.Timestamp("2023-12-25T09:00", tz="UTC")
SECOND = pd.Timestamp("2024-01-07T12:00", tz="UTC").as_unit("us")
WEEK, NEXT = "2024-01-01", "2024-01-08"
PLACES = 5


def lived(users, movies, days: int) -> Online:
    """One list a day of five movies for everybody, the first clicked on even days."""
    events, state, hours = MemoryEventStore(), MemoryStateStore(), MemoryAnswerHours()
    texts = json.dumps([str(movie) for movie in movies[:PLACES]])
    for day in range(days):
        at = (MONDAY + pd.Timedelta(days=day)).to_pydatetime()
        for user in users:
            request = f"r{day}-{user}"
            arm = "control" if user % 2 else "new"
            shown = Shown(request, str(user), at, "first", "stored", texts, "", "trial", arm)
            events.add_shown([shown])
            if day % 2 == 0:
                later = at + timedelta(minutes=1)
                clicked = Event(request, str(user), str(movies[0]), "click", later, later)
                events.add_events([replace(clicked, request_id=request)])
    return Online(events, state, hours)


def answered(hours: MemoryAnswerHours, at: pd.Timestamp, answers: int, errors: int) -> None:
    latencies = (answers, *[0] * len(LATENCY_BOUNDS))
    hours.add([AnswerHour(at.to_pydatetime(), "/v1/x", answers, errors, latencies)])


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory, installed):
    """Two runs; in the second week every tenth answer of the API is a failure."""
    from recsys_pipeline.pipeline.config import LearningConfig, RecommendersConfig
    from recsys_pipeline.ranking.config import RankerConfig
    from recsys_pipeline.simulation import WorldConfig

    world = WorldConfig(users=60, movies=40, interactions=900)
    learning = LearningConfig(
        k=PLACES,
        recommenders=RecommendersConfig(use=("item_knn",)),
        ranker=RankerConfig(kind="none", compare_forest=False),
    )
    made = installed(tmp_path_factory.mktemp("online"), world, learning, lambda tables: tables)
    arms = [{"name": "control"}, {"name": "new", "learning": {"primary": "popularity"}}]
    declared = {"declared": [{"name": "trial", "arms": arms, "starts": "2023-12-25"}]}
    experiments = ExperimentsConfig.model_validate(declared)
    made = replace(made, settings=made.settings.model_copy(update={"experiments": experiments}))
    tables = made.fakes.source.read(SECOND)
    users, movies = tables.users[n.USER_ID].tolist(), tables.movies[n.MOVIE_ID].tolist()
    made.fakes.online = lived(users, movies, 14)
    answered(made.fakes.online.hours, MONDAY.floor("h"), 1000, 0)
    answered(made.fakes.online.hours, (MONDAY + pd.Timedelta(days=7)).floor("h"), 1000, 100)
    results, events = [], []
    for as_of in (None, SECOND):
        with dg.DagsterInstance.ephemeral() as instance:
            options = {} if as_of is None else {"as_of": as_of}
            result = made.run(instance=instance, on_event=events.append, **options)
            results.append((result, instance.all_logs(result.run_id)))
    return made, results, events


def file_of(made, week, name):
    return made.fakes.reports.read(week, name)


def figures_of(made, week):
    from io import BytesIO

    return read_frame(BytesIO(file_of(made, week, kept.FIGURES)))


def test_each_week_is_counted_and_kept(two_weeks):
    made, results, _ = two_weeks
    assert made.fakes.reports.weeks() == [WEEK, NEXT]
    for (result, _), week in zip(results, (WEEK, NEXT), strict=True):
        about = result.metadata
        assert about["weekly_report"]["week"] == week
        assert about["online_activity"]["impressions"] == 60 * 7 * PLACES
        # Days 0, 2, 4, 6 of the first week; 8, 10, 12 of the second.
        clicks = 60 * (4 if week == WEEK else 3)
        assert about["online_figures"]["click_through"] == pytest.approx(clicks / (60 * 7 * PLACES))
        for name in (
            *(kept.FIGURES, kept.DRIFT, kept.ALARMS, kept.EXPERIMENTS, kept.GOALS, kept.IMPACT),
            *(kept.PROFILE, REPORT_HTML, REPORT_MARKDOWN),
        ):
            assert file_of(made, week, name), name
        assert "3 tables were checked" in file_of(made, week, REPORT_MARKDOWN).decode()
    folder = made.settings.root / "data" / "assets" / "online_activity"
    assert [len(read_frame(path)) for path in sorted(folder.iterdir())] == [60, 60]


def test_a_week_is_compared_with_the_one_before(two_weeks):
    made, results, _ = two_weeks
    first, second = figures_of(made, WEEK), figures_of(made, NEXT)
    wanted = (first["metric"] == "click_through") & (first["by"] == "all")
    assert first.loc[wanted, "before"].isna().all()
    wanted = (second["metric"] == "click_through") & (second["by"] == "all")
    assert second.loc[wanted, "before"].iloc[0] == pytest.approx(4 / 35)
    assert second.loc[wanted, "change"].iloc[0] == pytest.approx(-1 / 35)
    comparisons = [result.metadata["drift"]["comparisons"] for result, _ in results]
    assert comparisons[0] < comparisons[1]
    (result,) = from_json(file_of(made, NEXT, kept.EXPERIMENTS))
    assert (result.name, result.weeks) == ("trial", 2)
    assert sum(result.sample_ratio.counts.values()) == 60


def test_figures_are_on_the_weeks_run_in_the_tracker(two_weeks):
    made, _, _ = two_weeks
    run = next(iter(made.fakes.tracker.runs.values()))
    assert run.metrics["online_click_through"] == pytest.approx(4 / 35)
    assert run.metrics["online_availability"] == 1
    assert run.texts[REPORT_MARKDOWN].startswith("# Weekly report")
    assert run.status == "FINISHED"


def test_an_alarm_is_a_check_that_is_not_met_and_stops_nothing(two_weeks):
    made, results, events = two_weeks
    alarms = alarms_from_json(file_of(made, NEXT, kept.ALARMS).decode())
    assert AVAILABILITY_MISSED in {alarm.check for alarm in alarms}
    # Lists of the arms are made before the week is looked at.
    assert ARM_LISTS_OLD not in {alarm.check for alarm in alarms}
    told = {event.text for event in events if event.kind == "check"}
    assert f"online_figures: {AVAILABILITY_MISSED}" in told
    _, records = results[1]
    evaluated = {
        record.dagster_event.asset_check_evaluation_data.check_name: (
            record.dagster_event.asset_check_evaluation_data
        )
        for record in records
        if record.dagster_event
        and record.dagster_event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    }
    assert set(CHECKS) <= set(evaluated)
    missed = evaluated[AVAILABILITY_MISSED]
    assert (missed.passed, missed.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "90" in missed.description
    raised = {alarm.check for alarm in alarms}
    assert all(evaluated[check].passed == (check not in raised) for check in CHECKS)


def test_no_user_is_in_what_is_recorded_or_kept(install):
    marker = 987_654_321

    def marked(tables):
        old = tables.users[n.USER_ID].iloc[0]
        change = {n.USER_ID: {old: marker}}
        return replace(
            tables,
            users=tables.users.replace(change),
            interactions=tables.interactions.replace(change),
        )

    made = install("marked", marked)
    tables = made.fakes.source.read(SECOND)
    made.fakes.online = lived([marker], tables.movies[n.MOVIE_ID].tolist(), 7)
    with dg.DagsterInstance.ephemeral() as instance:
        result = made.run(instance=instance, report=True)
        texts = [dg.serialize_value(each) for each in instance.all_logs(result.run_id)]
    assert result.metadata["online_activity"]["users"] == 1
    assert not [text for text in texts if str(marker) in text]
    (week,) = made.fakes.reports.weeks()
    files = made.fakes.reports._weeks[week]
    assert b"Weekly report" in files[REPORT_HTML]
    assert not [name for name, content in files.items() if str(marker).encode() in content]


def broken(name: str, arm: str) -> ExperimentResult:
    rail = Guardrail("clicks", arm, 0.2, 0.05, True, "A fifth of the clicks is lost.")
    return ExperimentResult(
        name, "clicks", "2024-01-01", NEXT, 1, 0.05, ("control", arm), (), (), (),
        SampleRatio({}, {}, 1.0, False), (rail,), "worse", "", "Worse.",
        Planned(0.05, 0.1, 4, 100, 1, 0.8),
    )  # fmt: skip


def test_an_arm_that_does_harm_is_stopped_and_the_holdout_is_not(install):
    made, said = install("harm"), []
    arms = [{"name": "control"}, {"name": "new", "learning": {"primary": "popularity"}}]
    experiments = ExperimentsConfig.model_validate({"declared": [{"name": "trial", "arms": arms}]})
    settings = made.settings.model_copy(update={"experiments": experiments})
    online = Online(MemoryEventStore(), MemoryStateStore(), MemoryAnswerHours())

    class Found:
        experiments = (broken("trial", "new"), broken("holdout", "everybody else"))

    window = Window.of(pd.Timestamp(NEXT, tz="UTC"), None)
    assert _stop(settings, online, Found(), window, said.append) == (("trial", "new"),)
    (stopped,) = by_hand(online.state).stopped
    assert (stopped.experiment, stopped.arm, f"{stopped.day}") == ("trial", "new", "2024-01-07")
    assert stopped.why == "A fifth of the clicks is lost."
    assert "is stopped" in said[0]


def test_an_old_week_made_again_stops_no_arm_and_keeps_what_its_run_took(two_weeks, monkeypatch):
    made, _, _ = two_weeks
    reports, said = MemoryReportStore(), []
    for week in made.fakes.reports.weeks():
        reports.put(week, made.fakes.reports._weeks[week])
    took = reports.read(WEEK, kept.COST)
    assert json.loads(took)["core_seconds"] > 0
    monkeypatch.setattr(monitored, "_stop", lambda *_: pytest.fail("an arm is stopped"))
    tables = made.fakes.source.read(SECOND)
    found = monitored.monitor(
        made.settings,
        monitored.Places(made.fakes.online, made.fakes.store, reports, made.settings.data),
        Window.of(pd.Timestamp(WEEK, tz="UTC"), None),
        {each: getattr(tables, each) for each in ("users", "movies", "interactions")},
        None,
        monitored.About(),
        said.append,
    )
    assert found.stopped == ()
    assert reports.read(WEEK, kept.COST) == took
    assert [line for line in said if NEXT in line]


def test_arms_whose_lists_are_older_than_those_in_service_are_told():
    manifest = Manifest("now", "2024-01-08T03:00:00+00:00", "", "", "", "", 5, {}, {}, "yes", {})
    old = replace(manifest, release="old", as_of="2024-01-01T03:00:00+00:00", arm_of="a")
    store = SimpleNamespace(
        pointer=lambda: SimpleNamespace(release="now", arms={"a": "old", "b": "now", "c": "gone"}),
        told=lambda: [manifest, old],
        manifest=lambda release: manifest,
        current=lambda: manifest,
    )
    (alarm,) = monitored.old_arms(store)
    assert (alarm.check, alarm.subject) == ("arm_lists_old", "a")
    assert "lists of 2024-01-01" in alarm.text


def test_who_is_active_is_counted_once_and_over_the_days_that_matter():
    week = pd.Timestamp(WEEK, tz="UTC")
    times = [week - pd.Timedelta(days=days) for days in (1, 21, 22)]
    before = pd.DataFrame({n.USER_ID: [1, 2, 3], n.TIMESTAMP: times})
    online = SimpleNamespace(
        actions=pd.DataFrame({n.USER_ID: [1, 4, 4]}), end=week + pd.Timedelta(days=7)
    )
    assert monitored.active_users(before, online, 28) == 3
    assert monitored.active_users(None, online, 28) == 2


def test_the_past_is_known_from_the_oldest_event_on_and_without_robots(two_weeks):
    made, _, _ = two_weeks
    tables = made.fakes.source.read(SECOND)
    known = {each: getattr(tables, each) for each in ("users", "movies", "interactions")}
    events = MemoryEventStore()
    robot, person, quiet = known["users"][n.USER_ID].tolist()[:3]
    movie = str(known["movies"][n.MOVIE_ID].iloc[0])
    for user, days in ((quiet, 90), (robot, 20), (person, 10)):
        at = (pd.Timestamp(NEXT, tz="UTC") - pd.Timedelta(days=days)).to_pydatetime()
        events.add_events([Event(f"e{days}", str(user), movie, "click", at, at)])
    found = online_past.past_of(
        Online(events, MemoryStateStore(), MemoryAnswerHours()),
        Window.of(pd.Timestamp(NEXT, tz="UTC"), None),
        known, made.settings, made.fakes.store, made.fakes.reports, made.settings.data,
        left_out=[robot],
    )  # fmt: skip
    assert found.active[n.USER_ID].tolist() == [person]
    assert found.since == pd.Timestamp(NEXT, tz="UTC") - pd.Timedelta(days=63)


def test_a_window_is_seven_days_from_midnight_to_midnight():
    end = pd.Timestamp("2024-01-08T03:00", tz="UTC")
    over = Window.of(end, end)
    assert (over.name, over.complete, f"{over.last_day}") == ("2024-01-08", True, "2024-01-07")
    assert over.start == pd.Timestamp("2024-01-01", tz="UTC")
    assert not Window.of(end, pd.Timestamp("2024-01-07T23:59", tz="UTC")).complete


@pytest.mark.parametrize(
    ("trained", "week"),
    [
        ([], None),
        (["2024-01-08T03:00"], None),
        # Monday morning, after the week that it was trained on; and its newest event, before.
        (["2023-12-31T23:58"], WEEK),
        (["2024-01-01T03:00", "2024-01-08T03:00"], WEEK),
        (["2023-12-20T03:00"], None),
    ],
)
def test_the_reference_is_the_week_that_the_release_was_trained_on(trained, week, monkeypatch):
    reports = MemoryReportStore()
    for each in (WEEK, NEXT):
        reports.put(each, {kept.PROFILE: each.encode()})
    manifest = Manifest("r", "", "", "", "", "", 5, {}, {}, "yes", {})
    arm = replace(manifest, as_of="2024-01-01T03:00:00+00:00", arm_of="{}")
    told = [replace(manifest, as_of=f"{each}:00+00:00") for each in trained]
    store = SimpleNamespace(told=lambda: [*told, arm])
    monkeypatch.setattr(online_past.Profile, "from_json", str)
    window = Window.of(pd.Timestamp(NEXT, tz="UTC"), None)
    assert online_past._reference(store, reports, window) == week


def test_what_another_version_kept_is_no_profile():
    reports = MemoryReportStore()
    reports.put(WEEK, {kept.PROFILE: b"{}"})
    reports.put("2023-12-25", {kept.FIGURES: b""})
    assert online_past.profiles_before(reports, NEXT) == []


def test_drift_asks_for_a_run_once_a_week(install):
    made = install("drift")
    monitoring = made.settings.monitoring.model_copy(update={"retrain_on_drift": True})
    settings = made.settings.model_copy(update={"monitoring": monitoring})
    definitions = build_definitions(settings, makers=made.fakes.makers)
    sensor = definitions.resolve_sensor_def(DRIFT_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    plain = build_definitions(made.settings, makers=made.fakes.makers)
    assert plain.resolve_sensor_def(DRIFT_SENSOR).default_status is dg.DefaultSensorStatus.STOPPED

    def tick(cursor):
        context = dg.build_sensor_context(cursor=cursor, definitions=definitions)
        return sensor.evaluate_tick(context)

    def report(week, *checks):
        alarms = alarms_to_json([Alarm.of(check, "movies.genres", "Shifted.") for check in checks])
        made.fakes.reports.put(week, {kept.ALARMS: alarms.encode()})

    nothing = tick(None)
    report(WEEK, AVAILABILITY_MISSED)
    quiet = tick(nothing.cursor)
    report(NEXT, MOVIES_GENRES_SHIFTED, AVAILABILITY_MISSED)
    drifted = tick(quiet.cursor)
    again = tick(drifted.cursor)

    asked = [len(each.run_requests or []) for each in (nothing, quiet, drifted, again)]
    assert asked == [0, 0, 1, 0]
    assert drifted.run_requests[0].run_key == f"drift {NEXT}"


def test_a_week_that_was_not_over_is_looked_at_again_when_it_is(install):
    made = install("unfinished")
    definitions = build_definitions(made.settings, makers=made.fakes.makers)
    sensor = definitions.resolve_sensor_def(DRIFT_SENSOR)

    def tick(cursor, *checks):
        alarms = alarms_to_json([Alarm.of(check, "movies.genres", "Shifted.") for check in checks])
        made.fakes.reports.put(NEXT, {kept.ALARMS: alarms.encode()})
        return sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor, definitions=definitions))

    so_far = tick(None)
    over = tick(so_far.cursor, MOVIES_GENRES_SHIFTED)
    assert [len(each.run_requests or []) for each in (so_far, over)] == [0, 1]
    # The same cursor of a report of before: the run key asks no second time.
    assert tick(NEXT, MOVIES_GENRES_SHIFTED).run_requests[0].run_key == f"drift {NEXT}"
    assert not tick(over.cursor, MOVIES_GENRES_SHIFTED).run_requests


def test_every_check_has_its_asset_and_a_table_without_results_its_columns():
    assert {asset_of_check(check) for check in CHECKS} == {
        "online_figures", "drift", "experiment_results",
    }  # fmt: skip
    assert effects_table(()).empty
