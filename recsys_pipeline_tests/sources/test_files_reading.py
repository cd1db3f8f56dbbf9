"""Whatever form a file has, the same rows come out of it."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources import FilesConfig, FilesSource, FileTableConfig, Tables

RATINGS = "userId,movieId,rating,timestamp\n1,10,4.5,1700000000\n1,20,2.0,1700000100\n2,10,5.0,\n"


def read(root: Path, path: str | list[str] = "ratings.csv", **settings: object) -> Tables:
    table = FileTableConfig.model_validate({"path": path, **settings})
    return FilesSource(FilesConfig(interactions=table), root).read()


def values_of(tables: Tables) -> pd.DataFrame:
    return tables.interactions.drop(columns=[n.SOURCE_FILE, n.SOURCE_ROW])


@pytest.fixture
def expected(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "ratings.csv").write_text(RATINGS)
    return values_of(read(tmp_path / "plain"))


def test_a_plain_file_has_canonical_columns_and_dtypes(expected: pd.DataFrame) -> None:
    assert list(expected.columns) == [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.RATING]
    assert expected[n.USER_ID].tolist() == [1, 1, 2]
    assert expected[n.USER_ID].dtype == np.int64
    assert expected[n.RATING].tolist() == [4.5, 2.0, 5.0]
    assert expected[n.TIMESTAMP].dtype == PANDAS_DTYPES[Kind.TIME]
    assert expected[n.TIMESTAMP][0] == pd.Timestamp("2023-11-14 22:13:20", tz="UTC")
    assert pd.isna(expected[n.TIMESTAMP][2])


def test_provenance_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    rows = read(tmp_path).interactions
    assert rows[n.SOURCE_FILE].tolist() == ["ratings.csv"] * 3
    assert rows[n.SOURCE_FILE].dtype == "str"
    assert rows[n.SOURCE_ROW].tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("separator", "given"),
    [(text, given) for text in (";", "\t", "|", "::") for given in (True, False)] + [("¤", True)],
)
def test_any_separator(tmp_path: Path, expected: pd.DataFrame, separator: str, given: bool) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS.replace(",", separator))
    tables = read(tmp_path, separator=separator if given else None)
    assert_frame_equal(values_of(tables), expected)
    assert any("detected" in note and "separated" in note for note in tables.notes) != given


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("ratings.csv.gz", gzip.compress),
        ("ratings.csv.bz2", bz2.compress),
        ("ratings.csv.xz", lzma.compress),
        ("ratings.csv", gzip.compress),
    ],
)
def test_packed_files(tmp_path: Path, expected: pd.DataFrame, name: str, pack: object) -> None:
    assert callable(pack)
    (tmp_path / name).write_bytes(pack(RATINGS.encode()))
    assert_frame_equal(values_of(read(tmp_path, name)), expected)


def test_a_zip_file_with_one_table(tmp_path: Path, expected: pd.DataFrame) -> None:
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("ratings.csv", RATINGS)
    assert_frame_equal(values_of(read(tmp_path, "r.zip")), expected)


def test_text_that_is_named_gz_is_read_with_a_note(tmp_path: Path, expected: pd.DataFrame) -> None:
    (tmp_path / "r.csv.gz").write_text(RATINGS)
    tables = read(tmp_path, "r.csv.gz")
    assert_frame_equal(values_of(tables), expected)
    assert any("named like a gzip file" in note for note in tables.notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_marked_encodings(tmp_path: Path, expected: pd.DataFrame, encoding: str) -> None:
    (tmp_path / "ratings.csv").write_bytes(RATINGS.encode(encoding))
    tables = read(tmp_path)
    assert_frame_equal(values_of(tables), expected)
    assert any(encoding in note and "detected" in note for note in tables.notes)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_encodings_are_detected(tmp_path: Path, encoding: str) -> None:
    text = "movie_id;titre;genre\n1;Le Dîner de cons;Comédie\n2;À bout de souffle;Drame\n"
    (tmp_path / "films.csv").write_bytes(text.encode(encoding))
    (tmp_path / "ratings.csv").write_text(RATINGS)
    config = FilesConfig(
        movies=FileTableConfig(path="films.csv"), interactions=FileTableConfig(path="ratings.csv")
    )
    tables = FilesSource(config, tmp_path).read()
    assert tables.movies[n.TITLE].tolist() == ["Le Dîner de cons", "À bout de souffle"]
    assert tables.movies[n.GENRES].tolist() == [["Comédie"], ["Drame"]]
    assert any("cp1252" in note for note in tables.notes)


def test_a_given_encoding_counts(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes("user,movie,event\n1,2,écouté\n".encode("cp850"))
    tables = read(tmp_path, "r.csv", encoding="cp850")
    assert tables.interactions[n.EVENT_TYPE].tolist() == ["écouté"]


@pytest.mark.parametrize("name", ["ratings.parquet", "ratings.csv"])
def test_parquet_by_content(tmp_path: Path, expected: pd.DataFrame, name: str) -> None:
    frame = pd.DataFrame(
        {
            "userId": [1, 1, 2],
            "movieId": [10, 20, 10],
            "rating": [4.5, 2.0, 5.0],
            "timestamp": pd.to_datetime([1700000000, 1700000100, None], unit="s"),
        }
    )
    frame.to_parquet(tmp_path / name)
    tables = read(tmp_path, name)
    assert_frame_equal(values_of(tables), expected)
    assert any("is Parquet" in note for note in tables.notes) == (name == "ratings.csv")


def test_text_that_is_named_parquet(tmp_path: Path, expected: pd.DataFrame) -> None:
    (tmp_path / "ratings.parquet").write_text(RATINGS)
    tables = read(tmp_path, "ratings.parquet")
    assert_frame_equal(values_of(tables), expected)
    assert any("named like a Parquet file but is text" in note for note in tables.notes)


def test_parquet_of_many_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array(["a", "b"]).dictionary_encode(),
            "movie": pa.array([7, 8], pa.uint32()),
            "liked": pa.array([True, None]),
            "ts": pa.array([1, 2], pa.timestamp("ns", "Europe/Paris")),
            "rating": pa.array([3, 5], pa.int8()),
            "tags": pa.array([["x", "y"], None]),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    rows = read(tmp_path, "r.parquet").interactions
    assert rows[n.USER_ID].tolist() == ["a", "b"]
    assert rows[n.MOVIE_ID].tolist() == [7, 8]
    assert rows[n.LIKED].tolist() == [True, pd.NA]
    assert str(rows[n.TIMESTAMP].dtype) == "datetime64[us, UTC]"
    assert rows[n.RATING].tolist() == [3.0, 5.0]
    assert rows["tags"][0] == "x|y"


def test_several_files_a_glob_and_a_folder_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "part-0.csv").write_text("user,movie\n1,1\n")
    (folder / "part-1.csv").write_text("movie,user,extra\n2,3,x\n")
    (folder / "part-2.csv").write_text("user,movie\n")
    (folder / "_SUCCESS").write_text("")
    (folder / "README.md").write_text("about")
    for path in ("parts", "parts/*.csv", [f"parts/part-{index}.csv" for index in range(3)]):
        tables = read(tmp_path, path)
        assert tables.interactions[n.USER_ID].tolist() == [1, 3]
        assert tables.interactions[n.MOVIE_ID].tolist() == [1, 2]
        assert tables.interactions[n.SOURCE_FILE].tolist() == [
            "parts/part-0.csv",
            "parts/part-1.csv",
        ]
        assert tables.interactions[n.SOURCE_ROW].tolist() == [2, 2]
        assert any(
            "part-2.csv has a header line and no rows. It was left" in x for x in tables.notes
        )
        assert any("no column `extra`" in note for note in tables.notes)


def test_remote_files_are_read_through_fsspec() -> None:
    with fsspec.open("memory://shop/ratings.csv", "w") as file:
        file.write(RATINGS)
    config = FilesConfig(interactions=FileTableConfig(path="memory://shop/*.csv"))
    source = FilesSource(config, Path("elsewhere"))
    name = source.read().interactions[n.SOURCE_FILE][0]
    assert name.startswith("memory://")
    assert name.endswith("shop/ratings.csv")
    before = source.fingerprint()
    with fsspec.open("memory://shop/ratings.csv", "w") as file:
        file.write(RATINGS + "3,30,1.0,1700000000\n")
    assert source.fingerprint() != before


def test_recbole_atomic_files(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t5\t3.0\t881250949.0\n"
    )
    (tmp_path / "x.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "5\tToy Story\t1995\tAnimation Comedy\n"
    )
    config = FilesConfig(
        movies=FileTableConfig(path="x.item"), interactions=FileTableConfig(path="x.inter")
    )
    tables = FilesSource(config, tmp_path).read()
    assert tables.movies[n.GENRES].tolist() == [["Animation", "Comedy"]]
    assert tables.movies[n.TITLE].tolist() == ["Toy Story"]
    assert tables.movies[n.YEAR].tolist() == [1995]
    assert tables.interactions[n.TIMESTAMP][0].year == 1997


def test_lines_are_right_after_blank_lines_and_quoted_line_ends(tmp_path: Path) -> None:
    text = '\nuser,movie,note_text\r\n1,1,"two\r\nlines"\r\n\r\n2,2,a "b" c\r\n3,3,x"y\r\n'
    (tmp_path / "r.csv").write_bytes(text.encode())
    tables = read(tmp_path, "r.csv")
    assert tables.interactions[n.SOURCE_ROW].tolist() == [3, 6, 7]
    assert tables.interactions["note_text"].tolist() == ["two\r\nlines", 'a "b" c', 'x"y']
    assert any("1 rows span several lines" in note for note in tables.notes)


def test_old_mac_line_ends(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"user,movie\r1,2\r3,4\r")
    rows = read(tmp_path, "r.csv").interactions
    assert rows[n.USER_ID].tolist() == [1, 3]
    assert rows[n.SOURCE_ROW].tolist() == [2, 3]


def test_lone_quotes_in_tab_separated_files_swallow_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.tsv").write_text('tconst\tprimaryTitle\n1\t"Rome, Open City\n2\tB\n3\tC"\n')
    (tmp_path / "r.csv").write_text("user,movie\n1,1\n")
    config = FilesConfig(
        movies=FileTableConfig(path="m.tsv"), interactions=FileTableConfig(path="r.csv")
    )
    assert FilesSource(config, tmp_path).read().movies[n.MOVIE_ID].tolist() == [1, 2, 3]


def test_a_column_that_counts_rows_is_left_out_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(",user,movie\n0,7,1\n1,8,2\n")
    tables = read(tmp_path, "r.csv")
    assert set(values_of(tables).columns) == {n.USER_ID, n.MOVIE_ID}
    assert any("only counts the rows" in note for note in tables.notes)


def test_missing_tables_come_from_the_interactions(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,movie\n9,b\n3,a\n9,a\n,a\n")
    tables = read(tmp_path, "r.csv")
    assert tables.users[n.USER_ID].tolist() == [3, 9]
    assert tables.users[n.USER_ID].dtype == np.int64
    assert tables.users[n.SOURCE_ROW].tolist() == [3, 2]
    assert tables.movies[n.MOVIE_ID].tolist() == ["a", "b"]
    assert sum("There is no" in note for note in tables.notes) == 2


def test_further_columns_are_carried_with_a_type(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "user,movie,device,battery,zip,a__b,source_row,empty\n1,1,tv,0.5,01000,x,7,\n"
        "2,2, phone,,75001,y,8,\n"
    )
    tables = read(tmp_path, "r.csv")
    rows = tables.interactions
    assert rows["device"].tolist() == ["tv", "phone"]
    assert rows["battery"].dtype == np.float64
    assert rows["zip"].tolist() == ["01000", "75001"]
    assert rows["a_b"].tolist() == ["x", "y"]
    assert rows["source_row_of_file"].tolist() == [7.0, 8.0]
    assert rows[n.SOURCE_ROW].tolist() == [2, 3]
    assert rows["empty"].isna().all()
    assert any("`a__b` is carried along as `a_b`" in note for note in tables.notes)


def test_newest_event_and_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(RATINGS)
    source = FilesSource(FilesConfig(interactions=FileTableConfig(path="ratings.csv")), tmp_path)
    newest = pd.Timestamp(1700000100, unit="s", tz="UTC")
    assert source.newest_event() == newest
    assert source.newest_event(newest) == newest
    assert source.newest_event(newest - pd.Timedelta("1s")) == source.oldest_event()
    assert source.newest_event(pd.Timestamp("1999-01-01", tz="UTC")) is None
    assert source.description == "files: ratings.csv"
    before = source.fingerprint()
    assert source.fingerprint() == before
    path.write_text(RATINGS + "3,10,4.0,1700000200\n")
    assert source.fingerprint() != before


def test_newest_event_without_times(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,movie\n1,2\n")
    source = FilesSource(FilesConfig(interactions=FileTableConfig(path="r.csv")), tmp_path)
    assert source.newest_event() is None
    assert source.oldest_event() is None


def test_mapping_ignores_case_and_accents_and_counts_before_names(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("ID_Utilisateur,Id-Film,NOTE,évaluation\n1,2,3,4\n")
    rows = read(tmp_path, "r.csv").interactions
    assert rows[[n.USER_ID, n.MOVIE_ID, n.RATING]].to_numpy().tolist() == [[1, 2, 3]]
    assert rows["évaluation"].tolist() == [4.0]
    columns = {"user_id": "id_utilisateur", "movie_id": "Id-Film", "rating": "évaluation"}
    rows = read(tmp_path, "r.csv", columns=columns).interactions
    assert rows[n.RATING].tolist() == [4.0]
    assert rows["NOTE"].tolist() == [3.0]


def test_parquet_types_that_tables_do_not_know(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array([b"a", b"b"]),
            "movie": pa.array([2**64 - 1, 1], pa.uint64()),
            "event": pa.array([{"name": "view"}, None]),
            "genres": pa.array([[{"name": "Drama"}], []]),
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    tables = read(tmp_path, "r.parquet")
    rows = tables.interactions
    assert rows[n.USER_ID].tolist() == ["a", "b"]
    assert rows[n.MOVIE_ID].tolist() == [str(2**64 - 1), "1"]
    assert rows[n.EVENT_TYPE].tolist()[0] == "{'name': 'view'}"
    assert rows["genres"].tolist() == ["[{'name': 'Drama'}]", "[]"]
    assert rows["nothing"].isna().all()
    pq.write_table(pa.table({"user": [b"\xff"], "movie": [1]}), tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=r"b\.parquet: column `user` holds bytes"):
        read(tmp_path, "b.parquet")
