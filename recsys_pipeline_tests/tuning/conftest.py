"""Both kinds of studies, and a small installation with the fake of every door."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.studies import Studies
from recsys_pipeline.settings import Settings, SourceSettings
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.tuning import MemoryStudies, OptunaStudies

Opened = Callable[[], Studies]


@pytest.fixture(params=["memory", "optuna"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens the studies again, as another session would; all of them lie in one place."""
    if request.param == "memory":
        kept = MemoryStudies()
        yield lambda: kept
        return
    opened: list[OptunaStudies] = []

    def open_again() -> OptunaStudies:
        for each in opened:
            each.close()
        opened[:] = [OptunaStudies(tmp_path / "tuning")]
        return opened[0]

    yield open_again
    for each in opened:
        each.close()


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    """A world of 80 users, and one recommender to tune."""
    return Settings(
        root=tmp_path,
        source=SourceSettings(
            simulated=WorldConfig(users=80, movies=30, interactions=1_500),
        ),
        learning=LearningConfig.model_validate(
            {"k": 5, "recommenders": {"use": ("segment_popularity",)}}
        ),
    )
