"""One real run and what can be asked and done afterwards; every failure leaves the release."""

import json
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.commands import run as run_command
from recsys_pipeline.commands.assets import has_user
from recsys_pipeline.commands.lists import list_of
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.run_lock import run_lock


def test_the_summary_says_what_was_done(first_run):
    _, told = first_run

    assert told.code == 0, told.err
    assert "in quarantine interactions: 1 rows, user_id.missing" in told.text
    assert "in quarantine interactions: 1 rows, timestamp.unparsable" in told.text
    assert "1 user ids had white space around them" in told.text
    assert "Better than popularity:" in told.text
    assert "is in service." in told.text
    assert "[REC] part" in told.out
    assert max(len(line) for line in told.out.splitlines() if line.startswith("│")) <= 100


def test_nobody_is_shown_what_they_have_seen(served):
    store = served / "data" / "assets"
    lists = pd.read_parquet(next((store / "top_n").glob("*.parquet")))
    seen = pd.read_parquet(next((store / "interactions").glob("*.parquet")))

    both = lists.merge(seen, on=[n.USER_ID, n.MOVIE_ID])

    assert len(lists) == 40 * 5
    assert both.empty


def test_the_same_run_again_gives_the_same_bytes(call, served):
    path = next((served / "data" / "assets" / "top_n").glob("*.parquet"))
    before = path.read_bytes()

    told = call(served, "run", "--json")

    assert told.code == 0, told.err
    assert path.read_bytes() == before
    assert told.json["release"]["promoted"] is True
    assert set(told.json["failed_checks"]) <= {"evaluation_metrics: better_than_popularity"}
    assert told.json["verdict"]["sentence"].startswith("Better than popularity")


def test_the_release_of_a_run_can_be_listed_and_promoted_again(call, served, pointer):
    before = pointer()
    told = call(served, "releases", "list", "--json").json
    (only,) = [each["release"] for each in told["releases"]]

    again = call(served, "releases", "promote", only[:12])

    assert told["in_service"] == only
    assert told["releases"][0]["decision"].startswith("Promoted: the first recipe.")
    assert again.code == 0, again.err
    assert f"Release {only} is in service already." in again.text
    assert "could not follow" not in again.text
    assert pointer() == before


def test_a_list_for_people_and_for_scripts(call, served):
    shown, told = call(served, "recommend", "1"), call(served, "recommend", "1", "-k", 3, "--json")

    assert (shown.code, told.code) == (0, 0)
    assert "[REC] part" in shown.out
    assert [row[n.RANK] for row in told.json["recommendations"]] == [1, 2, 3]
    assert told.json["known"] is True


def test_a_list_for_somebody_unknown_says_so(call, served):
    shown = call(served, "recommend", "nobody [bold]")
    told = call(served, "recommend", "nobody", "--json")

    assert shown.code == 0
    assert "knows no user nobody [bold]" in shown.text
    assert told.json["known"] is False
    assert len(told.json["recommendations"]) == 5


def test_whoever_has_seen_everything_gets_no_list(call, served):
    """The lists of the release lack them, as nothing is left to recommend."""
    found = pd.read_parquet(next((served / "data" / "assets" / "top_n").glob("*.parquet")))
    store = FileReleaseStore(UPath(served / "data" / "releases"))
    told = list_of(_WithoutLists(store), str(found[n.USER_ID].iloc[0]), None, lambda _: True)

    assert told.known is True
    assert told.rows.empty


@pytest.fixture
def users_of_another_run(served):
    """A later week's users, written by a run that did not get as far as a release."""
    folder = served / "data" / "assets" / "users"
    users = read_frame(next(folder.glob("*.parquet")))
    path = folder / "2099-01-05.parquet"
    write_frame(users.assign(**{n.USER_ID: users[n.USER_ID] + 1_000}), path)
    yield
    path.unlink()


def test_users_of_another_run_have_not_seen_everything(call, served, users_of_another_run):
    told = call(served, "recommend", "1001", "--json")
    found = call(served, "doctor", "--user", 1001, "--json").json
    known = {each["subject"]: each for each in call(served, "doctor", "--user", 1, "--json").json}

    assert told.json["known"] is False
    assert len(told.json["recommendations"]) == 5
    assert [each["subject"] for each in found] == ["user"]
    assert "profile" in known


def test_users_without_a_list_are_looked_up_in_the_week_of_the_release(served):
    settings = load_settings(served / "recsys.toml")
    assert has_user(settings, " 1 ")
    assert not has_user(settings, "nobody")
    lists = served / "data" / "assets" / "top_n"
    lists.rename(lists.with_name("elsewhere"))
    try:
        assert not has_user(settings, "1")
    finally:
        lists.with_name("elsewhere").rename(lists)


class _WithoutLists:
    """A release store whose lists are empty."""

    def __init__(self, store: FileReleaseStore) -> None:
        self.current, self.folder = store.current, store.folder
        self.read_lists = lambda release: store.read_lists(release).head(0)


@pytest.mark.parametrize("k", [0, -1, 6, 10**9])
def test_a_list_has_the_length_of_the_release_at_most(call, served, k):
    told = call(served, "recommend", "1", "-k", k)

    new = call(served, "recommend", "--likes", "1", "-k", k)

    assert (told.code, "hold 1 to 5 movies" in told.text) == (2, True)
    assert (new.code, "hold 1 to 5 movies" in new.text) == (2, True)


@pytest.mark.parametrize("answer", ["user_id=7", "history_length=3", "shoe_size=44", "age=old"])
def test_answers_that_mean_nothing_are_refused(call, served, answer):
    told = call(served, "recommend", "--profile", answer)

    assert told.code == 2
    assert answer.partition("=")[0] in told.err
    assert "→" in told.err


def test_genres_of_a_profile_are_split_at_commas(call, served):
    typed = call(served, "recommend", "--profile", "preferred_genres=Drama,Action", "--json")
    named = call(served, "recommend", "--genre", "Drama", "--genre", "Action", "--json")

    assert (typed.code, named.code) == (0, 0)
    assert typed.json == named.json


@pytest.fixture
def stray_files(served):
    """Beside the lists: a note, a damaged week, a table without releases, a folder."""
    folder = served / "data" / "assets" / "top_n"
    strays = [folder / f"2099-01-{day}.parquet" for day in ("05", "12", "19")]
    notes = folder / "notes.txt"
    notes.write_text("shopping list", encoding="utf-8")
    strays[0].write_bytes(b"PAR1 damaged")
    write_frame(pd.DataFrame({n.USER_ID: [1]}), strays[1])
    strays[2].mkdir()
    yield
    strays[2].rmdir()
    for path in (notes, *strays[:2]):
        path.unlink()


def test_files_that_are_no_lists_are_in_nobodys_way(call, served, stray_files):
    assert has_user(load_settings(served / "recsys.toml"), "1")
    assert call(served, "doctor", "--user", "1").code == 0
    release = FileReleaseStore(served / "data" / "releases").current().release
    told = call(served, "reproduce", release, "--json")
    assert (told.code, told.json["same"]) == (0, True)


def test_a_damaged_table_is_told_in_words(call, served):
    path = next((served / "data" / "assets" / "users").glob("*.parquet"))
    release = FileReleaseStore(served / "data" / "releases").current().release
    content = path.read_bytes()
    try:
        path.write_bytes(content[: len(content) // 2])
        looked = call(served, "doctor", "--user", "1")
        made = call(served, "reproduce", release)
    finally:
        path.write_bytes(content)

    assert (looked.code, made.code) == (6, 6)
    assert str(path) in looked.text
    assert "cannot be read" in made.text


def test_a_release_that_does_not_come_out_the_same_has_its_exit_code(call, served):
    path = next((served / "data" / "assets" / "users").glob("*.parquet"))
    release = FileReleaseStore(served / "data" / "releases").current().release
    content = path.read_bytes()
    try:
        write_frame(read_frame(path).iloc[::-1].reset_index(drop=True), path)
        told = call(served, "reproduce", release)
    finally:
        path.write_bytes(content)

    assert told.code == 8
    assert "users changed since" in told.text


def test_the_doctor_looks_at_set_up_and_data(call, served):
    told = call(served, "doctor")
    found = {each["subject"]: each for each in call(served, "doctor", "--json").json}

    assert told.code == 0
    assert found["source"]["state"] == "ok"
    assert "40 users, 30 movies" in found["source"]["text"]
    assert found["amount"]["state"] == "odd"
    assert str(served / "recsys.toml") in found["settings"]["text"]
    assert "quarantine" in told.out


def test_the_doctor_looks_at_one_user(call, served):
    known = {each["subject"]: each for each in call(served, "doctor", "--user", 1, "--json").json}
    unknown = call(served, "doctor", "--user", "nobody", "--json").json

    assert known["profile"]["text"] == f"Known are {n.AGE}, {n.PREFERRED_GENRES}."
    assert known["list"]["text"].startswith("5 movies")
    assert [each["state"] for each in unknown] == ["odd"]


def test_a_table_that_has_shrunk_stops_the_run(call, served, pointer):
    path, before = served / "in" / "interactions.csv", pointer()
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    try:
        path.write_bytes(lines[0] + lines[-1])
        told, looked = call(served, "run", "--json"), call(served, "doctor", "--json")
    finally:
        path.write_bytes(content)

    assert told.code == 4
    assert told.out == ""
    assert "row_count.not_shrunk" in told.err
    assert pointer() == before
    assert looked.code == 7
    (finding,) = [each for each in looked.json if "not_shrunk" in each["text"]]
    assert (finding["subject"], finding["state"]) == ("interactions rows", "broken")
    assert "checks.shrink" in finding["advice"]


def test_values_out_of_range_stop_the_run_with_their_figures(call, served, pointer):
    path, before = served / "in" / "users.csv", pointer()
    content = path.read_bytes()
    try:
        pd.read_csv(path).assign(**{n.AGE: 999}).to_csv(path, index=False)
        told = call(served, "run")
    finally:
        path.write_bytes(content)

    assert told.code == 4
    assert "40 of 40 rows do not meet this (100.0%, allowed 5.0%) [age.out_of_range]" in told.text
    assert "check not met mapped_users: age_out_of_range (40 of 40 rows)" in told.text
    assert pointer() == before


def test_a_run_beside_another_one_is_refused(call, served, pointer):
    before = pointer()
    with run_lock(served / "data" / "run.lock", "the other"):
        told = call(served, "run")

    assert (told.code, "Another run is under way" in told.text) == (7, True)
    assert pointer() == before


@pytest.mark.parametrize("command", [["recommend", "1"], ["doctor"]])
def test_a_release_that_was_tampered_with(call, served, command):
    path = next((served / "data" / "releases").rglob("top_n.parquet"))
    content = path.read_bytes()
    mode = path.stat().st_mode
    try:
        path.chmod(0o644)
        path.write_bytes(content[:-10])
        told = call(served, *command)
    finally:
        path.write_bytes(content)
        path.chmod(mode)

    assert told.code == (7 if command == ["doctor"] else 6)
    assert "Traceback" not in told.text


def _raises(error: BaseException):
    def run_weekly(*_: object, **__: object) -> None:
        raise error

    return run_weekly


def test_a_bug_is_one_line_and_a_log(call, served, pointer, monkeypatch):
    before = pointer()
    monkeypatch.setattr(
        run_command, "run_weekly", _raises(ZeroDivisionError("not foreseen\nat all"))
    )

    told = call(served, "run")

    log = served / ".dagster" / "errors.log"
    assert told.code == 1
    assert told.err == (
        "Unexpected error, this is a bug: ZeroDivisionError: not foreseen. "
        f"The full traceback is in {log}.\n"
    )
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert pointer() == before


def test_ctrl_c_is_told_in_a_sentence(call, served, pointer, monkeypatch):
    before = pointer()
    monkeypatch.setattr(run_command, "run_weekly", _raises(KeyboardInterrupt()))

    told = call(served, "run")

    assert (told.code, "The last whole release is in service." in told.text) == (130, True)
    assert pointer() == before


def test_ctrl_c_within_a_step(call, served, pointer, monkeypatch):
    """Dagster turns the interrupt of a step into a failure of the run."""
    before = pointer()
    monkeypatch.setattr("recsys_pipeline.defs.source_assets.load", _raises(KeyboardInterrupt()))

    told = call(served, "run")

    assert told.code == 130, told.err
    assert pointer() == before


@pytest.mark.parametrize(
    "command", [[], ["init"], ["run"], ["recommend"], ["ui"], ["doctor"], ["example-data"]]
)
def test_help_needs_no_manual(call, tmp_path, command):
    told = call(tmp_path, *command, "--help")

    assert told.code == 0
    assert f"recsys {command[0] if command else 'init'}" in told.out


def test_an_unknown_command(call, tmp_path: Path):
    told = call(tmp_path, "rum")

    assert (told.code, "rum" in told.err) == (2, True)


def test_manifest_and_doctor_agree(call, served):
    manifest = json.loads(next((served / "data" / "releases").rglob("manifest.json")).read_text())

    assert manifest["release"] in call(served, "doctor").out
