"""Mistakes: each is told in words with a way out, has its exit code, and leaves no traceback."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n


def _change(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        path = folder / "in" / name
        path.write_bytes(change(path.read_bytes()))

    return do


def _truncated_gzip(folder: Path) -> None:
    path = folder / "in" / "interactions.csv"
    packed = gzip.compress(path.read_bytes())
    (folder / "in" / "interactions.csv.gz").write_bytes(packed[: len(packed) // 2])
    path.unlink()


def _remove(folder: Path) -> None:
    for path in (folder / "in").iterdir():
        path.unlink()
    (folder / "in" / "notes.txt").write_text("shopping list\n", encoding="utf-8")


@pytest.mark.parametrize(
    "spoil, said",
    [
        (_change("interactions.csv", lambda _: b""), "user_id and movie_id"),
        (_change("interactions.csv", lambda b: b.splitlines()[0] + b"\n"), "user_id and movie_id"),
        (_truncated_gzip, "interactions.csv.gz"),
        (_remove, "in"),
    ],
)
def test_init_refuses_what_it_cannot_read(call, files, spoil, said):
    spoil(files)

    told = call(files, "init", "in")

    assert told.code == 3
    assert said in told.text
    assert "→" in told.err
    assert "Traceback" not in told.text
    assert not (files / "recsys.toml").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        _change("interactions.csv", lambda b: b.decode().encode("utf-16")),
        _change("interactions.csv", lambda b: b.replace(b",", b";")),
        _change("interactions.csv", lambda b: b.replace(b"\n", b"\r\n")),
        lambda folder: (folder / "in" / "users.csv").unlink(),
        lambda folder: (folder / "in" / "movies.csv").unlink(),
    ],
)
def test_init_copes(call, files, spoil):
    spoil(files)

    told = call(files, "init", "in", "--json")

    assert told.code == 0, told.err
    guessed = {each["setting"]: each["value"] for each in told.json["guessed"]}
    assert guessed["source.files.interactions.columns.user_id"] == n.USER_ID
    assert (files / "recsys.toml").is_file()


def test_names_may_lie_about_parquet(call, files):
    folder = files / "in"
    table = pd.read_csv(folder / "interactions.csv")
    table.to_parquet(folder / "interactions.csv")
    (folder / "users.csv").rename(folder / "users.parquet")

    assert call(files, "init", "in").code == 0


def test_init_keeps_a_file_that_is_there(call, ready):
    before = (ready / "recsys.toml").read_bytes()

    told = call(ready, "init", "in")

    assert (told.code, "--force" in told.err) == (2, True)
    assert (ready / "recsys.toml").read_bytes() == before
    assert call(ready, "init", "in", "--force").code == 0


def test_init_of_a_file_that_is_missing(call, files):
    told = call(files, "init", "in/absent.csv")

    assert (told.code, "absent.csv" in told.err) == (3, True)


def test_the_first_week_leaves_room_for_the_first_event(call, write_world):
    def at_one_time(tables):
        tables["interactions"][n.TIMESTAMP] = "2023-05-03 00:00:00"

    folder = write_world(at_one_time)

    assert call(folder, "init", "in").code == 0

    assert "first_week = 2023-04-25" in (folder / "recsys.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text, said",
    [
        (b"[learnin]\nk = 5\n", "Did you mean 'learning'?"),
        (b"[learning]\nkk = 5\n", "unknown key 'learning.kk'"),
        (b"[learning]\nk = 0\n", "learning.k"),
        (b"[learning\nk = 5\n", "not valid TOML"),
        (b"# caf\xe9\n", "Save it as UTF-8"),
        (b'[schedule]\ntimezone = "Mars"\n', "Europe/Paris"),
        (b'[source]\nkind = "files"\n', "[source.files]"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["doctor"], ["recommend", "1"], ["ui"]])
def test_settings_that_cannot_be_used(call, tmp_path, text, said, command):
    (tmp_path / "recsys.toml").write_bytes(text)

    told = call(tmp_path, *command)

    assert told.code == 2
    assert said in told.text
    assert "Traceback" not in told.text


def test_settings_that_are_a_folder(call, tmp_path):
    (tmp_path / "recsys.toml").mkdir()

    told = call(tmp_path, "doctor")

    assert (told.code, "recsys.toml cannot be read" in told.text) == (2, True)


def test_settings_that_do_not_exist(call, tmp_path):
    assert call(tmp_path, "run", "-s", "absent.toml").code == 2


@pytest.mark.parametrize(
    "options, said",
    [
        (["--sample", "0"], "not a share"),
        (["--sample", "2"], "not a share"),
        (["--sample", "nan"], "not a share"),
        (["--sample", "lots"], "--sample"),
        (["--split", "nonsense"], "learning.evaluation.split"),
        (["-k", "0"], "learning.k"),
        (["-k", "100000"], "learning.k"),
        (["--as-of", "yesterday-ish"], "2024-06-30"),
        (["--as-of", "1990-01-01"], "schedule.first_week"),
        (["--as-of", "2190-01-01"], "not in the future"),
    ],
)
def test_options_that_cannot_be_used(call, ready, options, said):
    told = call(ready, "run", *options)

    assert told.code == 2
    assert said in told.text
    assert "Traceback" not in told.text
    assert not (ready / "data" / "releases").exists()


def test_a_wrong_separator_in_the_settings(call, ready):
    path = ready / "recsys.toml"
    path.write_text(path.read_text().replace('separator = ","', 'separator = ";"'))

    told = call(ready, "run")

    assert told.code == 3
    assert "interactions.csv" in told.text
    assert "separator" in told.text


def test_a_file_that_has_gone(call, ready):
    (ready / "in" / "interactions.csv").unlink()

    told, looked = call(ready, "run"), call(ready, "doctor")

    assert (told.code, "interactions.csv" in told.text) == (3, True)
    assert (looked.code, "broken source" in looked.text) == (7, True)


def test_a_data_folder_that_is_a_file(call, ready):
    (ready / "data").write_text("in the way", encoding="utf-8")

    told, looked = call(ready, "run"), call(ready, "doctor")

    assert (told.code, "storage.data" in told.text) == (7, True)
    assert (looked.code, "broken data folder" in looked.text) == (7, True)


def test_every_event_in_the_future(call, ready):
    path = ready / "in" / "interactions.csv"
    path.write_bytes(path.read_bytes().replace(b"2023-", b"2123-"))

    told, looked = call(ready, "run"), call(ready, "doctor")

    assert (told.code, "time_unit" in told.text) == (4, True)
    assert looked.code == 7


def test_nothing_is_recommended_before_a_run(call, ready):
    told, looked = call(ready, "recommend", "1"), call(ready, "doctor")

    assert (told.code, "recsys run" in told.err) == (6, True)
    assert (looked.code, "There is none yet" in looked.text) == (0, True)
    assert call(ready, "doctor", "--user", "1").code == 6


@pytest.mark.parametrize(
    "options", [["--users", "0"], ["--users", "1", "--movies", "1", "--interactions", "9999999"]]
)
def test_an_example_that_cannot_be(call, tmp_path, options):
    told = call(tmp_path, "example-data", "x", *options)

    assert told.code == 2
    assert "Traceback" not in told.text


def test_the_french_example_is_understood(call, tmp_path):
    assert call(tmp_path, "example-data", "x", "--users", 50, "--interactions", 500).code == 0

    told = call(tmp_path, "init", "x")

    assert told.code == 0
    assert "to be looked at" not in told.out
    assert "name means preferred genres in French" in told.text
