"""The released model: probabilities, and the same lists from its files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking import Panel, ReleasedModel, load_released_model
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.panel import PROFILE, TWO_STAGE

K = 5


def released(
    panel: Panel,
    data: Dataset,
    primary: str,
    movies: pd.DataFrame | None = None,
    as_of: pd.Timestamp | None = None,
) -> ReleasedModel:
    calibrations = {
        name: Calibration(0.5 + place, -1.0) for place, name in enumerate(panel.generators)
    }
    movies = data.movies if movies is None else movies
    return ReleasedModel(panel, primary, calibrations, data.items, movies, as_of)


def expiring(data: Dataset, moment: pd.Timestamp) -> pd.DataFrame:
    """The movies of `data`, of which the second half has left the catalogue before `moment`."""
    gone = np.arange(data.n_items) >= data.n_items // 2
    until = np.where(gone, moment - pd.Timedelta(days=1), pd.NaT)
    return data.movies.assign(**{n.AVAILABLE_UNTIL: pd.Series(until, dtype="datetime64[us, UTC]")})


@pytest.mark.parametrize("primary", ["item_knn", TWO_STAGE])
def test_lists_hold_probabilities(panel: Panel, small: Dataset, primary: str) -> None:
    model = released(panel, small, primary)
    lists = model.recommend(small.batch(), K)
    listed = lists.items >= 0
    assert lists.scores.dtype == np.float32
    assert ((lists.scores >= 0) & (lists.scores <= 1)).all()
    assert (lists.scores[~listed] == 0).all()
    assert (lists.scores[listed] > 0).mean() > 0.9
    assert (np.diff(lists.scores, axis=1) <= 1e-7).all()
    assert lists.sources.shape == (small.n_users, K)


def test_a_list_is_calibrated_as_who_made_it(panel: Panel, small: Dataset) -> None:
    model = released(panel, small, "item_knn")
    ranked = panel.rank(small.batch(), K, names=["item_knn"])["item_knn"]
    found = model.probabilities(ranked)
    for user, source in ((0, PROFILE), (5, "item_knn")):
        assert ranked.sources[user] == source
        expected = model.calibrations[source].probability(ranked.scores[user])
        np.testing.assert_array_equal(found[user], expected)


@pytest.mark.parametrize("primary", ["popularity", "item_knn", "profile", TWO_STAGE])
def test_saved_and_loaded_it_gives_the_same_lists(
    panel: Panel, small: Dataset, primary: str, tmp_path: Path
) -> None:
    model = released(panel, small, primary)
    model.save(tmp_path / "model")
    loaded = load_released_model(tmp_path / "model")
    first, second = (each.recommend(small.batch(), K) for each in (model, loaded))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.sources, second.sources)
    assert loaded.items.values.equals(small.items.values)
    pd.testing.assert_frame_equal(loaded.movies, small.movies)


@pytest.mark.parametrize("primary", ["item_knn", TWO_STAGE])
def test_movies_that_have_left_are_in_no_list(
    panel: Panel, small: Dataset, primary: str, tmp_path: Path
) -> None:
    moment, half = small.as_of, small.n_items // 2
    movies = expiring(small, moment)
    released(panel, small, primary, movies, moment).save(tmp_path / "model")
    loaded = load_released_model(tmp_path / "model")
    assert loaded.as_of == moment
    assert loaded.recommend(small.batch(), K).items.max() < half
    few = np.arange(small.n_items) >= half - 3
    found = loaded.recommend(small.batch(), K, allowed=few).items
    assert set(np.unique(found)) <= {-1, half - 3, half - 2, half - 1}
    assert (found >= 0).any()
    undated = released(panel, small, primary, movies, None)
    undated.save(tmp_path / "undated")
    assert load_released_model(tmp_path / "undated").as_of is None
    assert undated.recommend(small.batch(), K).items.max() >= half


def test_there_is_no_pickle_among_its_files(panel: Panel, small: Dataset, tmp_path: Path) -> None:
    released(panel, small, TWO_STAGE).save(tmp_path)
    endings = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert endings == {".json", ".npz", ".skops", ".parquet"}


def _without_model_json(folder: Path) -> None:
    (folder / "model.json").unlink()


def _without_key(folder: Path) -> None:
    facts = json.loads((folder / "model.json").read_text())
    del facts["primary"]
    (folder / "model.json").write_text(json.dumps(facts))


def _without_generator(folder: Path) -> None:
    for file in (folder / "generators" / "item_knn").iterdir():
        file.unlink()


def _half_movies(folder: Path) -> None:
    content = (folder / "movies.parquet").read_bytes()
    (folder / "movies.parquet").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    "damage", [_without_model_json, _without_key, _without_generator, _half_movies]
)
def test_what_is_not_whole_is_refused(panel: Panel, small: Dataset, tmp_path, damage) -> None:
    released(panel, small, "item_knn").save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_released_model(tmp_path)
    assert caught.value.hint
