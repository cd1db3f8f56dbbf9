"""Mapped tables from plain columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES, SOURCE_TABLES, Contract, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.base import Tables

Columns = Mapping[str, Sequence[Any]]


def frame_of(contract: Contract, columns: Columns) -> pd.DataFrame:
    """A mapped table with the dtypes of its contract; further columns as pandas guesses them."""
    known = {column.name: column.kind for column in contract.columns}
    frame = pd.DataFrame(
        {
            name: pd.Series(values, dtype=PANDAS_DTYPES[known[name]])
            if known.get(name, Kind.ID) is not Kind.ID
            else pd.Series(values)
            for name, values in columns.items()
        }
    )
    frame[n.SOURCE_FILE] = pd.Series([f"{contract.name}.csv"] * len(frame), dtype="str")
    frame[n.SOURCE_ROW] = np.arange(2, len(frame) + 2, dtype=np.int64)
    return frame


def tables_of(users: Columns, movies: Columns, interactions: Columns) -> Tables:
    columns = (users, movies, interactions)
    return Tables(*(frame_of(c, each) for c, each in zip(SOURCE_TABLES, columns, strict=True)))


@pytest.fixture
def make_tables() -> Callable[[Columns, Columns, Columns], Tables]:
    """Tables from the columns of users, movies and interactions; rows count from 2."""
    return tables_of


@pytest.fixture
def day() -> Callable[[int], pd.Timestamp]:
    """Midnight of a day of May 2023, UTC."""
    return lambda number: pd.Timestamp(year=2023, month=5, day=number, tz="UTC").as_unit("us")
