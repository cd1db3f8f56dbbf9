"""Candidate generators: recommenders with item-side parameters only, by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models.als import Als
from recsys_pipeline.models.base import Recommender, top_k
from recsys_pipeline.models.clusters import Clusters
from recsys_pipeline.models.config import (
    AlsConfig,
    ClustersConfig,
    ContentConfig,
    EaseConfig,
    ItemKnnConfig,
    PopularityConfig,
    ProfileConfig,
    RandomConfig,
    RecommenderConfig,
    SegmentPopularityConfig,
    TasteConfig,
    TrendingConfig,
)
from recsys_pipeline.models.content import Content
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.models.encoding import MovieEncoder, ProfileEncoder
from recsys_pipeline.models.files import read_name
from recsys_pipeline.models.item_knn import ItemKnn
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.models.random_order import RandomOrder
from recsys_pipeline.models.segment_popularity import SegmentPopularity
from recsys_pipeline.models.taste import Taste
from recsys_pipeline.models.trending import Trending

RECOMMENDERS: Final[Mapping[str, tuple[type[Any], type[RecommenderConfig]]]] = {
    model.name: (model, config)
    for model, config in (
        (Popularity, PopularityConfig),
        (RandomOrder, RandomConfig),
        (ItemKnn, ItemKnnConfig),
        (Ease, EaseConfig),
        (Als, AlsConfig),
        (Content, ContentConfig),
        (Profile, ProfileConfig),
        (Taste, TasteConfig),
        (SegmentPopularity, SegmentPopularityConfig),
        (Trending, TrendingConfig),
        (Clusters, ClustersConfig),
    )
}
"""Class and settings class of every recommender of this room, by name."""


def make(name: str, config: RecommenderConfig | None = None) -> Recommender:
    """An unfitted recommender; with its default settings where `config` is None.

    >>> make("als", AlsConfig(factors=16)).config.factors
    16

    Raises:
        ModelError: no recommender has that name, or `config` is another one's.
    """
    model, settings = _entry(name)
    if config is not None and type(config) is not settings:
        raise ModelError(
            f"The model {name!r} takes {settings.__name__}, not {type(config).__name__}."
        )
    recommender: Recommender = model(config)
    return recommender


def load_recommender(folder: Path) -> Recommender:
    """The fitted model that was saved in `folder`, whichever it is.

    Raises:
        ModelError: the folder holds no whole model of this room.
    """
    recommender: Recommender = _entry(read_name(folder))[0].load(folder)
    return recommender


def _entry(name: str) -> tuple[type[Any], type[RecommenderConfig]]:
    try:
        return RECOMMENDERS[name]
    except KeyError:
        raise ModelError(
            f"There is no model {name!r}.", f"Choose one of {', '.join(RECOMMENDERS)}."
        ) from None


__all__ = [
    "RECOMMENDERS",
    "AlsConfig",
    "ClustersConfig",
    "ContentConfig",
    "EaseConfig",
    "GenreTable",
    "ItemKnnConfig",
    "MovieEncoder",
    "PopularityConfig",
    "ProfileConfig",
    "ProfileEncoder",
    "RandomConfig",
    "Recommender",
    "RecommenderConfig",
    "SegmentPopularityConfig",
    "TasteConfig",
    "TrendingConfig",
    "load_recommender",
    "make",
    "top_k",
]
