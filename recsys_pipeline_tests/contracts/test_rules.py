"""Each rule catches the one fault that it is about, and nothing else."""

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    PANDAS_DTYPES,
    SOURCE_TABLES,
    TOP_N,
    USERS,
    Column,
    Contract,
    Kind,
    Rule,
    RuleContext,
    RuleKind,
    rows_after,
    rule_text,
    rules_of,
    violations,
)
from recsys_pipeline.contracts import names as n

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")
CONTEXT = RuleContext(AS_OF, {"users": pd.Index(["a", "b", "c"]), "movies": pd.Index([1, 2, 3])})


def text(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def times(*values: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(values), utc=True).astype(PANDAS_DTYPES[Kind.TIME])


def good() -> pd.DataFrame:
    """Three interactions without fault."""
    return pd.DataFrame(
        {
            n.USER_ID: text("a", "b", "c"),
            n.MOVIE_ID: pd.array([1, 2, 3], dtype="Int64"),
            n.TIMESTAMP: times("2023-12-01", "2023-12-02", "2024-01-01"),
            n.raw(n.TIMESTAMP): text(None, None, None),
            n.LIKED: pd.array([True, False, None], dtype="boolean"),
            n.WATCH_FRACTION: [0.0, 1.0, np.nan],
            n.RATING: [0.5, 5.0, np.nan],
            n.EVENT_TYPE: text("view", "click", None),
        }
    )


def broken(frame: pd.DataFrame, contract: Contract = INTERACTIONS) -> dict[str, list[int]]:
    """Positions of the rows that break each rule; rules that all rows keep are left out."""
    found = {
        rule.name: np.flatnonzero(violations(contract, frame, rule, CONTEXT)).tolist()
        for rule in rules_of(contract, frame)
    }
    return {name: rows for name, rows in found.items() if rows}


def test_good_rows_break_nothing() -> None:
    assert broken(good()) == {}


@pytest.mark.parametrize(
    "column, value, rule",
    [
        (n.USER_ID, None, "user_id.missing"),
        (n.MOVIE_ID, None, "movie_id.missing"),
        (n.USER_ID, "stranger", "user_id.unknown_reference"),
        (n.MOVIE_ID, 4, "movie_id.unknown_reference"),
        (n.TIMESTAMP, AS_OF + pd.Timedelta(microseconds=1), "timestamp.after_as_of"),
        (n.raw(n.TIMESTAMP), "noon", "timestamp.unparsable"),
        (n.WATCH_FRACTION, -0.01, "watch_fraction.out_of_range"),
        (n.WATCH_FRACTION, 1.01, "watch_fraction.out_of_range"),
        (n.RATING, 0.49, "rating.out_of_range"),
        (n.RATING, 5.01, "rating.out_of_range"),
        (n.RATING, np.inf, "rating.out_of_range"),
    ],
)
def test_one_mutation_is_caught_by_one_rule(column: str, value: object, rule: str) -> None:
    frame = good()
    frame.loc[1, column] = value
    assert broken(frame) == {rule: [1]}


def test_a_row_with_the_key_of_an_earlier_row_is_caught() -> None:
    frame = pd.concat([good(), good().iloc[[1, 1]]])
    frame[n.RATING] = 3.0
    assert broken(frame) == {"user_id+movie_id+timestamp+event_type.duplicate_key": [3, 4]}


@pytest.mark.parametrize("column", [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.EVENT_TYPE])
def test_rows_that_differ_in_any_part_of_the_key_are_no_doubles(column: str) -> None:
    frame = pd.concat([good().iloc[[0]], good().iloc[[0]]], ignore_index=True)
    frame.loc[1, column] = good().loc[1, column]
    assert broken(frame) == {}


def test_an_absent_part_that_is_optional_leaves_the_key() -> None:
    frame = good().drop(columns=[n.TIMESTAMP, n.raw(n.TIMESTAMP), n.EVENT_TYPE])
    frame = pd.concat([frame, frame.iloc[[0]]])
    assert broken(frame) == {"user_id+movie_id.duplicate_key": [3]}


def test_events_whose_optional_time_is_missing_alike_are_doubles() -> None:
    frame = good().iloc[[0, 0]].reset_index(drop=True)
    frame[n.TIMESTAMP] = times(None, None)
    assert broken(frame) == {"user_id+movie_id+timestamp+event_type.duplicate_key": [1]}


def test_rows_without_a_whole_key_are_nobodys_doubles() -> None:
    frame = good().iloc[[0, 0, 0]].reset_index(drop=True)
    frame[n.USER_ID] = text(None, None, "a")
    assert broken(frame) == {"user_id.missing": [0, 1]}


def test_an_unparsed_part_of_the_key_counts_as_unparsable_only() -> None:
    frame = good().iloc[[0, 0, 0]].reset_index(drop=True)
    frame[n.TIMESTAMP] = times(None, None, None)
    frame[n.raw(n.TIMESTAMP)] = text("noon", "midnight", None)
    assert broken(frame) == {"timestamp.unparsable": [0, 1]}


def test_an_unparsed_key_is_not_missing_as_well() -> None:
    frame = pd.DataFrame(
        {
            n.MOVIE_ID: pd.array([1, None, None], dtype="Int64"),
            n.raw(n.MOVIE_ID): text(None, "one", None),
        }
    )
    assert broken(frame, MOVIES) == {"movie_id.unparsable": [1], "movie_id.missing": [2]}


@pytest.mark.parametrize(
    "column, low, high",
    [
        (n.AGE, -0.1, 120.1),
        (n.SUBSCRIPTION_MONTHS, -0.1, np.inf),
        (n.SESSIONS_PER_WEEK, -np.inf, np.inf),
    ],
)
def test_numbers_of_users_outside_their_range(column: str, low: float, high: float) -> None:
    frame = pd.DataFrame({n.USER_ID: range(4), column: [low, high, 1.0, np.nan]})
    assert broken(frame, USERS) == {f"{column}.out_of_range": [0, 1]}


def test_whole_numbers_outside_their_range() -> None:
    frame = pd.DataFrame(
        {n.MOVIE_ID: range(4), n.YEAR: pd.array([1869, 2101, 1870, None], dtype="Int64")}
    )
    assert broken(frame, MOVIES) == {"year.out_of_range": [0, 1]}


@pytest.mark.parametrize(
    "column, value",
    [
        (n.USER_ID, None),
        (n.USER_ID, "stranger"),
        (n.MOVIE_ID, 4),
        (n.raw(n.RATING), "three"),
        (n.WATCH_FRACTION, 1.01),
        (n.RATING, np.inf),
    ],
)
def test_a_row_after_as_of_breaks_no_other_rule(column: str, value: object) -> None:
    frame = good().assign(**{n.raw(n.RATING): text(None, None, None)})
    frame.loc[1, column] = value
    assert len(broken(frame)) == 1
    frame.loc[1, n.TIMESTAMP] = AS_OF + pd.Timedelta(days=1)
    assert broken(frame) == {"timestamp.after_as_of": [1]}


def test_rows_after_as_of_are_nobodys_doubles() -> None:
    frame = good().iloc[[0, 0, 1, 1]].reset_index(drop=True)
    frame.loc[[0, 1], n.TIMESTAMP] = AS_OF + pd.Timedelta(days=1)
    assert broken(frame) == {
        "timestamp.after_as_of": [0, 1],
        "user_id+movie_id+timestamp+event_type.duplicate_key": [3],
    }


def test_which_rows_lie_after_a_moment() -> None:
    frame = good().assign(**{n.TIMESTAMP: times("2024-01-01", None, "2024-01-02")})
    assert rows_after(INTERACTIONS, frame, AS_OF).tolist() == [False, False, True]
    assert not rows_after(INTERACTIONS, frame, None).any()
    assert not rows_after(INTERACTIONS, frame.drop(columns=n.TIMESTAMP), AS_OF).any()


def test_without_as_of_no_event_is_too_late() -> None:
    frame = good()
    rule = Rule("interactions", n.TIMESTAMP, RuleKind.AFTER_AS_OF)
    assert not violations(INTERACTIONS, frame, rule, RuleContext(None, CONTEXT.keys)).any()


@pytest.mark.parametrize("contract", [*SOURCE_TABLES, TOP_N], ids=lambda contract: contract.name)
def test_an_empty_table_breaks_no_rule(contract: Contract) -> None:
    frame = contract.schema().empty_table().to_pandas()
    for rule in rules_of(contract, frame):
        mask = violations(contract, frame, rule, CONTEXT)
        assert mask.shape == (0,)
        assert mask.dtype == np.bool_


def test_rules_follow_the_columns_that_are_there() -> None:
    frame = good()
    names = [rule.name for rule in rules_of(INTERACTIONS, frame[[n.USER_ID, n.MOVIE_ID]])]
    assert names == [
        "user_id.missing",
        "user_id.unknown_reference",
        "movie_id.missing",
        "movie_id.unknown_reference",
        "user_id+movie_id.duplicate_key",
    ]
    everything = [rule.name for rule in rules_of(INTERACTIONS, frame)]
    assert set(everything) - set(names) == {
        "timestamp.unparsable",
        "timestamp.after_as_of",
        "watch_fraction.out_of_range",
        "rating.out_of_range",
        "user_id+movie_id+timestamp+event_type.duplicate_key",
    }


def test_without_a_required_part_there_is_no_rule_about_the_key() -> None:
    kinds = {rule.kind for rule in rules_of(INTERACTIONS, good().drop(columns=n.USER_ID))}
    assert RuleKind.DUPLICATE_KEY not in kinds
    assert RuleKind.MISSING in kinds


def test_only_rows_after_as_of_never_block() -> None:
    assert [kind for kind in RuleKind if not Rule("interactions", n.TIMESTAMP, kind).may_block] == [
        RuleKind.AFTER_AS_OF
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "stranger", None]),
            st.sampled_from([1, 2, 9, None]),
            st.floats(allow_nan=True) | st.none(),
        ),
        max_size=20,
    )
)
def test_rules_agree_with_a_row_by_row_reading(rows: list) -> None:
    frame = pd.DataFrame(rows, columns=[n.USER_ID, n.MOVIE_ID, n.RATING])
    frame = frame.astype({n.USER_ID: "str", n.MOVIE_ID: "Int64", n.RATING: "float64"})
    before = frame.copy(deep=True)
    expected: dict[str, list[int]] = {}
    seen = set()
    for row, (user, movie, rating) in enumerate(rows):
        faults = {
            "user_id.missing": user is None,
            "user_id.unknown_reference": user == "stranger",
            "movie_id.missing": movie is None,
            "movie_id.unknown_reference": movie == 9,
            "rating.out_of_range": rating is not None
            and not np.isnan(rating)
            and not 0.5 <= rating <= 5,
            "user_id+movie_id.duplicate_key": (user, movie) in seen,
        }
        if user is not None and movie is not None:
            seen.add((user, movie))
        for name, at_fault in faults.items():
            if at_fault:
                expected.setdefault(name, []).append(row)
    assert broken(frame) == expected
    pdt.assert_frame_equal(frame, before)


def test_rules_read_as_sentences() -> None:
    frame = good().assign(**{n.raw(n.LIKED): None, n.raw(n.RATING): None})
    assert [rule_text(INTERACTIONS, rule) for rule in rules_of(INTERACTIONS, frame)] == [
        "user_id is present",
        "user_id is found in users",
        "movie_id is present",
        "movie_id is found in movies",
        "timestamp can be read as a date",
        "timestamp is not after as_of",
        "liked can be read as yes or no",
        "watch_fraction is 0 to 1",
        "rating can be read as a number",
        "rating is 0.5 to 5 stars",
        "no two rows share user_id, movie_id, timestamp, event_type",
    ]


@pytest.mark.parametrize(
    "kind, what",
    [(Kind.ID, "an id"), (Kind.INTEGER, "a whole number"), (Kind.TEXTS, "a list of texts")],
)
def test_an_unparsable_value_is_named_by_what_it_should_be(kind: Kind, what: str) -> None:
    contract = Contract("things", "", (Column("thing", kind, ""),), ())
    rule = Rule("things", "thing", RuleKind.UNPARSABLE)
    assert rule_text(contract, rule) == f"thing can be read as {what}"
