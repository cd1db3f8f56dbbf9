"""Great Expectations is imported once for all tests here: it takes seconds."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    PANDAS_DTYPES,
    USERS,
    Contract,
    Kind,
    RuleContext,
)
from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.protocols import Checker
from recsys_pipeline.quality import GreatExpectationsChecker, PlainChecker, gx

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")


@pytest.fixture(scope="session")
def great_expectations(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import it where a PySpark lies that ends the process when imported."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "pyspark").mkdir()
    (folder / "pyspark" / "__init__.py").write_text("raise SystemExit(0)")
    sys.path.insert(0, str(folder))
    gx.load()
    sys.path.remove(str(folder))


@pytest.fixture(params=["plain", "great_expectations"])
def checker(request: pytest.FixtureRequest) -> Checker:
    """Each implementation of the door."""
    if request.param == "plain":
        return PlainChecker()
    request.getfixturevalue("great_expectations")
    return GreatExpectationsChecker(None)


@pytest.fixture
def gx_checker(great_expectations: None, tmp_path: Path) -> GreatExpectationsChecker:
    """A checker that writes Data Docs to ``tmp_path / "docs"``."""
    return GreatExpectationsChecker(tmp_path / "docs")


@pytest.fixture
def context() -> RuleContext:
    """`as_of` and the keys of the users and movies below."""
    return RuleContext(
        AS_OF, {"users": pd.Index([f"u{i}" for i in range(20)]), "movies": pd.Index(range(10))}
    )


@pytest.fixture
def tables() -> dict[str, tuple[Contract, pd.DataFrame]]:
    """A users, a movies and an interactions table in which every rule is broken by some row.

    String ids for users, integer ids for movies; all dtypes of the contract.
    """
    return {
        "users": (USERS, _users()),
        "movies": (MOVIES, _movies()),
        "interactions": (INTERACTIONS, _interactions()),
    }


def _text(values: list[str | None]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _users() -> pd.DataFrame:
    ids: list[str | None] = [f"u{i}" for i in range(20)]
    ids[3], ids[5] = "u2", None
    ages = np.linspace(18, 80, 20)
    ages[:3] = [-1, 121, np.nan]
    months = np.linspace(0, 30, 20)
    months[0] = np.inf
    return _with_source(
        pd.DataFrame(
            {
                n.USER_ID: _text(ids),
                n.AGE: ages,
                n.raw(n.AGE): _text([None, None, "old", *[None] * 17]),
                n.SEGMENT: _text(["young", *[None] * 19]),
                n.PREFERRED_GENRES: pd.Series(
                    [["Drama", "Comedy"], None, *[[]] * 18], dtype=PANDAS_DTYPES[Kind.TEXTS]
                ),
                n.SUBSCRIPTION_MONTHS: months,
                n.SESSIONS_PER_WEEK: np.full(20, np.nan),
                "favourite_colour": _text(["red"] * 20),
            }
        )
    )


def _movies() -> pd.DataFrame:
    return _with_source(
        pd.DataFrame(
            {
                n.MOVIE_ID: pd.array([0, 1, 2, None, 4, None, 6, 7, 8, 8], dtype="Int64"),
                n.raw(n.MOVIE_ID): _text([*[None] * 5, "five", *[None] * 4]),
                n.TITLE: _text([f"Movie {i}" for i in range(10)]),
                n.YEAR: pd.array([1869, 2101, None, *range(2000, 2007)], dtype="Int64"),
                n.MEAN_RATING: np.linspace(-0.5, 5.5, 10),
            }
        )
    )


def _interactions() -> pd.DataFrame:
    times = pd.date_range(AS_OF - pd.Timedelta(days=19), periods=24, freq="D", unit="us")
    timestamps = pd.Series(times)
    timestamps[[4, 5, 7]] = pd.NaT
    users: list[str | None] = [f"u{i}" for i in range(24)]
    users[6] = None
    users[8], timestamps[8] = users[9], timestamps[9]
    users[5] = users[4]
    movies = pd.array([i % 10 for i in range(24)], dtype="Int64")
    movies[8], movies[5] = movies[9], movies[4]
    users[10] = "stranger"
    movies[12], movies[13] = 99, None
    # After as_of: of no rule but that one.
    users[20], movies[21], movies[22] = None, 99, None
    return _with_source(
        pd.DataFrame(
            {
                n.USER_ID: _text(users),
                n.MOVIE_ID: movies,
                n.TIMESTAMP: timestamps.astype(PANDAS_DTYPES[Kind.TIME]),
                n.raw(n.TIMESTAMP): _text([*[None] * 4, "noon", "noon", *[None] * 18]),
                n.LIKED: pd.array([True, False, None] * 8, dtype="boolean"),
                n.WATCH_FRACTION: np.linspace(-0.1, 1.1, 24),
                n.RATING: np.linspace(0, 5, 24),
            },
        ).set_axis(np.repeat([7, 3], 12), axis=0)
    )


def _with_source(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        **{n.SOURCE_FILE: pd.Series("t.csv", index=frame.index, dtype="str")},
        **{n.SOURCE_ROW: np.arange(2, len(frame) + 2)},
    )
