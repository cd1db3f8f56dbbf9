"""What users did online in all stored weeks: which files count, and in which order."""

import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import write_frame
from recsys_pipeline.errors import StorageError
from recsys_pipeline.storage.user_weeks import ONLINE_ACTIVITY, no_user_weeks, stored_user_weeks


@pytest.fixture
def base(tmp_path) -> UPath:
    (tmp_path / ONLINE_ACTIVITY).mkdir()
    return UPath(tmp_path)


def put(base: UPath, day: str, rows: int = 1) -> None:
    frame = pd.DataFrame({n.USER_ID: range(rows)}).reindex(columns=no_user_weeks().columns)
    frame[n.WEEK] = pd.Timestamp(day, tz="UTC").as_unit("us")
    kinds = {name: kind for name, kind in no_user_weeks().dtypes.items() if name != n.USER_ID}
    write_frame(frame.astype(kinds), base / ONLINE_ACTIVITY / f"{day}.parquet")


def days(frame: pd.DataFrame) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in frame[n.WEEK]]


def test_without_a_file_there_are_columns_and_no_rows(tmp_path):
    found = stored_user_weeks(UPath(tmp_path))
    assert found.empty
    assert n.ACTIVE_DAYS in found.columns


def test_weeks_come_oldest_first_and_empty_ones_are_passed_over(base):
    put(base, "2024-01-08", 2)
    put(base, "2024-01-15", 0)
    put(base, "2024-01-01")
    assert days(stored_user_weeks(base)) == ["2024-01-01", "2024-01-08", "2024-01-08"]


def test_only_weeks_before_a_moment_that_do_not_overlap_it(base):
    for day in ("2024-01-01", "2024-01-07", "2024-01-08", "2024-01-09", "2024-01-15"):
        put(base, day)
    moment = pd.Timestamp("2024-01-15", tz="UTC")
    assert days(stored_user_weeks(base, moment)) == ["2024-01-01", "2024-01-08"]


def test_weeks_before_the_schedule_moved_are_told_and_those_of_every_day_are_not(base):
    for day in ("2024-01-01", "2024-01-08", "2024-01-17", "2024-01-24"):
        put(base, day)
    said = []
    assert days(stored_user_weeks(base, tell=said.append)) == ["2024-01-17", "2024-01-24"]
    assert said[0].startswith("2 stored weeks up to 2024-01-08 ")
    daily, said = base / "daily", []
    (daily / ONLINE_ACTIVITY).mkdir(parents=True)
    for day in range(1, 25):
        put(daily, f"2024-01-{day:02d}")
    assert len(stored_user_weeks(daily, tell=said.append)) == 4
    assert said == []


def test_a_file_that_cannot_be_read_is_named(base):
    (base / ONLINE_ACTIVITY / "2024-01-01.parquet").write_bytes(b"PAR1")
    with pytest.raises(StorageError, match="2024-01-01"):
        stored_user_weeks(base)
