"""What is written comes back as it was, on a disk and on an fsspec file system."""

from pathlib import Path
from uuid import uuid4

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.contracts import PANDAS_DTYPES, USERS, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.columns import SCHEMA_KEY, contract_schema
from recsys_pipeline.defs.io import FolderIOManager, TableIOManager

WEEK = "2024-01-01"


@pytest.fixture(params=["local", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    if request.param == "local":
        return UPath(tmp_path / "assets")
    return UPath(f"memory://{uuid4().hex}/assets")


@pytest.fixture
def partitions() -> dg.TimeWindowPartitionsDefinition:
    return dg.WeeklyPartitionsDefinition(start_date="2024-01-01", day_offset=1)


def contexts(name: str, partitions, metadata=None) -> tuple[dg.OutputContext, dg.InputContext]:
    key = dg.AssetKey(["team", name])
    out = dg.build_output_context(
        asset_key=key,
        partition_key=WEEK,
        asset_partitions_def=partitions,
        definition_metadata=metadata,
    )
    into = dg.build_input_context(
        asset_key=key,
        partition_key=WEEK,
        asset_partition_key_range=dg.PartitionKeyRange(WEEK, WEEK),
        asset_partitions_def=partitions,
        upstream_output=out,
    )
    return out, into


def every_dtype() -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.USER_ID: np.array([2**62 + 1, 7, 3], dtype=np.int64),
            n.AGE: [30.5, np.nan, 1.0],
            n.SEGMENT: pd.array(["young", None, "ü"], dtype="str"),
            n.YEAR: pd.array([1999, None, 2001], dtype="Int64"),
            n.LIKED: pd.array([True, None, False], dtype="boolean"),
            n.TIMESTAMP: pd.to_datetime(
                ["2024-01-01T00:00:00.123456Z", None, "1970-01-01T00:00:00.000000Z"]
            ).as_unit("us"),
            n.GENRES: pd.array([["Drama"], None, []], dtype=PANDAS_DTYPES[Kind.TEXTS]),
            "small": np.array([1, 2, 3], dtype=np.int8),
            "single": np.array([1, np.nan, 3], dtype=np.float32),
        }
    )


@pytest.mark.parametrize("rows", [3, 0])
def test_a_table_comes_back_as_it_was(base, partitions, rows):
    manager, frame = TableIOManager(base), every_dtype().head(rows)
    out, into = contexts("every", partitions)

    manager.handle_output(out, frame)
    back = manager.load_input(into)

    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    assert list(back.dtypes) == list(frame.dtypes)
    assert [p.name for p in (base / "team" / "every").iterdir()] == [f"{WEEK}.parquet"]


def test_a_table_is_written_over(base, partitions):
    manager = TableIOManager(base)
    out, into = contexts("twice", partitions)
    manager.handle_output(out, every_dtype())
    out, into = contexts("twice", partitions)
    manager.handle_output(out, every_dtype().head(1))

    assert len(manager.load_input(into)) == 1


def test_rows_and_columns_are_metadata(base, partitions):
    manager = TableIOManager(base)
    out, _ = contexts("users", partitions, {SCHEMA_KEY: contract_schema(USERS)})

    found = manager.get_metadata(out, every_dtype())

    assert found["dagster/row_count"] == 3
    columns = {column.name: column for column in found[SCHEMA_KEY].columns}
    assert columns[n.USER_ID].type == "int64"
    assert columns[n.USER_ID].description == "Identifies the user."
    assert columns[n.USER_ID].constraints.unique
    assert columns[n.AGE].constraints.other == ["0 to 120 years"]
    assert columns[n.GENRES].type == "list<element: string>" or "list" in columns[n.GENRES].type
    assert columns["small"].type == "int8"


class Saved:
    """Something that saves itself into a folder."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def save(self, folder: Path) -> None:
        for name, text in self.texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Saved":
        files = [path for path in folder.rglob("*") if path.is_file()]
        return cls({p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in files})


def test_a_folder_comes_back_and_replaces_an_older_one(base, partitions):
    manager = FolderIOManager(base, Saved.load)
    out, _ = contexts("model", partitions)
    manager.handle_output(out, Saved({"old.txt": "old"}))
    out, into = contexts("model", partitions)
    texts = {"facts.json": "{}", "released/model.json": "ä", "released/deep/x.npz": "1"}
    manager.handle_output(out, Saved(texts))

    assert manager.load_input(into).texts == texts


def test_a_folder_that_fails_halfway_leaves_the_old_one(tmp_path, partitions):
    class Breaks(Saved):
        def save(self, folder: Path) -> None:
            super().save(folder)
            raise OSError("disk full")

    manager = FolderIOManager(UPath(tmp_path), Saved.load)
    out, _ = contexts("model", partitions)
    manager.handle_output(out, Saved({"a": "1"}))
    out, into = contexts("model", partitions)
    with pytest.raises(OSError, match="disk full"):
        manager.handle_output(out, Breaks({"b": "2"}))

    assert manager.load_input(into).texts == {"a": "1"}
    assert [path.name for path in (tmp_path / "team" / "model").iterdir()] == [WEEK]


def test_what_was_never_written_is_missing(base, partitions):
    for manager in (TableIOManager(base), FolderIOManager(base, Saved.load)):
        _, into = contexts("absent", partitions)
        with pytest.raises(FileNotFoundError):
            manager.load_input(into)
