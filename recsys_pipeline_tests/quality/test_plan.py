"""What is planned of a table, and how many rows a share comes to."""

from fractions import Fraction

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.contracts import INTERACTIONS, USERS, RuleContext
from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.quality.plan import PlannedCheck, RowsAtLeast, plan_checks, rows_in

NO_TIME = RuleContext(None, {})


@given(percent=st.integers(0, 100), rows=st.integers(0, 10_000_000))
def test_rows_in_is_exact_for_whole_percents(percent: int, rows: int) -> None:
    assert rows_in(percent / 100, rows) == Fraction(percent, 100) * rows // 1


def test_the_plan_of_a_whole_table_names_columns_rows_and_rules(
    tables: dict, context: RuleContext
) -> None:
    contract, frame = tables["interactions"]
    planned = plan_checks(contract, frame, context, CheckLimits(), previous_rows=10)
    assert [check.name for check in planned] == [
        "user_id.exists",
        "movie_id.exists",
        "row_count.at_least",
        "row_count.not_shrunk",
        "user_id.missing",
        "user_id.unknown_reference",
        "movie_id.missing",
        "movie_id.unknown_reference",
        "timestamp.unparsable",
        "timestamp.after_as_of",
        "watch_fraction.out_of_range",
        "rating.out_of_range",
        "user_id+movie_id+timestamp.duplicate_key",
    ]
    assert [check.name for check in planned if not check.blocking] == ["timestamp.after_as_of"]


def test_without_a_last_release_nothing_can_have_shrunk(tables: dict) -> None:
    contract, frame = tables["users"]
    names = [check.name for check in plan_checks(contract, frame, NO_TIME, CheckLimits(), None)]
    assert "row_count.at_least" in names
    assert "row_count.not_shrunk" not in names


def test_without_as_of_nothing_is_too_late(tables: dict) -> None:
    contract, frame = tables["interactions"]
    names = [check.name for check in plan_checks(contract, frame, NO_TIME, CheckLimits(), None)]
    assert "timestamp.unparsable" in names
    assert "timestamp.after_as_of" not in names


def test_a_column_that_is_absent_is_only_asked_to_exist() -> None:
    frame = pd.DataFrame({n.MOVIE_ID: [1, 1]})
    names = [check.name for check in plan_checks(INTERACTIONS, frame, NO_TIME, CheckLimits(), None)]
    assert [name for name in names if n.USER_ID in name] == ["user_id.exists"]


def test_the_share_of_a_single_rule_wins() -> None:
    frame = pd.DataFrame({n.USER_ID: [1], n.AGE: [30.0]})
    limits = CheckLimits(allowed_share=0.2, shares={"users.age.out_of_range": 0.01})
    shares = {
        check.name: check.allowed_share
        for check in plan_checks(USERS, frame, NO_TIME, limits, None)
    }
    assert shares["age.out_of_range"] == 0.01
    assert shares["user_id.missing"] == 0.2
    assert shares["user_id.exists"] == 0.0


def test_a_table_may_lose_the_share_and_not_one_row_more() -> None:
    def minimum(shrink: float, previous: int) -> int:
        frame = pd.DataFrame({n.USER_ID: [1]})
        checks = plan_checks(USERS, frame, NO_TIME, CheckLimits(shrink=shrink), previous)
        return next(
            check.condition.minimum
            for check in checks
            if isinstance(check.condition, RowsAtLeast) and check.name == "row_count.not_shrunk"
        )

    assert minimum(0.5, 10) == 5
    assert minimum(0.5, 11) == 6
    assert minimum(0.41, 100) == 59
    assert minimum(1.0, 100) == 0
    assert minimum(0.0, 100) == 100


def test_a_result_tells_what_was_observed_of_the_whole_table() -> None:
    check = PlannedCheck("row_count.at_least", "", RowsAtLeast(1), 1234, 0.0, True)
    assert check.result(0, passed=True).observed == "1,234 rows"
