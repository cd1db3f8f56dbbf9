"""Rows at fault go to quarantine, each with its rules, and no row is lost."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import SOURCE_TABLES, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import QUARANTINE_COLUMNS, clean, rule_context
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource
from recsys_pipeline.sources.base import Tables

NOON = pd.Timestamp("2023-06-30T12:00:00", tz="UTC").as_unit("us")


@pytest.fixture(scope="module")
def world() -> Tables:
    return SimulatedSource(WorldConfig(users=20, movies=10, interactions=120)).read(None)


@pytest.fixture
def tables(make_tables, day) -> Tables:
    """One row of each fault."""
    made = make_tables(
        {
            n.USER_ID: [1, 2, 3, 3],
            n.AGE: [20, 200, 30, 31],
            n.SEGMENT: ["a", "x\n\u2028y", "c", "c"],
        },
        {
            n.MOVIE_ID: [10, 20],
            n.GENRES: [["War", "Drama"], None],
            n.YEAR: [1990, 1066],
        },
        {
            n.USER_ID: [1, 2, 3, 9, 1, 1, 1],
            n.MOVIE_ID: [10, 20, 10, 10, 99, 10, 20],
            n.TIMESTAMP: [day(1), day(2), day(3), day(4), day(5), day(1), day(20)],
            n.WATCH_FRACTION: [0.5, 0.5, 1.5, -1, 0.5, 0.5, 0.5],
        },
    )  # fmt: skip
    made.users[n.raw(n.AGE)] = pd.array([None, None, None, "old"], dtype="str")
    made.users.loc[3, n.AGE] = None
    return made


def test_each_row_at_fault_is_set_aside_with_all_its_rules(tables, day) -> None:
    cleaned = clean(tables, day(15))
    found = {
        (row.table, row.source_row): row.rules for row in cleaned.quarantine.itertuples(index=False)
    }
    assert found == {
        ("users", 3): "age.out_of_range",
        ("users", 5): "age.unparsable, user_id.duplicate_key",
        ("movies", 3): "year.out_of_range",
        ("interactions", 4): "watch_fraction.out_of_range",
        ("interactions", 5): "user_id.unknown_reference, watch_fraction.out_of_range",
        ("interactions", 6): "movie_id.unknown_reference",
        ("interactions", 7): "user_id+movie_id+timestamp.duplicate_key",
        ("interactions", 8): "timestamp.after_as_of",
    }
    assert cleaned.later == 1
    assert cleaned.quarantined == {"users": 2, "movies": 1, "interactions": 4}
    assert tuple(cleaned.quarantine.columns) == QUARANTINE_COLUMNS
    assert cleaned.interactions[n.MOVIE_ID].tolist() == [10, 20]


def test_rows_after_as_of_are_later_and_never_at_fault(tables, day) -> None:
    cleaned = clean(tables, day(3) - pd.Timedelta(hours=1))
    aside = cleaned.quarantine[cleaned.quarantine[n.TABLE] == "interactions"]
    rules = dict(zip(aside[n.SOURCE_ROW], aside[n.RULES], strict=True))
    late = "timestamp.after_as_of"
    doubled = "user_id+movie_id+timestamp.duplicate_key"
    assert rules == {4: late, 5: late, 6: late, 7: doubled, 8: late}
    assert cleaned.later == 4
    assert cleaned.quarantined["interactions"] == 1
    assert cleaned.later + sum(cleaned.quarantined.values()) == len(cleaned.quarantine)


def test_the_row_can_be_read_back(tables, day) -> None:
    quarantine = clean(tables, day(15)).quarantine
    rows = [json.loads(text) for text in quarantine[n.ROW]]
    assert rows[0] == {n.USER_ID: 2, n.AGE: 200.0, n.SEGMENT: "x\n\u2028y", n.raw(n.AGE): None}
    assert rows[1][n.raw(n.AGE)] == "old"
    assert rows[2] == {n.MOVIE_ID: 20, n.GENRES: None, n.YEAR: 1066}
    assert rows[3][n.TIMESTAMP].startswith("2023-05-03T00:00:00")


def test_who_lost_the_row_but_has_interactions_stays_known_by_id(tables, day) -> None:
    cleaned = clean(tables, day(15))
    assert cleaned.users[n.USER_ID].tolist() == [1, 2, 3]
    assert cleaned.movies[n.MOVIE_ID].tolist() == [10, 20]
    assert cleaned.users.isna()[n.AGE].tolist() == [False, True, False]
    assert cleaned.movies.isna()[n.YEAR].tolist() == [False, True]
    for name, note in zip(("users", "movies"), cleaned.notes, strict=True):
        assert note.startswith(f"{name}: 1 whose row is in quarantine")
        kept, mapped = getattr(cleaned, name), tables.table(name)
        assert (kept.dtypes == mapped.dtypes[kept.columns]).all()


def test_who_lost_the_row_and_has_no_interaction_is_gone(tables, day) -> None:
    cleaned = clean(tables, day(1))
    assert cleaned.users[n.USER_ID].tolist() == [1, 3]
    assert cleaned.notes == ()


def test_bookkeeping_stays_behind_and_further_columns_stay(tables, day) -> None:
    users = tables.users.assign(shoe_size=[1, 2, 3, 4])
    cleaned = clean(replace(tables, users=users), day(15))
    assert list(cleaned.users.columns) == [n.USER_ID, n.AGE, n.SEGMENT, "shoe_size"]
    assert n.SOURCE_ROW not in cleaned.interactions.columns


def test_a_table_whose_every_row_is_at_fault_leaves_ids_only(tables, day) -> None:
    users = tables.users.assign(**{n.AGE: 500.0, "shoe_size": [1, 2, 3, 4], "vip": [True] * 4})
    cleaned = clean(replace(tables, users=users), day(15))
    assert cleaned.users[n.USER_ID].tolist() == [1, 2]
    further = [n.AGE, n.SEGMENT, "shoe_size", "vip"]
    assert cleaned.users[further].isna().all(axis=None)
    assert cleaned.users.dtypes.astype(str).tolist() == [
        "int64", "float64", "str", "Int64", "boolean"
    ]  # fmt: skip
    assert cleaned.quarantined["users"] == 4


def test_the_order_in_the_file_has_no_effect(tables, day) -> None:
    clean_rows = replace(tables, interactions=tables.interactions.iloc[[0, 1, 3]])
    # Of two rows with one key the first stands, so the order of those does matter.
    clean_rows = replace(clean_rows, users=tables.users.iloc[:3])
    turned = Tables(*(clean_rows.table(c.name)[::-1] for c in SOURCE_TABLES))
    first, second = clean(clean_rows, day(15)), clean(turned, day(15))
    pd.testing.assert_frame_equal(first.interactions, second.interactions)
    pd.testing.assert_frame_equal(first.users, second.users)
    pd.testing.assert_frame_equal(first.movies, second.movies)


def test_the_tables_are_not_changed(tables, day) -> None:
    before = {c.name: tables.table(c.name).copy() for c in SOURCE_TABLES}
    clean(tables, day(15))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, tables.table(name))


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                ("users", n.AGE, 999.0),
                ("users", n.USER_ID, 1),
                ("movies", n.MEAN_RATING, -1.0),
                ("movies", n.MOVIE_ID, 1),
                ("interactions", n.RATING, 99.0),
                ("interactions", n.USER_ID, 12345),
                ("interactions", n.MOVIE_ID, 54321),
                ("interactions", n.TIMESTAMP, None),
            ]
        ),
        st.integers(0, 9),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=15)
@given(FAULTS)
def test_quarantine_counts_what_the_rules_count_and_nothing_is_lost(
    world: Tables, faults: list
) -> None:
    frames = {c.name: world.table(c.name).copy() for c in SOURCE_TABLES}
    for (table, column, value), row in faults:
        frames[table].loc[row, column] = NOON + pd.Timedelta(days=900) if value is None else value
    tables = Tables(**frames)
    cleaned = clean(tables, NOON)
    context = rule_context(tables, NOON)
    for contract in SOURCE_TABLES:
        frame = frames[contract.name]
        counted = {
            rule.name: int(violations(contract, frame, rule, context).sum())
            for rule in rules_of(contract, frame)
        }
        assert cleaned.broken[contract.name] == counted
        aside = cleaned.quarantine[cleaned.quarantine[n.TABLE] == contract.name]
        named = aside[n.RULES].str.split(", ").explode().value_counts()
        assert {name: count for name, count in counted.items() if count} == named.to_dict()
        assert aside[n.SOURCE_ROW].is_unique
        used = getattr(cleaned, contract.name)
        known_by_id = 0
        if contract.name != "interactions":
            key = contract.key[0]
            good = frame[~frame[n.SOURCE_ROW].isin(aside[n.SOURCE_ROW])]
            known_by_id = int((~used[key].isin(good[key])).sum())
            assert cleaned.interactions[key].isin(used[key]).all()
        assert len(used) - known_by_id + len(aside) == len(frame)
    assert (cleaned.interactions[n.TIMESTAMP] <= NOON).all()
