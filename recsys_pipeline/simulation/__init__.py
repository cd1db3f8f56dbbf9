"""The streaming world: users, movies, tastes and choices; it goes on week after week."""

from recsys_pipeline.simulation.config import WorldConfig
from recsys_pipeline.simulation.export import FRENCH_GENRES, FRENCH_SEGMENTS, write_french_files
from recsys_pipeline.simulation.world import World

__all__ = ["FRENCH_GENRES", "FRENCH_SEGMENTS", "World", "WorldConfig", "write_french_files"]
