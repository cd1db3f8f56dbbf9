"""`recsys benchmark` finds data as `recsys init` does, writes what is asked for, and no more."""

import contextlib
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from recsys_pipeline.commands.benchmark import (
    Measured,
    Wanted,
    find_data_sets,
    measure,
    measure_on,
    show,
)
from recsys_pipeline.errors import DataError, SettingsError, SetupError, SourceError
from recsys_pipeline.pipeline.benchmark_machine import machine
from recsys_pipeline.settings import load_settings

NOW = pd.Timestamp("2024-06-01", tz="UTC")
FAST = """
[learning]
k = 5
[learning.recommenders]
use = ["item_knn"]
[learning.ranker]
kind = "none"
[source.simulated]
users = 30
movies = 20
interactions = 400
"""


def measured(folder: Path, **given) -> Measured:
    (folder / "recsys.toml").write_text(FAST, encoding="utf-8")
    with contextlib.chdir(folder):
        return measure(load_settings(), Wanted(**given), NOW, "recsys benchmark", str)


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory, small_files) -> tuple[Path, Measured]:
    folder = small_files(tmp_path_factory.mktemp("benchmark"))
    found = measured(
        folder,
        data=["in", "simulated"],
        splits="random, last",
        markdown=Path("out/report.md"),
        plot=Path("out/plot.png"),
    )
    return folder, found


@pytest.fixture(scope="module")
def small_files():
    """Writes interactions of forty users below ``in`` of a folder."""

    def write(folder: Path) -> Path:
        rows = [
            (user, 1 + (user + 3 * step) % 25, f"2024-01-{1 + step:02} 10:{user:02}:00")
            for user in range(1, 41)
            for step in range(10)
        ]
        frame = pd.DataFrame(rows, columns=["user", "film", "watched_at"])
        (folder / "in").mkdir()
        frame.to_csv(folder / "in" / "views.csv", index=False)
        return folder

    return write


def test_every_data_set_under_every_split(done):
    _, found = done
    made = [(each.data_set, each.split) for each in found.result.comparisons]
    assert made == [
        ("in", "random"), ("in", "last"), ("simulated", "random"), ("simulated", "last"),
    ]  # fmt: skip
    assert found.result.left_out == ()


def test_only_the_files_that_were_asked_for_are_written(done):
    folder, found = done
    written = {"out/report.md", "out/plot-in.png", "out/plot-simulated.png"}
    assert below(folder) == {"recsys.toml", "in/views.csv", *written}
    assert {path.as_posix() for path in found.files} == written
    text = (folder / "out" / "report.md").read_text(encoding="utf-8")
    assert "- command: recsys benchmark\n- date: 2024-06-01 00:00 UTC" in text
    assert text.count("\n### Split: ") == 4
    assert (folder / "out" / "plot-in.png").read_bytes().startswith(b"\x89PNG")


def test_the_terminal_shows_every_recommender(done):
    _, found = done
    out = io.StringIO()
    show(found, Console(file=out, width=100))
    text = out.getvalue()
    assert text.count("▶ ") == 4 * 2
    assert "in: 40 users, 25 movies, 400 interactions" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    for name in ("random", "popularity", "item_knn", "Split: last", "Written: out/report.md"):
        assert name in text


def test_json_holds_what_the_tables_hold(done):
    _, found = done
    plain = json.loads(json.dumps(found.plain))
    assert plain["about"]["command"] == "recsys benchmark"
    assert len(plain["comparisons"]) == 4
    assert plain["comparisons"][0]["costs"]["item_knn"]["recommend_seconds"] > 0
    assert len(plain["files"]) == 3


def test_the_machine_is_told_with_its_versions():
    told = machine()
    assert {"processor", "cores", "versions"} <= set(told)
    assert all(f"{name} " in told["versions"] for name in ("Python", "numpy", "scikit-learn"))


def test_without_arguments_the_data_and_the_split_of_the_settings(tmp_path):
    found = measured(tmp_path, k=3, recommenders="popularity,random", protocol="published")
    (made,) = found.result.comparisons
    assert (made.data_set, made.asked, made.k) == ("simulated", "auto", 3)
    assert set(made.recommenders) == {"popularity", "random"}
    assert found.result.protocol == "published"
    assert below(tmp_path) == {"recsys.toml"}


@pytest.mark.parametrize("terminal", [True, False])
def test_the_steps_are_told_on_the_console(tmp_path, terminal):
    (tmp_path / "recsys.toml").write_text(FAST, encoding="utf-8")
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=terminal)
    wanted = Wanted(splits="random", recommenders="popularity")
    found = measure_on(console, load_settings(start=tmp_path), wanted, NOW, "recsys benchmark")
    assert len(found.result.comparisons) == 1
    said = "simulated, random: popularity fitted in"
    assert out.getvalue().count(said) >= (0 if terminal else 1)
    assert out.getvalue() != ""


def test_data_sets_of_one_name_are_told_apart(tmp_path, small_files):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [str(small_files(tmp_path / side) / "in") for side in "ab"]
    found = find_data_sets(load_settings(start=tmp_path), [*paths, "simulated", "simulated"], NOW)
    assert [each.name for each in found] == ["in", "in (2)", "simulated", "simulated (2)"]
    assert found[0].as_of == pd.Timestamp("2024-01-10 10:40", tz="UTC")
    empty = find_data_sets(load_settings(start=tmp_path), [], NOW)
    assert [each.name for each in empty] == ["simulated"]


@pytest.mark.parametrize(
    "given, error, said",
    [
        ({"splits": "random,tempral"}, SettingsError, "unknown split 'tempral'"),
        ({"splits": ","}, SettingsError, "no split"),
        ({"recommenders": "eas"}, SettingsError, "Did you mean 'ease'"),
        ({"protocol": "fast"}, SettingsError, "unknown protocol 'fast'"),
        ({"k": 0}, SettingsError, "learning.k"),
        ({"data": ["nowhere"]}, SourceError, "nowhere"),
        ({"data": ["notes"]}, SourceError, "notes"),
        ({"markdown": Path("notes")}, SetupError, "it is a folder"),
        ({"markdown": Path("recsys.toml/out.md")}, SetupError, "cannot be written"),
        ({"plot": Path("out.docx")}, SetupError, "docx"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(tmp_path, given, error, said):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "films.csv").write_text("title,year\nHeat,1995\n", encoding="utf-8")
    with pytest.raises(error, match=said):
        measured(tmp_path, **given)
    assert below(tmp_path) == {"recsys.toml", "notes/films.csv"}


def test_where_no_split_is_possible_it_says_why(tmp_path):
    rows = [(user, film) for user in range(1, 9) for film in range(1, 6)]
    (tmp_path / "in").mkdir()
    frame = pd.DataFrame(rows, columns=["user", "film"])
    frame.to_csv(tmp_path / "in" / "views.csv", index=False)
    with pytest.raises(DataError, match="in temporal: the split 'temporal' needs times"):
        measured(tmp_path, data=["in"], splits="temporal")
