"""Reading, sampling and refusing tables."""

from dataclasses import replace

import pandas as pd
import pytest

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError, SettingsError
from recsys_pipeline.pipeline.check import check_table, raise_if_blocked
from recsys_pipeline.pipeline.load import load, moment_of
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.protocols import CheckLimits, Manifest
from recsys_pipeline.quality.fake import PlainChecker

PREVIOUS = Manifest(
    "r", "2023-06-01T00:00:00+00:00", "s", "d", "e", "ease", 5,
    {"users": 60, "movies": 40, "interactions": 10_000}, {}, "yes", {},
)  # fmt: skip


def reports(tables, as_of, limits=None, previous=None):
    return [
        check_table(tables, c.name, as_of, PlainChecker(), limits or CheckLimits(), previous)
        for c in SOURCE_TABLES
    ]


def test_good_tables_pass(tables, as_of) -> None:
    raise_if_blocked(reports(tables, as_of), tables, as_of)


def test_too_many_rows_at_fault_stop_the_run_and_are_named(tables, as_of) -> None:
    ages = tables.users[n.AGE].where(tables.users.index >= 6, 999)
    bad = replace(tables, users=tables.users.assign(**{n.AGE: ages}))
    with pytest.raises(DataError, match=r"users: .*6 of 60 rows.*10\.0%.*age\.out_of_range") as at:
        raise_if_blocked(reports(bad, as_of), bad, as_of)
    assert "checks.allowed_share" in at.value.hint
    first = bad.users.iloc[0]
    assert f"first {first[n.SOURCE_FILE]} line {first[n.SOURCE_ROW]}, " in at.value.message
    assert at.value.message.count(" line ") == 3
    raise_if_blocked(reports(bad, as_of, CheckLimits(allowed_share=0.1)), bad, as_of)
    raise_if_blocked(
        reports(bad, as_of, CheckLimits(shares={"users.age.out_of_range": 0.5})), bad, as_of
    )


def test_a_table_that_shrank_stops_the_run_unless_it_is_a_replay(tables, as_of) -> None:
    with pytest.raises(DataError, match="interactions"):
        raise_if_blocked(reports(tables, as_of, previous=PREVIOUS), tables, as_of)
    raise_if_blocked(
        reports(tables, pd.Timestamp("2023-05-01", tz="UTC"), previous=PREVIOUS), tables, as_of
    )
    raise_if_blocked(reports(tables, as_of, CheckLimits(shrink=0.95), PREVIOUS), tables, as_of)


def test_rows_after_as_of_never_stop_a_run(tables) -> None:
    early = pd.Timestamp("2023-01-05", tz="UTC")
    found = reports(tables, early)
    raise_if_blocked(found, tables, early)
    assert any("after_as_of" in result.name for report in found for result in report.results)


def test_faults_after_as_of_neither_stop_a_run_nor_make_up_for_others(tables) -> None:
    as_of = tables.interactions[n.TIMESTAMP].quantile(0.25, "nearest")
    later = tables.interactions[n.TIMESTAMP] > as_of
    for at_fault, passes in ((later, True), (~later, False)):
        ratings = tables.interactions[n.RATING].mask(at_fault, 99.0)
        bad = replace(tables, interactions=tables.interactions.assign(**{n.RATING: ratings}))
        found = reports(bad, as_of, CheckLimits(allowed_share=0.3))
        assert all(report.passed for report in found) is passes


def test_a_table_that_shrank_is_told_of_by_its_rows(tables, as_of) -> None:
    (result,) = reports(tables, as_of, previous=PREVIOUS)[2].failures
    assert result.observed == f"{len(tables.interactions):,} rows"
    with pytest.raises(DataError, match=rf"last release: {result.observed} \[row_count"):
        raise_if_blocked(reports(tables, as_of, previous=PREVIOUS), tables, as_of)


def test_load_reads_all_or_a_sample(source, as_of, tables) -> None:
    whole = load(source, as_of)
    pd.testing.assert_frame_equal(whole.interactions, tables.interactions)
    sampled = load(source, as_of, 0.5)
    assert 0 < len(sampled.users) < len(whole.users)
    with pytest.raises(SettingsError):
        load(source, as_of, 0)


class _At:
    """A source with events at given moments."""

    description = "two files"

    def __init__(self, *moments: str) -> None:
        self.moments = [pd.Timestamp(moment, tz="UTC") for moment in moments]

    def newest_event(self, not_after=None):
        known = [m for m in self.moments if not_after is None or m <= not_after]
        return max(known, default=None)


def test_the_moment_is_the_newest_event_but_none_of_the_future() -> None:
    now = pd.Timestamp("2023-06-01", tz="UTC")
    assert moment_of(_At("2023-01-01", "2023-05-01"), now) == pd.Timestamp("2023-05-01", tz="UTC")
    assert moment_of(_At("2023-01-01", "2050-01-01"), now) == pd.Timestamp("2023-01-01", tz="UTC")
    assert moment_of(_At(), now) is None
    with pytest.raises(DataError, match="two files lies after now") as caught:
        moment_of(_At("2050-01-01"), now)
    assert "time_unit" in caught.value.hint


def test_prepared_users_say_what_their_history_says(run) -> None:
    lengths = (
        run.cleaned.interactions[run.cleaned.interactions[n.LIKED]]
        .groupby(n.USER_ID)[n.MOVIE_ID]
        .nunique()
    )
    users = run.cleaned.users.set_index(n.USER_ID)
    assert users[n.HISTORY_LENGTH].to_dict() == lengths.reindex(users.index).fillna(0).to_dict()
    assert users[n.HISTORY_LAST_AT].max() <= run.as_of


def test_nothing_to_learn_from_is_refused(tables, make_learning) -> None:
    early = pd.Timestamp("2000-01-01", tz="UTC")
    with pytest.raises(DataError, match="none is left up to 2000-01-01") as caught:
        prepare(tables, early, make_learning())
    assert "later as_of" in caught.value.hint
    with pytest.raises(DataError, match="of 0 rows none is left to learn"):
        prepare(replace(tables, interactions=tables.interactions.iloc[:0]), None, make_learning())
