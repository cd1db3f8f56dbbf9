"""The weekly job on a small world, in this process, with the fakes of every door."""

from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.jobs import JOB
from recsys_pipeline.errors import DataError, SettingsError, SetupError
from recsys_pipeline.sources import Tables
from recsys_pipeline.storage.folders import lock_file
from recsys_pipeline.storage.run_lock import run_lock

MARKER = 987_654_321


def with_a_later_like(tables: Tables) -> Tables:
    """One more interaction, a week after `as_of`, of the first user with the last movie."""
    later = tables.interactions.tail(1).assign(
        **{
            n.USER_ID: tables.users[n.USER_ID].iloc[0],
            n.MOVIE_ID: tables.movies[n.MOVIE_ID].iloc[-1],
            n.TIMESTAMP: pd.Timestamp("2024-01-07T12:00", tz="UTC").as_unit("us"),
            n.LIKED: True,
        }
    )
    later = later.astype(tables.interactions.dtypes.to_dict())
    return replace(tables, interactions=pd.concat([tables.interactions, later], ignore_index=True))


def with_a_marked_user(tables: Tables) -> Tables:
    """The first user has an id that would be noticed, and a row at fault."""
    old = tables.users[n.USER_ID].iloc[0]
    users = tables.users.replace({n.USER_ID: {old: MARKER}})
    users.loc[users[n.USER_ID] == MARKER, n.AGE] = 999.0
    interactions = tables.interactions.replace({n.USER_ID: {old: MARKER}})
    return replace(tables, users=users, interactions=interactions)


def spoil_ratings(tables: Tables) -> Tables:
    return replace(tables, interactions=tables.interactions.assign(**{n.RATING: 99.0}))


def test_a_week_is_released_and_tracked(install):
    installation, events = install("a"), []

    result = installation.run(on_event=events.append)

    current = installation.fakes.store.current()
    assert result.week == "2023-12-25"
    assert current.release == result.release["release"]
    assert current.orchestrator_run == result.run_id
    assert current.as_of == "2023-12-31T12:00:00+00:00"
    assert current.intervals
    for name, (low, high) in current.intervals.items():
        assert low <= current.metrics[name] <= high
    lists = installation.lists()
    assert len(lists) == result.release["rows"] == 60 * 5
    pd.testing.assert_frame_equal(lists, installation.fakes.store.read_lists(current.release))

    tracker = installation.fakes.tracker
    parent = tracker.runs[current.tracking_run]
    assert parent.key.startswith(result.run_id)
    assert parent.status == "FINISHED"
    assert parent.tags["release"] == current.release
    assert tracker.aliases == {"champion": current.model_version}

    steps = [event.step for event in events if event.kind == "finished"]
    before = [
        "mapped_tables", "clean_tables", "feature_matrix", "trained_model", "evaluation",
        "promotion", "top_n",
    ]  # fmt: skip
    assert [step for step in steps if step in before] == before
    assert {"last_weeks_lists", "recipe_in_service"} < set(steps[: steps.index("top_n")])
    assert set(result.seconds) == set(steps)


def test_the_same_seed_gives_the_same_lists(install):
    first, second = install("a"), install("b")
    first.run()
    second.run()

    pd.testing.assert_frame_equal(first.lists(), second.lists(), check_exact=True)
    drawn = first.lists()[n.PROPENSITY]
    assert ((drawn > 0) & (drawn < 1)).sum() > 15


def test_rows_after_as_of_change_nothing(install):
    plain, later = install("a"), install("b", with_a_later_like)
    plain.run()
    later.run()

    pd.testing.assert_frame_equal(plain.lists(), later.lists(), check_exact=True)


def test_a_failed_check_stops_the_run_and_leaves_the_release(install):
    good = install("a")
    before = good.run().release["release"]
    source = good.fakes.source
    source.change, events = spoil_ratings, []

    with pytest.raises(DataError) as caught:
        good.run(as_of=pd.Timestamp("2024-01-07", tz="UTC"), on_event=events.append)

    assert "interactions: rating is 0.5 to 5 stars" in caught.value.message
    assert "[rating.out_of_range]" in caught.value.message
    assert caught.value.hint.startswith("Mend the source")
    assert {event.step for event in events} == {"mapped_tables"}
    assert [e.text for e in events if e.kind == "check"] == [
        "mapped_interactions: rating_out_of_range"
    ]
    assert good.fakes.store.current().release == before
    assert [run.status for run in good.fakes.tracker.runs.values() if run.parent_id is None] == [
        "FINISHED",
        "FAILED",
    ]


def test_what_a_run_records(install):
    """Checks, figures and plots are there, and no user; a ranker is trained, too."""
    installation = install("a", with_a_marked_user)
    with dg.DagsterInstance.ephemeral() as instance:
        result = installation.run(
            instance=instance,
            pictures=True,
            overrides={"recommenders": {"use": ["profile"]}, "ranker": {"kind": "boosting"}},
        )
        records = instance.all_logs(result.run_id)
        run = instance.get_run_by_id(result.run_id)

    happened = [record.dagster_event for record in records if record.dagster_event]
    texts = [dg.serialize_value(record) for record in records]
    assert not [text for text in texts if str(MARKER) in text]
    assert MARKER in set(installation.lists()[n.USER_ID])

    assert (run.job_name, run.status) == (JOB, dg.DagsterRunStatus.SUCCESS)
    assert run.tags["dagster/partition"] == "2023-12-25"
    made = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization
        for event in happened
        if event.is_step_materialization
    }
    assert made["users"].metadata["quarantined"].value == 1
    assert made["top_n"].metadata["dagster/row_count"].value == 300
    assert made["top_n"].metadata["mlflow"].value.startswith("http")
    schema = made["mapped_interactions"].metadata["dagster/column_schema"].value
    assert "Who." in [column.description for column in schema.columns]
    plot = made["evaluation_metrics"].metadata["difference_to_popularity"].value
    assert plot.startswith("![difference to popularity](data:image/png;base64,")

    checks = {
        (data.asset_key.path[-1], data.check_name): data
        for event in happened
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        for data in [event.asset_check_evaluation_data]
    }
    age = checks[("mapped_users", "age_out_of_range")]
    assert (age.passed, age.blocking, age.metadata["broken"].value) == (True, True, 1)
    assert checks[("mapped_users", "signup_at_unparsable")].metadata["applicable"].value is False
    assert not checks[("mapped_interactions", "timestamp_after_as_of")].blocking
    assert checks[("top_n", "no_seen_movie")].passed


def test_an_earlier_week_is_kept_but_not_put_in_service(install):
    installation = install("a")
    newest = installation.run().release["release"]

    earlier = installation.run(as_of=pd.Timestamp("2023-12-01", tz="UTC"))

    assert earlier.week == "2023-11-27"
    assert earlier.release["promoted"] is False
    assert installation.fakes.store.current().release == newest
    assert len(installation.fakes.store.manifests()) == 2


def test_options_reach_the_run(install):
    installation = install("a")

    result = installation.run(sample=0.5, overrides={"k": 3})

    assert result.release["release"].endswith("-sample")
    assert 0 < result.release["rows"] < 60 * 3
    assert installation.lists()[n.RANK].max() == 3


def test_a_bad_option_is_a_settings_error(install):
    with pytest.raises(SettingsError, match=r"learning\.k") as caught:
        install("a").run(overrides={"k": 0})
    assert caught.value.exit_code == 2


def test_an_unforeseen_failure_keeps_its_traceback(install):
    def breaks(tables: Tables) -> Tables:
        raise ZeroDivisionError("not foreseen")

    with pytest.raises(RuntimeError, match="ZeroDivisionError: not foreseen"):
        install("a", breaks).run()


def test_two_runs_exclude_each_other(install):
    installation = install("a")
    with (
        run_lock(lock_file(installation.settings), "the other run"),
        pytest.raises(SetupError, match=r"process \d+, run the other run") as caught,
    ):
        installation.run()
    assert caught.value.exit_code == 7

    assert installation.run().release["promoted"]


def test_processes_of_one_run_share_the_lock(tmp_path):
    path = tmp_path / "run.lock"
    other = run_lock(path, "b")
    with run_lock(path, "a"), run_lock(path, "a"), pytest.raises(SetupError), other:
        pass
    with run_lock(path, "b"):
        pass
