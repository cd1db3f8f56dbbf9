"""Every bad file ends in a SourceError that names it and says what to do."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources import FilesConfig, FilesSource, FileTableConfig

GOOD = "user_id,movie_id,rating\n1,1,5\n2,2,4\n"


def fail(root: Path, path: str | list[str] = "r.csv", **settings: object) -> SourceError:
    table = FileTableConfig.model_validate({"path": path, **settings})
    with pytest.raises(SourceError) as caught:
        FilesSource(FilesConfig(interactions=table), root).read()
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "r.csv is empty", "header line"),
        (b" \n\n", "r.csv is empty", "header line"),
        (b"\xef\xbb\xbf", "r.csv is empty", "header line"),
        (b"user_id,movie_id\n", "r.csv has a header line and no rows", "Fill"),
        (b"user_id,movie_id", "r.csv has a header line and no rows", "Fill"),
        (b"user_id,movie_id\n1,2\n3,4,5\n", "r.csv line 3 has 3 columns; 2 are expected", "comma"),
        (b"user_id,movie_id\n1,2\n\n3\n", "r.csv line 4 has 1 columns", "Mend"),
        (b'user_id,movie_id\n1,2\n"3,4\n5,6\n', "r.csv line 3 opens a double quote", "Close"),
        (b"user_id,movie_id\n1,2\n\x00,4\n", "1 NUL bytes, the first one in line 3", "damaged"),
        (b"user_id,user_id,movie_id\n1,2,3\n", "more than one column called user_id", "Rename"),
        (b"196\t242\t3\n186\t302\t3\n", "no header line: its first line holds 3 numbers", "Add"),
        (b"a,b\n1,2\n", "no column for user_id; it has a, b", "user_id = "),
        (b"%PDF-1.4 ...", "is a PDF document", "Export"),
        (b'{"user_id": 1}', "is JSON", "Export"),
        (b"<!DOCTYPE html><html>", "is a web page", "Export"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer", "Export"),
        (b"PAR1 and then nothing", "Parquet file that is cut off or damaged", "again"),
        (bytes(range(128, 256)) * 8 + bytes(range(1, 9)) * 100, "r.csv is not text", "Export"),
    ],
)
def test_bad_content(tmp_path: Path, content: bytes, message: str, hint: str) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    error = fail(tmp_path)
    assert message in error.message
    assert hint in error.hint


def test_a_missing_file_suggests_close_names(tmp_path: Path) -> None:
    (tmp_path / "Ratings.csv").write_text(GOOD)
    error = fail(tmp_path, "rating.csv")
    assert "rating.csv does not exist" in error.message
    assert "Ratings.csv" in error.hint
    assert "does not exist either" in fail(tmp_path, "nowhere/rating.csv").hint
    assert "holds Ratings.csv" in fail(tmp_path, "xyz").hint
    assert "No file matches *.tsv" in fail(tmp_path, "*.tsv").message


def test_a_folder_without_data_files(tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    (tmp_path / "r.csv" / "README.md").write_text("about")
    error = fail(tmp_path)
    assert "The folder r.csv holds no data files (it holds README.md)" in error.message


def test_a_folder_of_empty_parts(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "parts" / name).write_text("user,movie\n")
    assert "has a header line and no rows" in fail(tmp_path, "parts").message


@pytest.mark.parametrize("keep", [10, 40])
def test_a_truncated_gzip_file(tmp_path: Path, keep: int) -> None:
    (tmp_path / "r.csv").write_bytes(gzip.compress(GOOD.encode())[:keep])
    assert "is a gzip file that is cut off or damaged" in fail(tmp_path).message


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(GOOD.encode() * 50))
    packed[15] ^= 0xFF
    (tmp_path / "r.csv").write_bytes(packed)
    assert "is a gzip file that is cut off or damaged" in fail(tmp_path).message


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    pd.DataFrame({"user": [1], "movie": [2]}).to_parquet(tmp_path / "p.parquet")
    content = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "p.parquet").write_bytes(content[:-20])
    assert "p.parquet is a Parquet file that is cut off" in fail(tmp_path, "p.parquet").message


def test_zip_files_that_are_no_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", GOOD)
        archive.writestr("b.csv", GOOD)
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    assert "2 files (a.csv, b.csv)" in fail(tmp_path, "two.zip").message
    assert "Office document" in fail(tmp_path, "book.xlsx").message


def test_a_wrong_separator_names_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(GOOD.replace(",", ";"))
    error = fail(tmp_path, separator=",")
    assert error.message == "r.csv line 1 is one single column when split by comma."
    assert 'separator = ";" (semicolon)' in error.hint


def test_bytes_that_a_given_encoding_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"user_id,movie_id,note_text\n1,2,caf\xe9\n")
    error = fail(tmp_path, encoding="utf-8")
    assert "byte 35 (line 2, value 0xe9)" in error.message
    assert "no encoding called 'utf-9'" in fail(tmp_path, encoding="utf-9").message


def test_utf8_with_a_broken_place_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    text = "user_id,movie_id,event\n" + "1,2,écouté\n" * 5
    (tmp_path / "r.csv").write_bytes(text.encode() + b"1,3,\xe9\n")
    error = fail(tmp_path)
    assert "not UTF-8 throughout" in error.message
    assert "line 7" in error.message


def test_a_position_beyond_the_first_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys_pipeline.sources.content._CHUNK", 5)
    (tmp_path / "r.csv").write_bytes("user_id,é\n1,éé\n".encode() + b"\xff,2\n")
    error = fail(tmp_path, encoding="utf-8")
    assert "byte 19 (line 3, value 0xff)" in error.message


def test_a_missing_mapped_column(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,movie,stars_given\n1,2,3\n")
    columns = {"user_id": "user", "movie_id": "movie", "rating": "star_given"}
    error = fail(tmp_path, columns=columns)
    assert "r.csv has no column 'star_given' (mapped to rating)" in error.message
    assert "user, movie, stars_given" in error.message
    assert "stars_given" in error.hint


def test_a_canonical_column_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(GOOD)
    error = fail(
        tmp_path, columns={"user_id": "user_id", "movie_id": "movie_id", "ratings": "rating"}
    )
    assert "maps 'ratings', which is no column of interactions" in error.message
    assert "rating?" in error.hint
    assert "carried along" in fail(tmp_path, columns={"zzz": "rating"}).hint


def test_one_source_column_mapped_twice(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(GOOD)
    error = fail(tmp_path, columns={"user_id": "user_id", "movie_id": "user_id"})
    assert "'user_id' of r.csv twice: to user_id and to movie_id" in error.message


def test_a_required_column_that_is_not_mapped(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("who,what\n1,2\n")
    error = fail(tmp_path, columns={"user_id": "who"})
    assert "no column for movie_id; it has who, what" in error.message


def deny(*_: object, **__: object) -> bytes:
    raise PermissionError(13, "Permission denied")


def break_disk(*_: object, **__: object) -> bytes:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    ("act", "message"),
    [(deny, "r.csv cannot be opened: permission denied"), (break_disk, "Input/output error")],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[..., bytes], message: str
) -> None:
    (tmp_path / "r.csv").write_text(GOOD)
    monkeypatch.setattr(Path, "read_bytes", act)
    assert message in fail(tmp_path).message


def test_a_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts").mkdir()
    monkeypatch.setattr(Path, "iterdir", deny)
    assert "The folder parts cannot be opened" in fail(tmp_path, "parts").message


def test_remote_files_that_are_not_there(tmp_path: Path) -> None:
    assert "does not exist" in fail(tmp_path, "memory://nowhere/r.csv").message
    assert "cannot be opened" in fail(tmp_path, "nonsense://bucket/r.csv").message
    error = fail(tmp_path, "memory://me:secret@nowhere/r.csv?token=secret")
    assert "secret" not in str(error)


def test_newest_event_meets_the_same_errors(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user_id,movie_id,ts\n1,2,3,4\n")
    source = FilesSource(FilesConfig(interactions=FileTableConfig(path="r.csv")), tmp_path)
    with pytest.raises(SourceError, match="line 2 has 4 columns"):
        source.newest_event()


@pytest.mark.parametrize("scale", [[5, 5], [5, 1]])
def test_scales_ascend(scale: list[float]) -> None:
    with pytest.raises(ValueError, match="does not ascend"):
        FileTableConfig.model_validate({"path": "r.csv", "rating_scale": scale})
