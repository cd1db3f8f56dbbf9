"""The command line called in this process, on folders of small files."""

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline import cli
from recsys_pipeline.contracts import names as n

FAST = """
[learning]
k = 5
[learning.recommenders]
use = ["item_knn", "profile"]
[learning.ranker]
iterations = 5
"""
"""Learning settings that a test has time for."""


@dataclass(frozen=True)
class Called:
    """What one call of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Both streams on one line: where lines are broken depends on lengths of paths."""
        return " ".join((self.out + " " + self.err).split())


Tables = Mapping[str, pd.DataFrame]


def call(folder: Path, *arguments: object) -> Called:
    """Call `recsys` with `arguments` as if from a shell in `folder`."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sys.argv", ["recsys", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stop:
            return Called(int(stop.code or 0), out.getvalue(), err.getvalue())
    return Called(0, out.getvalue(), err.getvalue())


def small_tables(users: int = 40, movies: int = 30, events: int = 600) -> dict[str, pd.DataFrame]:
    """Three tables under the canonical names; half a year from 2023-01-01 on."""
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(0, 200 * 86_400, events))
    start = pd.Timestamp("2023-01-01")
    interactions = pd.DataFrame(
        {
            n.USER_ID: rng.integers(1, users + 1, events),
            n.MOVIE_ID: rng.integers(1, movies + 1, events),
            n.TIMESTAMP: (start + pd.to_timedelta(seconds, unit="s")).strftime("%Y-%m-%d %H:%M:%S"),
            n.LIKED: rng.integers(0, 2, events),
        }
    ).drop_duplicates([n.USER_ID, n.MOVIE_ID], ignore_index=True)
    return {
        "users": pd.DataFrame(
            {
                n.USER_ID: range(1, users + 1),
                n.AGE: rng.integers(18, 70, users),
                n.PREFERRED_GENRES: rng.choice(["Drama|Action", "Drama|Comedy"], users),
            }
        ),
        "movies": pd.DataFrame(
            {
                n.MOVIE_ID: range(1, movies + 1),
                n.TITLE: [f"[REC] part {number}" for number in range(1, movies + 1)],
                n.GENRES: rng.choice(["Drama|Comedy", "Action|Drama"], movies),
                n.YEAR: rng.integers(1990, 2023, movies),
            }
        ),
        "interactions": interactions,
    }


def write(tables: Tables, folder: Path) -> Path:
    """The tables as CSV files in ``folder/in``; returns `folder`."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / "in" / f"{name}.csv", index=False)
    return folder


@pytest.fixture(name="call", scope="session")
def call_fixture() -> Callable[..., Called]:
    """`call`."""
    return call


@pytest.fixture
def write_world(tmp_path: Path) -> Callable[[Callable[[dict[str, pd.DataFrame]], None]], Path]:
    """Writes the small tables below ``in`` of an empty folder, after a change."""

    def make(change: Callable[[dict[str, pd.DataFrame]], None]) -> Path:
        tables = small_tables()
        change(tables)
        return write(tables, tmp_path)

    return make


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with three good tables below ``in``."""
    return write(small_tables(), tmp_path)


@pytest.fixture
def ready(files: Path) -> Path:
    """The same with its recsys.toml."""
    assert call(files, "init", "in").code == 0
    return files


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Called]]:
    """One real run, with a row without an id, one with a bad date, and an id with white space."""
    tables = small_tables()
    interactions = tables["interactions"].astype({n.USER_ID: "str"})
    interactions.loc[3, n.USER_ID] = ""
    interactions.loc[5, n.TIMESTAMP] = "32/13/2023"
    interactions.loc[7, n.USER_ID] = f" {interactions.loc[7, n.USER_ID]} "
    folder = write({**tables, "interactions": interactions}, tmp_path_factory.mktemp("served"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith(("RECSYS_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        assert call(folder, "init", "in").code == 0
        with (folder / "recsys.toml").open("a", encoding="utf-8") as file:
            file.write(FAST)
        yield folder, call(folder, "run")


@pytest.fixture
def served(first_run: tuple[Path, Called]) -> Path:
    """The folder of that run; its files below ``in`` are put back afterwards by whoever changes."""
    folder, told = first_run
    assert told.code == 0, told.err
    return folder


@pytest.fixture
def pointer(served: Path) -> Callable[[], bytes]:
    """Reads what is in service: the content of every small file beside the releases."""

    def read() -> bytes:
        folder = served / "data" / "releases"
        return b"".join(p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file())

    return read
