"""Equal tables have equal fingerprints, and every difference shows."""

import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.data.fingerprint import fingerprint


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1, 2, 3],
            "text": pd.Series(["a", None, "c"], dtype="str"),
            "lists": pd.Series([["x", "y"], [], None], dtype=PANDAS_DTYPES[Kind.TEXTS]),
            "number": [0.5, float("nan"), 2.0],
        }
    )


def test_equal_tables_in_any_memory_layout_have_equal_fingerprints() -> None:
    first = fingerprint({"a": frame(), "b": frame()})
    assert len(first) == 64
    assert fingerprint({"b": frame(), "a": frame()}) == first
    sliced = pd.concat([frame(), frame()], ignore_index=True).iloc[:3]
    assert fingerprint({"a": sliced, "b": frame()}) == first
    parts = pd.concat([frame().iloc[:1], frame().iloc[1:]])
    assert fingerprint({"a": parts, "b": frame()}) == first
    taken = frame().iloc[[2, 1, 0]].iloc[[2, 1, 0]]
    assert fingerprint({"a": taken, "b": frame()}) == first


def _cell(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(number=[0.5, float("nan"), 2.5])


def _missing(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(text=pd.Series(["a", "", "c"], dtype="str"))


@pytest.mark.parametrize(
    "change",
    [
        _cell,
        _missing,
        lambda data: data.iloc[::-1],
        lambda data: data.iloc[:2],
        lambda data: data.rename(columns={"id": "key"}),
        lambda data: data.assign(id=data["id"].astype("int32")),
        lambda data: data[["text", "id", "lists", "number"]],
    ],
    ids=["cell", "missing", "order", "rows", "name", "type", "columns"],
)
def test_every_difference_shows(change) -> None:
    assert fingerprint({"a": change(frame())}) != fingerprint({"a": frame()})


def test_the_name_of_the_table_counts() -> None:
    assert fingerprint({"a": frame()}) != fingerprint({"b": frame()})
