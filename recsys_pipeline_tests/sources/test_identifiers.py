"""Ids keep what they are: whole numbers or text, exact, and equal in all tables."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.identifiers import IdColumn, parse_ids


def id_column(file: str, values: pa.Array) -> IdColumn:
    return IdColumn("t", file, pa.chunked_array([values]), lambda row: f"{file} line {row + 2}")


def ids(*columns: list[object]) -> tuple[list[pd.Series], list[str]]:
    arrays = [pa.array(column) for column in columns]
    return parse_ids([id_column(f"file{i}", item) for i, item in enumerate(arrays)], "user")


def test_whole_numbers_as_text_or_numbers_are_int64() -> None:
    (first, second), notes = ids(["1", "-5", "0"], [1, 2, 3])
    assert first.tolist() == [1, -5, 0]
    assert [str(item.dtype) for item in (first, second)] == ["int64", "int64"]
    assert not notes


def test_ids_near_the_end_of_int64_are_exact() -> None:
    largest = 2**63 - 1
    (first, second), _ = ids([str(largest), str(largest - 1)], [largest, largest - 1])
    assert first.tolist() == second.tolist() == [largest, largest - 1]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_int64_survives_writing(values: list[int]) -> None:
    (read,), _ = ids([str(value) for value in values])
    assert read.tolist() == values
    assert str(read.dtype) == "int64"


@pytest.mark.parametrize("other", ["007", "u1", str(2**63), "+5", "1.5", "-0", "٣"])
def test_one_other_id_makes_all_tables_text(other: str) -> None:
    (first, second), _ = ids(["1", "2"], [other])
    assert first.tolist() == ["1", "2"]
    assert second.tolist() == [other]
    assert [str(item.dtype) for item in (first, second)] == ["str", "str"]


def test_unsigned_numbers_beyond_int64_become_text() -> None:
    arrays = [pa.array([2**63], pa.uint64()), pa.array([1])]
    (first, second), _ = parse_ids([id_column("f", array) for array in arrays], "user")
    assert first.tolist() == [str(2**63)]
    assert second.tolist() == ["1"]


def test_white_space_around_ids_is_taken_away_and_counted() -> None:
    (first, second), notes = ids(["a", " a", "a\u00a0", " a"], ["b", None])
    assert first.tolist() == ["a"] * 4
    assert notes == [
        "file0: 3 user ids had white space around them; they are the same ids without it."
    ]
    assert second.isna().tolist() == [False, True]


def test_missing_ids_are_null() -> None:
    (first,), _ = ids(["1", "", None, " ", "NaN", "null"])
    assert first.tolist() == [1] + [pd.NA] * 5
    assert str(first.dtype) == "Int64"
    (second,), _ = ids([1, None])
    assert second.tolist() == [1, pd.NA]
    (third,), _ = ids(["a", "", "None"])
    assert third.isna().tolist() == [False, True, True]


def test_decimals_of_a_float_column_go_with_a_note() -> None:
    (first, second), notes = ids(["123.0", "", "7.0"], ["123", "7"])
    assert first.dropna().tolist() == [123, 7]
    assert second.tolist() == [123, 7]
    assert "2 user ids were written like" in notes[0]
    (third,), _ = ids([123.0, None])
    assert third.tolist() == [123, pd.NA]


def test_decimals_that_are_meant_stay() -> None:
    (first,), _ = ids(["1.0", "1.5"])
    assert first.tolist() == ["1.0", "1.5"]
    (second,), _ = ids([1.5, 2.0])
    assert second.tolist() == ["1.5", "2"]


def test_rounded_ids_are_refused_and_placed_but_not_shown() -> None:
    said = r"file0: 3 user ids were rounded, the first in file0 line 4\."
    with pytest.raises(SourceError, match=said) as caught:
        ids(["", "12", "1.23E+15", "1.24E+15", "1.24E+15"])
    assert "1.2" not in caught.value.hint
    with pytest.raises(SourceError, match=r"floating point numbers beyond 2\^53"):
        ids([float(2**60), 1.0])


def test_a_few_strange_ids_are_counted_and_placed_but_not_shown() -> None:
    _, notes = ids([None, *(str(number) for number in range(50)), "x7", "anna@example.org"])
    assert notes == [
        "The user ids are kept as text, as 2 of them are no plain whole numbers, the first in "
        "file0 line 53."
    ]
