"""Files beside the tables in which an id stands."""

import re
import tempfile

import pytest
import sqlalchemy as sa

from recsys_pipeline.storage import traces
from recsys_pipeline.storage.traces import Traces

WHO = "marker-7f3a9c"


def place(folder, **options) -> Traces:
    return Traces([folder], folder / "data_docs", **options)


def test_logs_are_overwritten_in_place(tmp_path):
    log = tmp_path / "logs" / "run" / "x.err"
    log.parent.mkdir(parents=True)
    text = f'user {WHO} and {WHO}x and "{WHO}"\n'
    log.write_text(text)
    with log.open("a") as still_open:
        assert place(tmp_path).erase(WHO) == {"logs": 1, "pages": 0, "databases": 0}
        still_open.write("more\n")

    stars = "*" * len(WHO)
    assert log.read_text() == f'user {stars} and {WHO}x and "{stars}"\nmore\n'
    assert place(tmp_path).left(WHO) == []


def test_pages_go_and_what_nobody_knows_is_told(tmp_path):
    page = tmp_path / "data_docs" / "validations" / "users.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<p>{WHO}</p>")
    (tmp_path / "data_docs" / "index.html").write_text("<p>nobody</p>")
    (tmp_path / "notes.json").write_text(f'{{"a": "{WHO}"}}')

    here = place(tmp_path)
    found = here.export(WHO)
    assert found == {"files_that_name_the_id": [str(page), str(tmp_path / "notes.json")]}
    assert here.erase(WHO)["pages"] == 1

    assert not page.exists()
    assert (tmp_path / "data_docs" / "index.html").exists()
    (told,) = here.left(WHO)
    assert "notes.json" in told
    assert WHO not in told


def test_a_database_is_freed_of_rows_that_were_deleted(tmp_path):
    path = tmp_path / "runs.db"
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x TEXT)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", (WHO,))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete = OFF")
        connection.exec_driver_sql("DELETE FROM t")
    assert WHO.encode() in path.read_bytes()

    assert place(tmp_path).erase(WHO)["databases"] == 1

    assert WHO.encode() not in path.read_bytes()
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", (WHO,))
    place(tmp_path).erase(WHO)
    assert len(place(tmp_path).left(WHO)) == 1


def test_other_ways_of_writing_an_id(tmp_path):
    who = "Zoë & co/1"
    for number, text in enumerate(
        ("Zo\\u00eb & co/1", "Zoë &amp; co/1", "Zo%C3%AB%20%26%20co%2F1", "Zoë & co/1")
    ):
        (tmp_path / f"{number}.txt").write_text(f"<{text}>", encoding="utf-8")
    (tmp_path / "other.txt").write_text("Zoë & co/12", encoding="utf-8")

    assert [path.name for path in place(tmp_path).search(who)] == [f"{i}.txt" for i in range(4)]


def test_places_of_their_own_and_short_ids_are_left_out(tmp_path):
    (tmp_path / "assets").mkdir()
    for name in ("assets/a.log", "events.db-wal", "events.db", "privacy.log"):
        (tmp_path / name).write_text(f"{WHO} 12")
    apart = [tmp_path / "assets", tmp_path / "events.db"]

    assert place(tmp_path, apart=apart).search(WHO) == [tmp_path / "privacy.log"]
    assert place(tmp_path).search("12") == []
    assert "so short" in place(tmp_path).left("12")[0]
    assert place(tmp_path / "none").export(WHO) is None


SHORT = """\
12 users, 12 movies, 12.5 s, "users": 12, "rank": 12, id 12, user_id=120, user_ids: 12, /users/123
user_id=12 "user_id": 12, 'user_id': '12' {\\"user_id\\": \\"12\\"} user 12, GET /v1/users/12/shown
user_id=12"""
FOUND = """\
12 users, 12 movies, 12.5 s, "users": 12, "rank": 12, id 12, user_id=120, user_ids: 12, /users/123
user_id=** "user_id": **, 'user_id': '**' {\\"user_id\\": \\"**\\"} user **, GET /v1/users/**/shown
user_id=**"""


@pytest.mark.parametrize("piece", [1, 7, 40, 1 << 22])
def test_a_short_id_is_found_where_a_text_says_whose_it_is(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(traces, "_PIECE", piece)
    (tmp_path / "a.log").write_text(SHORT + ' ["12", "12 x"]')
    (tmp_path / "b.json").write_text('["12", {"rows": 12}]')
    (tmp_path / "c.json").write_text('[{"user_id": 12}]')
    (tmp_path / "data_docs").mkdir()
    (tmp_path / "data_docs" / "d.html").write_text("<p>user 12</p>")
    (tmp_path / "data_docs" / "e.html").write_text('<p width="12">12</p>')

    here = place(tmp_path)
    found = here.export("12")["files_that_name_the_id"]
    assert [path.rpartition("/")[2] for path in found] == ["a.log", "c.json", "d.html"]
    assert here.erase("12") == {"logs": 1, "pages": 1, "databases": 0}

    assert (tmp_path / "a.log").read_text() == FOUND + ' ["**", "12 x"]'
    assert sorted(path.name for path in (tmp_path / "data_docs").iterdir()) == ["e.html"]
    left = here.left("12")
    assert len(left) == 2
    assert "c.json" in left[1]


@pytest.mark.parametrize("piece", [1, 2, 5, 13, 14, 15, 16, 40])
def test_a_file_is_read_in_pieces(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(traces, "_PIECE", piece)
    text = f"{WHO} x{WHO} {WHO}y {WHO},{WHO}-{WHO}"
    (tmp_path / "a.log").write_text(text)

    place(tmp_path).erase(WHO)

    expected = re.sub(rf"(?<!\w){WHO}(?!\w)", "*" * len(WHO), text)
    assert (tmp_path / "a.log").read_text() == expected


def test_what_a_killed_run_was_about_to_move_is_removed(tmp_path, monkeypatch):
    for name in ("tmpabcdefgh", "tmp12345678", "history"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp12345678"))

    place(tmp_path, scratch=tmp_path).erase("12")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["history", "tmp12345678"]
