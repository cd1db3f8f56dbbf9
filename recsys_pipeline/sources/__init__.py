"""Sources: where tables come from, and what can be guessed about files never seen before."""

from recsys_pipeline.sources.base import Source, Tables
from recsys_pipeline.sources.config import (
    EventsConfig,
    FilesConfig,
    FileTableConfig,
    MovieLensConfig,
    SqlConfig,
    SqlTableConfig,
)
from recsys_pipeline.sources.files import FilesSource
from recsys_pipeline.sources.guess import Guess, guess
from recsys_pipeline.sources.guess_table import Guessed
from recsys_pipeline.sources.movielens import MovieLensSource
from recsys_pipeline.sources.render import render_settings
from recsys_pipeline.sources.simulated import SimulatedSource

__all__ = [
    "EventsConfig",
    "FileTableConfig",
    "FilesConfig",
    "FilesSource",
    "Guess",
    "Guessed",
    "MovieLensConfig",
    "MovieLensSource",
    "SimulatedSource",
    "Source",
    "SqlConfig",
    "SqlTableConfig",
    "Tables",
    "guess",
    "render_settings",
]
