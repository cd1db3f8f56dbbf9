"""The canonical tables, their schemas and the data dictionary."""

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    names,
)
from recsys_pipeline.contracts.dictionary import data_dictionary

ALL = (*SOURCE_TABLES, TOP_N)
each_table = pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)


@each_table
def test_columns_are_named_once_and_in_names(contract: Contract) -> None:
    known = {value for name, value in vars(names).items() if name.isupper()}
    assert len(set(contract.column_names)) == len(contract.columns)
    assert set(contract.column_names) <= known


@each_table
def test_keys_and_references_exist(contract: Contract) -> None:
    assert contract.key
    assert set(contract.key) <= set(contract.column_names)
    tables = {table.name: table for table in SOURCE_TABLES}
    for column in contract.columns:
        if column.references:
            assert tables[column.references].key == (column.name,)


@each_table
def test_columns_are_documented_and_only_numbers_have_bounds(contract: Contract) -> None:
    for column in contract.columns:
        assert column.doc.endswith("."), column.name
        if column.minimum is not None or column.maximum is not None:
            assert column.kind in {Kind.NUMBER, Kind.INTEGER}, column.name
        if column.not_after_as_of:
            assert column.kind is Kind.TIME, column.name


@each_table
def test_the_schema_and_the_pandas_dtypes_carry_the_same_values(contract: Contract) -> None:
    schema = contract.schema()
    assert tuple(schema.names) == contract.column_names
    dtypes = {
        column.name: "str" if column.kind is Kind.ID else PANDAS_DTYPES[column.kind]
        for column in contract.columns
    }
    frame = pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()})
    written = io.BytesIO()
    frame.to_parquet(written)
    for name, kind in zip(schema.names, pq.read_schema(written).types, strict=True):
        text = pa.types.is_large_string(kind)
        assert schema.field(name).type == (pa.string() if text else kind), name


def test_the_schema_says_what_a_column_is() -> None:
    schema = INTERACTIONS.schema({names.USER_ID: pa.int64()})
    assert schema.field(names.USER_ID).type == pa.int64()
    assert schema.field(names.MOVIE_ID).type == pa.string()
    assert schema.field(names.TIMESTAMP).type == pa.timestamp("us", tz="UTC")
    assert not schema.field(names.USER_ID).nullable
    assert schema.field(names.RATING).nullable
    assert schema.field(names.RATING).metadata == {
        b"doc": b"The user's own rating.",
        b"unit": b"stars",
    }
    assert schema.metadata[b"table"] == b"interactions"
    assert USERS.schema().field(names.PREFERRED_GENRES).type == pa.list_(pa.string())


@pytest.mark.parametrize(
    "minimum, maximum, text",
    [
        (None, None, ""),
        (0, None, "at least 0"),
        (None, 2.5, "at most 2.5"),
        (0.5, 5, "0.5 to 5"),
        (1870, 2100, "1870 to 2100"),
    ],
)
def test_range_text(minimum: float | None, maximum: float | None, text: str) -> None:
    column = Column("x", Kind.NUMBER, "", minimum=minimum, maximum=maximum)
    assert column.range_text == text


def test_a_column_is_found_by_its_name() -> None:
    assert MOVIES.column(names.YEAR).kind is Kind.INTEGER
    with pytest.raises(KeyError, match="colour"):
        MOVIES.column("colour")


def test_required_columns() -> None:
    assert [column.name for column in INTERACTIONS.required] == [names.USER_ID, names.MOVIE_ID]


def test_further_columns_are_those_that_no_contract_and_no_bookkeeping_has() -> None:
    columns = [
        names.USER_ID,
        "favourite_colour",
        names.SOURCE_FILE,
        names.SOURCE_ROW,
        names.raw(names.AGE),
    ]
    assert USERS.extra_columns(pd.DataFrame(columns=columns)) == ["favourite_colour"]


def test_the_data_dictionary_has_every_column_of_every_table() -> None:
    text = data_dictionary(ALL)
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("## ")] == [
        f"## {contract.name}" for contract in ALL
    ]
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == sum(len(contract.columns) for contract in ALL)
    assert all(row.count(" | ") == 5 for row in rows)
    assert "| `rating` | number |  | 0.5 to 5 | stars | The user's own rating. |" in rows
    assert "| `movie_id` | id | yes |  |  | Identifies the movie. |" in rows
    assert "One row per title of the catalogue. Key: `movie_id`." in lines
    assert text.endswith("|\n")
