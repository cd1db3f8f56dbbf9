"""One suite for both checkers, and a comparison of their reports."""

import logging

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    PANDAS_DTYPES,
    TOP_N,
    USERS,
    Column,
    Contract,
    Kind,
    RuleContext,
    rules_of,
    violations,
)
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.protocols import Checker, CheckLimits, CheckReport
from recsys_pipeline.quality import GreatExpectationsChecker, PlainChecker, gx

LIMITS = CheckLimits()


def broken(report: CheckReport) -> dict[str, int]:
    return {result.name: result.broken for result in report.results}


@pytest.mark.parametrize("table", ["users", "movies", "interactions"])
def test_counts_the_rows_that_the_quarantine_removes(
    checker: Checker, tables: dict, context: RuleContext, table: str
) -> None:
    contract, frame = tables[table]
    found = broken(checker.check(contract, frame, context, LIMITS, None))
    for rule in rules_of(contract, frame):
        assert found[rule.name] == violations(contract, frame, rule, context).sum(), rule.name


def test_every_planted_fault_is_found(checker: Checker, tables: dict, context: RuleContext) -> None:
    found = {
        f"{table}.{name}": count
        for table, (contract, frame) in tables.items()
        for name, count in broken(checker.check(contract, frame, context, LIMITS, None)).items()
    }
    assert {name: count for name, count in found.items() if count} == {
        "users.user_id.missing": 1,
        "users.age.unparsable": 1,
        "users.age.out_of_range": 2,
        "users.subscription_months.out_of_range": 1,
        "users.user_id.duplicate_key": 1,
        "movies.movie_id.missing": 1,
        "movies.movie_id.unparsable": 1,
        "movies.year.out_of_range": 2,
        "movies.mean_rating.out_of_range": 2,
        "movies.movie_id.duplicate_key": 1,
        "interactions.user_id.missing": 1,
        "interactions.user_id.unknown_reference": 1,
        "interactions.movie_id.missing": 1,
        "interactions.movie_id.unknown_reference": 1,
        "interactions.timestamp.unparsable": 2,
        "interactions.timestamp.after_as_of": 4,
        "interactions.watch_fraction.out_of_range": 2,
        "interactions.rating.out_of_range": 3,
        "interactions.user_id+movie_id+timestamp.duplicate_key": 1,
    }


def test_the_frame_is_not_changed(checker: Checker, tables: dict, context: RuleContext) -> None:
    contract, frame = tables["interactions"]
    before = frame.copy(deep=True)
    checker.check(contract, frame, context, LIMITS, None)
    pdt.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "share, passed",
    [(0.0, False), (0.19, False), (0.2, True), (0.41, True)],
)
def test_the_share_is_one_of_all_rows_even_where_most_values_are_missing(
    checker: Checker, context: RuleContext, share: float, passed: bool
) -> None:
    ages = [-1.0, 30.0, *[np.nan] * 3]
    frame = pd.DataFrame({n.USER_ID: range(5), n.AGE: ages})
    limits = CheckLimits(shares={"users.age.out_of_range": share})
    report = checker.check(USERS, frame, context, limits, None)
    result = next(result for result in report.results if result.name == "age.out_of_range")
    assert (result.rows, result.broken, result.passed) == (5, 1, passed)
    assert report.passed is passed


def test_rows_after_as_of_never_block(checker: Checker, context: RuleContext) -> None:
    late = pd.Series(pd.to_datetime(["2024-06-01"] * 3, utc=True)).astype(PANDAS_DTYPES[Kind.TIME])
    frame = pd.DataFrame({n.USER_ID: ["u1"] * 3, n.MOVIE_ID: [1, 2, 3], n.TIMESTAMP: late})
    report = checker.check(INTERACTIONS, frame, context, LIMITS, None)
    assert report.passed
    assert [(r.name, r.broken, r.blocking) for r in report.failures] == [
        ("timestamp.after_as_of", 3, False)
    ]


def _dated(known: int, later: int) -> pd.DataFrame:
    """Good rows up to `as_of`, and as many as wanted after it with every fault there is."""
    times = ["2023-06-01"] * known + ["2024-06-01"] * later
    frame = pd.DataFrame(
        {
            n.USER_ID: pd.Series(["u1"] * known + [None] * later, dtype="str"),
            n.MOVIE_ID: pd.array([i % 10 for i in range(known)] + [99] * later, dtype="Int64"),
            n.TIMESTAMP: pd.to_datetime(times, utc=True).as_unit("us"),
            n.RATING: [3.0] * known + [99.0] * later,
            n.raw(n.RATING): pd.Series([None] * known + ["*"] * later, dtype="str"),
        }
    )
    frame[n.TIMESTAMP] += pd.to_timedelta(range(len(frame)), unit="s").as_unit("us")
    return frame


def test_faults_after_as_of_do_not_block(checker: Checker, context: RuleContext) -> None:
    report = checker.check(INTERACTIONS, _dated(4, 6), context, CheckLimits(allowed_share=0), 4)
    assert report.passed
    assert {name: count for name, count in broken(report).items() if count} == {
        "timestamp.after_as_of": 6
    }
    assert {result.name: result.rows for result in report.results if result.rows != 4} == {
        "user_id.exists": 10,
        "movie_id.exists": 10,
        "row_count.at_least": 10,
        "timestamp.after_as_of": 10,
    }


@pytest.mark.parametrize("column, value", [(n.RATING, 99.0), (n.USER_ID, None), (n.MOVIE_ID, 99)])
@pytest.mark.parametrize("share, passed", [(0.24, False), (0.25, True)])
def test_rows_after_as_of_do_not_dilute_a_share(
    checker: Checker, context: RuleContext, column: str, value: object, share: float, passed: bool
) -> None:
    frame = _dated(4, 96)
    frame.loc[1, column] = value
    limits = CheckLimits(allowed_share=share)
    report = checker.check(INTERACTIONS, frame, context, limits, None)
    assert report.passed is passed
    assert len([result for result in report.failures if result.blocking]) == (not passed)


def test_rows_after_as_of_do_not_hide_that_a_table_has_shrunk(
    checker: Checker, context: RuleContext
) -> None:
    report = checker.check(INTERACTIONS, _dated(4, 96), context, CheckLimits(shrink=0.5), 9)
    assert [(r.name, r.observed) for r in report.failures if r.blocking] == [
        ("row_count.not_shrunk", "4 rows")
    ]


def test_an_empty_table_blocks(checker: Checker, tables: dict, context: RuleContext) -> None:
    contract, frame = tables["interactions"]
    report = checker.check(contract, frame.iloc[:0], context, LIMITS, None)
    assert not report.passed
    assert [result.name for result in report.failures] == ["row_count.at_least"]
    assert report.failures[0].observed == "0 rows"


def test_a_required_column_that_is_absent_blocks_and_is_named(
    checker: Checker, tables: dict, context: RuleContext
) -> None:
    contract, frame = tables["interactions"]
    report = checker.check(
        contract, frame.drop(columns=n.USER_ID), context, CheckLimits(allowed_share=1), None
    )
    assert not report.passed
    (failure,) = report.failures
    assert failure.name == "user_id.exists"
    assert failure.text == "interactions has a column user_id"
    assert failure.observed == "absent"
    assert [result.name for result in report.results if n.USER_ID in result.name] == [failure.name]


def test_a_column_without_any_value_breaks_only_what_is_required(
    checker: Checker, context: RuleContext
) -> None:
    frame = pd.DataFrame(
        {
            n.USER_ID: pd.Series([None, None], dtype="str"),
            n.MOVIE_ID: [1, 2],
            n.TIMESTAMP: pd.Series([pd.NaT, pd.NaT], dtype=PANDAS_DTYPES[Kind.TIME]),
            n.RATING: [np.nan, np.nan],
        }
    )
    report = checker.check(INTERACTIONS, frame, context, LIMITS, None)
    assert {name: count for name, count in broken(report).items() if count} == {
        "user_id.missing": 2
    }


@pytest.mark.parametrize("previous, passed", [(10, True), (11, False)])
def test_a_table_that_lost_too_many_rows_blocks(
    checker: Checker, context: RuleContext, previous: int, passed: bool
) -> None:
    frame = pd.DataFrame({n.MOVIE_ID: range(5)})
    report = checker.check(MOVIES, frame, context, CheckLimits(shrink=0.5), previous)
    assert report.passed is passed
    if not passed:
        assert report.failures[0].text == (
            "movies has at least 6 rows, having had 11 in the last release"
        )


def test_numbers_that_are_required_and_bounded(checker: Checker, context: RuleContext) -> None:
    frame = pd.DataFrame(
        {
            n.USER_ID: ["u1", "u1", "u2", "u3"],
            n.RANK: pd.array([1, None, None, 0], dtype="Int64"),
            n.raw(n.RANK): pd.Series([None, None, "first", None], dtype="str"),
            n.MOVIE_ID: [1, 2, 3, 4],
            n.SCORE: [0.5, 0.5, 0.5, 2.0],
            n.SOURCE: "popularity",
            n.REASON: "Popular.",
            n.RELEASE: "r",
        }
    )
    found = broken(checker.check(TOP_N, frame, context, LIMITS, None))
    assert {name: count for name, count in found.items() if count} == {
        "rank.missing": 1,
        "rank.unparsable": 1,
        "rank.out_of_range": 1,
        "score.out_of_range": 1,
    }


@pytest.mark.parametrize("table", ["users", "movies", "interactions"])
def test_both_checkers_give_the_same_report(
    gx_checker: GreatExpectationsChecker, tables: dict, context: RuleContext, table: str
) -> None:
    contract, frame = tables[table]
    limits = CheckLimits(allowed_share=0.1, shares={f"{table}.user_id.missing": 0.0})
    arguments = (contract, frame, context, limits, 2 * len(frame) + 1)
    assert gx_checker.check(*arguments) == PlainChecker().check(*arguments)


_RATINGS = st.sampled_from([None, 0.0, 0.5, 3.0, 5.0, 5.1, float("inf")])
_TIMES = st.sampled_from([None, "2023-12-31", "2024-01-01", "2024-01-02"])
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "stranger", None]),
        st.sampled_from([1, 2, 99]),
        _TIMES,
        st.booleans(),
        _RATINGS,
    ),
    max_size=12,
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=_ROWS, percent=st.integers(0, 100))
def test_both_checkers_agree_on_any_table(
    gx_checker: GreatExpectationsChecker, context: RuleContext, rows: list, percent: int
) -> None:
    columns = [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.raw(n.TIMESTAMP), n.RATING]
    frame = pd.DataFrame(rows, columns=columns)
    unparsed = frame[n.raw(n.TIMESTAMP)].astype(bool) & frame[n.TIMESTAMP].isna()
    frame = frame.astype({n.USER_ID: "str", n.MOVIE_ID: "int64", n.RATING: "float64"})
    frame[n.TIMESTAMP] = pd.to_datetime(frame[n.TIMESTAMP], utc=True).astype(
        PANDAS_DTYPES[Kind.TIME]
    )
    frame[n.raw(n.TIMESTAMP)] = pd.Series("noon", index=frame.index, dtype="str").where(unparsed)
    arguments = (INTERACTIONS, frame, context, CheckLimits(allowed_share=percent / 100), 10)
    assert gx_checker.check(*arguments) == PlainChecker().check(*arguments)


def test_a_check_that_cannot_be_evaluated_is_an_error_that_names_it(
    gx_checker: GreatExpectationsChecker, context: RuleContext
) -> None:
    contract = Contract("things", "", (Column("moment", Kind.TIME, "", minimum=1.0),), ())
    frame = pd.DataFrame({"moment": pd.to_datetime(["2023-01-01"])})
    with pytest.raises(DataError, match=r"things: the check moment\.out_of_range could"):
        gx_checker.check(contract, frame, context, LIMITS, None)


def test_nothing_is_printed_or_logged(
    gx_checker: GreatExpectationsChecker,
    tables: dict,
    context: RuleContext,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    contract, frame = tables["interactions"]
    gx_checker.check(contract, frame, context, LIMITS, None)
    gx_checker.build_docs()
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_analytics_and_progress_bars_are_off(great_expectations: None) -> None:
    made = gx.context()
    assert made.config.analytics_enabled is False
    assert made.variables.progress_bars.metric_calculations is False
