"""A small catalogue that answers like a released model, and both trackers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models.base import top_k
from recsys_pipeline.tracking import MemoryTracker, MlflowTracker


@dataclass(frozen=True)
class StubLists:
    items: Int32Array
    scores: Float32Array
    sources: npt.NDArray[np.object_]


@dataclass(frozen=True)
class StubModel:
    """Ranks the catalogue in its own order; the score falls from 1 to 0."""

    items: IdMap
    movies: pd.DataFrame

    def recommend(self, users: UserBatch, k: int, allowed: BoolArray | None = None) -> StubLists:
        falling = np.linspace(1, 0, len(self.items), dtype=np.float32)
        items, scores = top_k(np.tile(falling, (len(users), 1)), users, k, allowed=allowed)
        scores = np.where(items < 0, 0, scores).astype(np.float32)
        return StubLists(items, scores, np.full(items.shape, "popularity", dtype=object))


def stub_model(ids: list[int]) -> StubModel:
    titles = [f"Title {each}" for each in ids[:-1]] + [None]
    return StubModel(IdMap.of(ids), pd.DataFrame({"title": pd.Series(titles, dtype="str")}))


def load_stub(folder: Path) -> StubModel:
    """In place of `load_released_model`: ids from ``ids.txt`` of the folder."""
    try:
        text = (folder / "ids.txt").read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"The model in {folder} cannot be read.") from error
    return stub_model([int(line) for line in text.split()])


@pytest.fixture(scope="session")
def model_of() -> Callable[[list[int]], StubModel]:
    """Makes a model of the movies with these ids."""
    return stub_model


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a released model with movies 1 to 6."""
    monkeypatch.setattr("recsys_pipeline.ranking.load_released_model", load_stub)
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "ids.txt").write_text("1 2 3 4 5 6", encoding="utf-8")
    return folder


@pytest.fixture
def example() -> pd.DataFrame:
    return pd.DataFrame({"history": [["1", "3"]], "age": [34], "mood": ["calm"]})


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for all tests: creating it takes seconds."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def mlflow_tracker(mlflow_folder: Path, request: pytest.FixtureRequest) -> MlflowTracker:
    """A tracker with an experiment and a registered model of the test's own."""
    name = re.sub(r"\W+", "_", request.node.name)
    return MlflowTracker(mlflow_folder, experiment=name, model_name=name)


@pytest.fixture(params=["memory", "mlflow"])
def tracker(request: pytest.FixtureRequest) -> MemoryTracker | MlflowTracker:
    if request.param == "memory":
        return MemoryTracker()
    real: MlflowTracker = request.getfixturevalue("mlflow_tracker")
    return real
