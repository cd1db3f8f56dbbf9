"""The streaming world: users, movies, tastes and choices; it goes on week after week."""

from recsys_pipeline.simulation.config import WorldConfig
from recsys_pipeline.simulation.export import FRENCH_GENRES, FRENCH_SEGMENTS, write_french_files
from recsys_pipeline.simulation.life import Life
from recsys_pipeline.simulation.life_config import LifeConfig
from recsys_pipeline.simulation.lived import (
    EVENT_TYPES,
    ORGANIC,
    Actions,
    Browsed,
    Impressions,
    LivedWeek,
    Watched,
)
from recsys_pipeline.simulation.world import World

__all__ = [
    "EVENT_TYPES",
    "FRENCH_GENRES",
    "FRENCH_SEGMENTS",
    "ORGANIC",
    "Actions",
    "Browsed",
    "Impressions",
    "Life",
    "LifeConfig",
    "LivedWeek",
    "Watched",
    "World",
    "WorldConfig",
    "write_french_files",
]
