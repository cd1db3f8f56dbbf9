"""Rows after `as_of` have no say in how the others are read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import clean
from recsys_pipeline.sources import (
    FilesConfig,
    FilesSource,
    FileTableConfig,
    MovieLensConfig,
    MovieLensSource,
    Tables,
)

AS_OF = pd.Timestamp("2024-01-31", tz="UTC")


def from_files(folder: Path, rows: list[str]) -> Tables:
    header = "user_id,movie_id,timestamp,rating,watch_fraction"
    (folder / "events.csv").write_text("\n".join([header, *rows]))
    config = FilesConfig(interactions=FileTableConfig(path="events.csv"))
    return FilesSource(config, folder).read(AS_OF)


def from_movielens(folder: Path, rows: list[str]) -> Tables:
    seconds = {"2024-01-01": 1704067200, "2024-01-31": 1706659200, "2024-02-01": 1706745600}
    lines = []
    for row in rows:
        user, movie, day, rating, _ = row.split(",")
        lines.append(f"{user},{movie},{rating},{seconds[day]}")
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *lines]))
    (folder / "movies.csv").write_text("movieId,title,genres\n10,A (1999),War\n20,B (2000),War\n")
    return MovieLensSource(MovieLensConfig(path=str(folder)), folder).read(AS_OF)


KNOWN = ["1,10,2024-01-01,1,0.5", "2,20,2024-01-31,5,1"]
PLANTED = [f"{user},{user},2024-02-01,{10 * user},{10 * user}" for user in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize("read", [from_files, from_movielens])
@pytest.mark.parametrize("before", [True, False])
def test_what_comes_later_changes_nothing(
    tmp_path: Path, read: Callable[[Path, list[str]], Tables], before: bool
) -> None:
    plain = clean(read(tmp_path, KNOWN), AS_OF)
    planted = clean(read(tmp_path, PLANTED + KNOWN if before else KNOWN + PLANTED), AS_OF)
    assert (plain.later, planted.later) == (0, len(PLANTED))
    for contract in SOURCE_TABLES:
        assert_frame_equal(getattr(planted, contract.name), getattr(plain, contract.name))
    assert planted.quarantined == plain.quarantined == dict.fromkeys(plain.quarantined, 0)


def test_every_row_is_returned_and_keeps_its_place(tmp_path: Path) -> None:
    tables = from_files(tmp_path, PLANTED + KNOWN)
    assert tables.interactions[n.USER_ID].tolist() == [3, 4, 5, 6, 7, 1, 2]
    assert tables.users[[n.USER_ID, n.SOURCE_ROW]].to_numpy().tolist() == [[1, 7], [2, 8]]


def test_without_a_moment_all_rows_count(tmp_path: Path) -> None:
    from_files(tmp_path, KNOWN + PLANTED)
    config = FilesConfig(interactions=FileTableConfig(path="events.csv"))
    tables = FilesSource(config, tmp_path).read(None)
    assert len(tables.users) == 7
    assert tables.interactions[n.WATCH_FRACTION].max() == 0.7


def test_a_row_without_a_time_counts(tmp_path: Path) -> None:
    tables = from_files(tmp_path, [*KNOWN, "9,10,,3,0.5"])
    assert tables.users[n.USER_ID].tolist() == [1, 2, 9]
    assert clean(replace(tables, notes=()), AS_OF).later == 0
