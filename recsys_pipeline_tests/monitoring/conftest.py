"""Rows of impressions and actions for tests: short to write, whole in their columns."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES, Contract
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import ACTIONS, IMPRESSIONS
from recsys_pipeline.contracts.table import Kind

MONDAY = pd.Timestamp("2024-01-01", tz="UTC").as_unit("us")


def at(hours: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(hours=hours).as_unit("us")


def frame_of(contract: Contract, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=list(contract.column_names))
    return made.astype(
        {
            column.name: "str" if column.kind is Kind.ID else PANDAS_DTYPES[column.kind]
            for column in contract.columns
        }
    )


def shown(
    answer: str, user: str, movies: Sequence[str], hours: float, **more: Any
) -> list[dict[str, Any]]:
    """The impressions of one answer."""
    common = {n.RELEASE: "r", n.PERSONAL: True, n.EXPERIMENT: "", n.ARM: "", n.PROPENSITY: 1.0}
    return [
        {
            **common,
            n.REQUEST_ID: answer,
            n.USER_ID: user,
            n.MOVIE_ID: movie,
            n.SHOWN_AT: at(hours),
            n.RANK: place,
            **more,
        }
        for place, movie in enumerate(movies, 1)
    ]


def done(
    user: str, movie: str, kind: str, hours: float, answer: str = "", **more: Any
) -> dict[str, Any]:
    """One action."""
    return {
        n.USER_ID: user,
        n.MOVIE_ID: movie,
        n.EVENT_TYPE: kind,
        n.TIMESTAMP: at(hours),
        n.REQUEST_ID: answer,
        **more,
    }


def impressions(*answers: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return frame_of(IMPRESSIONS, [row for answer in answers for row in answer])


def actions(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame_of(ACTIONS, rows)


def catalogue(minutes: dict[str, float | None], genres: dict[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.MOVIE_ID: pd.Series(list(minutes), dtype="str"),
            n.GENRES: pd.Series(
                [genres.get(movie, []) for movie in minutes], dtype=PANDAS_DTYPES[Kind.TEXTS]
            ),
            n.DURATION_MINUTES: pd.Series(list(minutes.values()), dtype="float64"),
        }
    )


def people(segments: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.USER_ID: pd.Series(list(segments), dtype="str"),
            n.SEGMENT: pd.Series(list(segments.values()), dtype="str"),
        }
    )


@pytest.fixture(scope="session")
def online() -> SimpleNamespace:
    """The builders of this file."""
    return SimpleNamespace(
        monday=MONDAY,
        at=at,
        shown=shown,
        done=done,
        impressions=impressions,
        actions=actions,
        catalogue=catalogue,
        people=people,
    )
