"""A tiny world by hand, and a small simulated one with fitted recommenders."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.models import make
from recsys_pipeline.models.config import (
    ItemKnnConfig,
    PopularityConfig,
    ProfileConfig,
    RandomConfig,
)
from recsys_pipeline.ranking import Pairs, Panel, RankerConfig
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.ranker import BoostingRanker
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource

TEXTS = PANDAS_DTYPES[Kind.TEXTS]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """So little data is computed fastest by one thread, above all on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def tiny() -> Dataset:
    """Three users and four movies, as known in 2024."""
    users = pd.DataFrame(
        {
            n.USER_ID: [1, 2, 3],
            n.AGE: [20.0, 40.0, np.nan],
            n.SEGMENT: pd.Series(["young", "adult", None], dtype="str"),
            n.PREFERRED_GENRES: pd.Series([["Drama"], ["War"], None], dtype=TEXTS),
        }
    )
    movies = pd.DataFrame(
        {
            n.MOVIE_ID: [10, 20, 30, 40],
            n.GENRES: pd.Series([["Drama"], ["Drama", "War"], ["War"], None], dtype=TEXTS),
            n.YEAR: pd.Series([2000, 2010, 2020, None], dtype="Int64"),
            n.DURATION_MINUTES: [100.0, 120.0, 90.0, np.nan],
            n.MEAN_RATING: [4.0, 3.0, np.nan, 2.0],
        }
    )
    days = pd.to_datetime(["2023-01-01", "2023-01-02", "2023-01-03", "2023-01-04"], utc=True)
    interactions = pd.DataFrame(
        {
            n.USER_ID: [1, 1, 2, 2],
            n.MOVIE_ID: [10, 30, 30, 20],
            n.TIMESTAMP: days.as_unit("us"),
            n.LIKED: pd.array([True, False, True, True], dtype="boolean"),
        }
    )
    as_of = pd.Timestamp("2024-01-01", tz="UTC")
    return build_dataset(users, movies, interactions, LikesConfig(), as_of)


@pytest.fixture(scope="session")
def small() -> Dataset:
    """60 users and 40 movies of the simulated world; user 0 has nothing, user 1 no profile,
    user 2 neither, and user 3 has seen everything."""
    source = SimulatedSource(WorldConfig(users=60, movies=40, interactions=900))
    as_of = source.newest_event()
    tables = source.read(as_of)
    users, interactions = tables.users, tables.interactions
    ids = users[n.USER_ID].tolist()
    interactions = interactions[~interactions[n.USER_ID].isin([ids[0], ids[2]])]
    columns = [name for name in users.columns if name != n.USER_ID]
    users.loc[[1, 2], columns] = None
    everything = pd.DataFrame(
        {
            n.USER_ID: ids[3],
            n.MOVIE_ID: tables.movies[n.MOVIE_ID],
            n.TIMESTAMP: interactions[n.TIMESTAMP].iloc[0],
            n.LIKED: pd.array([True] * len(tables.movies), dtype="boolean"),
        }
    )
    interactions = pd.concat([interactions[list(everything.columns)], everything])
    return build_dataset(users, tables.movies, interactions, LikesConfig(), as_of)


@pytest.fixture(scope="session")
def panel(small: Dataset) -> Panel:
    """Four generators and a ranker, fitted on all events of `small`."""
    configs = {
        "random": RandomConfig(),
        "popularity": PopularityConfig(),
        "item_knn": ItemKnnConfig(),
        "profile": ProfileConfig(),
    }
    rng = np.random.default_rng(5)
    generators = {name: make(name, config).fit(small, rng) for name, config in configs.items()}
    first = Panel(generators, candidates=10)
    features = PairFeatures().fit(small)
    events = small.events
    pairs = Pairs(events.user, events.item)
    matrix = np.hstack(
        [
            features.transform(small.batch(), events.user, events.item),
            first.generator_features(small.batch(), pairs),
        ]
    )
    config = RankerConfig(iterations=8, min_samples_leaf=10)
    labels = events.positive.astype(np.int8)
    ranker = BoostingRanker(config).fit(matrix, labels, first.feature_names, 7)
    return Panel(generators, features, ranker, candidates=10)
