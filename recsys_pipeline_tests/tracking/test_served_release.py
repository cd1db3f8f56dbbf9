"""A real released model, asked through MLflow's own enforcement of the signature."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.models import make
from recsys_pipeline.models.config import PopularityConfig, ProfileConfig
from recsys_pipeline.pipeline.tracked import example_request
from recsys_pipeline.ranking import Panel, ReleasedModel
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.tracking import MlflowTracker

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")
MOVIES = 6
TEXTS = PANDAS_DTYPES[Kind.TEXTS]


@pytest.fixture
def data() -> Dataset:
    """Gold users who visit often like movies 0 to 2, the others 3 to 5; 2 and 5 have left."""
    users = np.arange(40)
    gold = users % 2 == 0
    pairs = [(user, movie + (0 if gold[user] else 3)) for user in users for movie in range(3)]
    gone = np.isin(np.arange(MOVIES), [2, 5])
    until = pd.Series(np.where(gone, AS_OF - pd.Timedelta(days=1), pd.NaT))
    return build_dataset(
        pd.DataFrame(
            {
                n.USER_ID: users,
                "plan": pd.Series(np.where(gold, "gold", "basic"), dtype="str"),
                "visits": np.where(gold, 9.0, 1.0),
            }
        ),
        pd.DataFrame(
            {
                n.MOVIE_ID: range(MOVIES),
                n.GENRES: pd.Series([["Drama"]] * 3 + [["War"]] * 3, dtype=TEXTS),
                n.AVAILABLE_UNTIL: until.astype("datetime64[us, UTC]"),
            }
        ),
        pd.DataFrame(pairs, columns=[n.USER_ID, n.MOVIE_ID]),
        LikesConfig(),
        AS_OF,
    )


@pytest.fixture
def folder(data: Dataset, tmp_path: Path) -> Path:
    """A released model that knows nothing but profiles."""
    rng = np.random.default_rng(1)
    generators = {
        "popularity": make("popularity", PopularityConfig()).fit(data, rng),
        "profile": make("profile", ProfileConfig()).fit(data, rng),
    }
    model = ReleasedModel(
        Panel(generators),
        "profile",
        {},
        data.items,
        data.movies,
        data.as_of,
        Catalogue.of(data),
        RerankingConfig(diversity=0),
    )
    model.save(tmp_path / "release")
    return tmp_path / "release"


def test_further_columns_and_availability_count_in_the_served_model(
    mlflow_tracker: MlflowTracker, folder: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_tracker.uri)
    run = mlflow_tracker.run("week-1", "a")
    mlflow_tracker.set_alias("champion", run.log_model(folder, example_request(data)))
    name = "test_further_columns_and_availability_count_in_the_served_model"
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")

    def listed(**profile: object) -> list[int]:
        request = pd.DataFrame({"history": ["[]"], **{key: [v] for key, v in profile.items()}})
        return [int(movie) for movie in model.predict(request, params={"k": 6})[n.MOVIE_ID]]

    assert set(listed(plan="gold")[:2]) == {0, 1}
    assert set(listed(plan="basic")[:2]) == {3, 4}
    assert set(listed(visits=9)[:2]) == {0, 1}
    assert set(listed(visits=1.0)[:2]) == {3, 4}
    assert set(listed()) == {0, 1, 3, 4}
