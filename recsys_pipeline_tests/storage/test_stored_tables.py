"""The tables of all weeks: the rows of one user, and old weeks."""

import json
import uuid
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import clean
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.errors import StorageError
from recsys_pipeline.sources import Tables
from recsys_pipeline.storage.rows_of_user import rows_of
from recsys_pipeline.storage.stored_tables import StoredTables

WHO = "märker/7f3a9c"
WEEKS = ("2024-01-01", "2024-01-08", "2024-01-15")


def lists(*users: object) -> pd.DataFrame:
    return pd.DataFrame({n.USER_ID: list(users), n.RANK: range(len(users))})


@pytest.fixture(params=["disk", "objects", "prefix"])
def base(request, tmp_path: Path) -> UPath:
    """A folder of assets with two tables of users, one of movies and a model, of three weeks."""
    home = UPath(tmp_path / "assets")
    if request.param == "objects":
        home = UPath(f"memory://bucket-{uuid.uuid4().hex}/assets")
    folder = home / "team" / "recsys" if request.param == "prefix" else home
    for week in WEEKS:
        put(folder / "users" / f"{week}.parquet", pd.DataFrame({n.USER_ID: ["a", WHO], "x": 1}))
        put(folder / "top_n" / f"{week}.parquet", lists("a", "a", WHO, WHO, "b").assign(week=week))
        put(folder / "movies" / f"{week}.parquet", pd.DataFrame({n.MOVIE_ID: [WHO]}))
        model = folder / "trained_model" / week / "released" / "model.json"
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_text(json.dumps({"rules": {"blocked_users": ["a", WHO]}, "primary": WHO}))
    return home


def put(path: UPath, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_frame(frame, file)


def read(base: UPath, name: str, week: str = WEEKS[0]) -> pd.DataFrame:
    (path,) = base.rglob(f"{name}/{week}.parquet")
    with path.open("rb") as file:
        return read_frame(file)


def test_every_week_is_cleared_and_others_rows_stay(base):
    before = read(base, "top_n")

    removed = StoredTables(base).erase(WHO)

    assert removed == {"users": 3, "top_n": 6, "rules": 3}
    after = read(base, "top_n")
    expected = before[before[n.USER_ID] != WHO].reset_index(drop=True)
    pd.testing.assert_frame_equal(after, expected)
    assert read(base, "movies")[n.MOVIE_ID].tolist() == [WHO]
    (model,) = base.rglob(f"{WEEKS[1]}/released/model.json")
    assert json.loads(model.read_text()) == {"rules": {"blocked_users": ["a"]}, "primary": WHO}
    assert StoredTables(base).erase(WHO) == {}
    assert StoredTables(base).export(WHO) == {}


def test_export_tells_equal_rows_once_with_their_weeks(base):
    found = StoredTables(base).export(WHO)

    assert found["users"] == [{"row": {n.USER_ID: WHO, "x": 1}, "weeks": list(WEEKS)}]
    assert len(found["top_n"]) == 6
    assert found["top_n"][0]["weeks"] == [WEEKS[0]]
    assert set(found) == {"users", "top_n"}
    assert StoredTables(base).export("nobody") == {}
    json.dumps(found)


def test_old_weeks_go_but_not_those_that_are_named(base):
    assert StoredTables(base).prune(5) == 0
    assert StoredTables(base).prune(1, {WEEKS[0]}) == 1

    left = {path.name.removesuffix(".parquet") for path in base.rglob("*") if "-" in path.name}
    assert left >= {WEEKS[0], WEEKS[2]}
    assert WEEKS[1] not in left


def test_what_a_killed_run_left_goes_too(tmp_path):
    left = tmp_path / "users" / ".2024-01-01.parquet.ab12.tmp"
    put(UPath(left), lists(WHO))
    folder = tmp_path / "trained_model" / ".2024-01-01.ab12.tmp"
    folder.mkdir(parents=True)

    StoredTables(UPath(tmp_path)).erase(WHO)

    assert not left.exists()
    assert not folder.exists()


def test_a_table_that_cannot_be_read_stops_the_erasure(tmp_path):
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "2024-01-01.parquet").write_bytes(b"no parquet")

    with pytest.raises(StorageError, match="cannot be read"):
        StoredTables(UPath(tmp_path)).erase(WHO)


def test_no_folder_at_all(tmp_path):
    tables = StoredTables(UPath(tmp_path / "none"))

    assert (tables.erase(WHO), tables.export(WHO), tables.prune(1)) == ({}, {}, 0)
    assert tables.left(WHO) == ()


@pytest.mark.parametrize("user", [12, "12", WHO, 'a "quoted" \\ id', "-7"])
def test_rows_that_were_set_aside(user):
    ids = pd.Series([user, 7, user]) if isinstance(user, int) else pd.Series([user, "7", user])
    users = pd.DataFrame({n.USER_ID: ids, n.AGE: [400.0, 400.0, 30.0]})
    users[n.SOURCE_FILE], users[n.SOURCE_ROW] = "users.csv", [2, 3, 4]
    events = users.drop(columns=n.AGE).assign(**{n.MOVIE_ID: 1})
    movies = pd.DataFrame({n.MOVIE_ID: [1], n.SOURCE_FILE: "m.csv", n.SOURCE_ROW: [2]})
    aside = pa.Table.from_pandas(clean(Tables(users, movies, events), None).quarantine)

    theirs = rows_of(aside, str(user))

    own = [json.loads(row)[n.USER_ID] == user for row in aside[n.ROW].to_pylist()]
    assert theirs.tolist() == own
    assert theirs.any()
    assert not theirs.all()


def test_ids_of_numbers_and_texts():
    numbers = pa.table({n.USER_ID: pa.array([12, 120, None], pa.int64())})
    texts = pa.table({n.USER_ID: ["12", "012", None]})

    assert rows_of(numbers, "12").tolist() == [True, False, False]
    assert rows_of(numbers, "012").tolist() == [False] * 3
    assert rows_of(numbers, "9" * 30).tolist() == [False] * 3
    assert rows_of(texts, "012").tolist() == [False, True, False]
    assert rows_of(pa.table({"x": [1]}), "1").tolist() == [False]
