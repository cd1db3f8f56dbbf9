"""One run of the weekly job over a small world, step by step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import CleanTables
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.evaluating import EvaluationReport, evaluate_all
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.training import Trained, load_cuts, train
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource
from recsys_pipeline.sources.base import Tables

RELEASE = "2023-12-31-0123abcd"


@dataclass(frozen=True)
class Run:
    """All that one run makes of its tables."""

    tables: Tables
    as_of: pd.Timestamp | None
    learning: LearningConfig
    cleaned: CleanTables
    cuts: Cuts
    matrix: pd.DataFrame
    trained: Trained
    report: EvaluationReport
    lists: pd.DataFrame


def run_once(tables: Tables, as_of: pd.Timestamp | None, learning: LearningConfig) -> Run:
    steps: list[str] = []
    cleaned = prepare(tables, as_of, learning)
    cuts = load_cuts(cleaned.users, cleaned.movies, cleaned.interactions, learning, as_of)
    matrix = make_feature_matrix(cuts, learning)
    trained = train(cuts, matrix, learning, steps.append)
    report = evaluate_all(cuts, trained, matrix, learning, steps.append)
    lists = make_top_n(trained.released, cuts.everything, learning.k, RELEASE)
    assert steps
    return Run(tables, as_of, learning, cleaned, cuts, matrix, trained, report, lists)


def learning_of(changes: Mapping[str, Any] | None = None) -> LearningConfig:
    """Two recommenders beside the baselines, few trees, and `changes` on top."""
    values: dict[str, Any] = {
        "k": 5,
        "ranker": {"iterations": 6, "candidates": 8, "min_samples_leaf": 5},
        "recommenders": {"use": ("item_knn", "profile")},
    }
    return LearningConfig.model_validate({**values, **(changes or {})})


def with_liked(tables: Tables, liked: Callable[[pd.DataFrame], Any]) -> Tables:
    """The tables with other likes, and no ratings or watch times that could give them away."""
    kept = [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.SOURCE_FILE, n.SOURCE_ROW]
    interactions = tables.interactions[kept]
    values = pd.array(np.asarray(liked(interactions), dtype=bool), dtype="boolean")
    return replace(tables, interactions=interactions.assign(**{n.LIKED: values}))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """So little data is computed fastest by one thread, above all on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    return run_once


@pytest.fixture(scope="session")
def make_learning() -> Callable[..., LearningConfig]:
    return learning_of


@pytest.fixture(scope="session")
def relabelled() -> Callable[..., Tables]:
    return with_liked


@pytest.fixture(scope="session")
def source() -> SimulatedSource:
    return SimulatedSource(WorldConfig(users=60, movies=40, interactions=900))


@pytest.fixture(scope="session")
def as_of(source: SimulatedSource) -> pd.Timestamp:
    newest = source.newest_event()
    assert newest is not None
    return newest


@pytest.fixture(scope="session")
def tables(source: SimulatedSource, as_of: pd.Timestamp) -> Tables:
    return source.read(as_of)


@pytest.fixture(scope="session")
def run(tables: Tables, as_of: pd.Timestamp) -> Run:
    """A run in which the two-stage recommender is released."""
    return run_once(tables, as_of, learning_of({"primary": "two_stage"}))
