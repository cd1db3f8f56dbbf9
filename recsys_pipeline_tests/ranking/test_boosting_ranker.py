"""The ranker learns what is planted, and its file holds nothing that runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking import RankerConfig
from recsys_pipeline.ranking.ranker import TRUSTED, BoostingRanker, forest_predictions

NAMES = ("good", "noise", "never")
CONFIG = RankerConfig(iterations=12, min_samples_leaf=10)


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """The first feature decides, the second is noise, and the third has no value."""
    rng = np.random.default_rng(3)
    features = rng.random((400, 3)).astype(np.float32)
    features[::10, 1] = np.nan
    features[:, 2] = np.nan
    return features, (features[:, 0] > 0.6).astype(np.int8)


@pytest.fixture(scope="module")
def ranker(planted) -> BoostingRanker:
    return BoostingRanker(CONFIG).fit(*planted, NAMES, 1)


def test_it_learns_what_is_planted(ranker: BoostingRanker, planted) -> None:
    features, labels = planted
    probability = ranker.predict(features)
    assert probability.dtype == np.float32
    assert ((probability >= 0) & (probability <= 1)).all()
    assert probability[labels == 1].min() > probability[labels == 0].max()


def test_the_feature_that_decides_is_the_important_one(ranker: BoostingRanker, planted) -> None:
    importances = ranker.importances(*planted, 1)
    assert importances["feature"].tolist() == ["good", "noise"]
    assert importances["importance"].iloc[0] > 0.2
    assert abs(importances["importance"].iloc[1]) < 0.05


def test_equal_seeds_equal_predictions(ranker: BoostingRanker, planted) -> None:
    again = BoostingRanker(CONFIG).fit(*planted, NAMES, 1)
    np.testing.assert_array_equal(again.predict(planted[0]), ranker.predict(planted[0]))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_a_constant(planted, label: int, tmp_path: Path) -> None:
    features, labels = planted
    constant = BoostingRanker(CONFIG).fit(features, np.full_like(labels, label), NAMES, 1)
    constant.save(tmp_path)
    for each in (constant, BoostingRanker.load(tmp_path)):
        assert set(each.predict(features)) == {np.float32(label)}
    assert (constant.importances(features, labels, 1)["importance"] == 0).all()


def test_without_a_single_value_it_gives_the_share(planted) -> None:
    features, labels = planted
    blind = BoostingRanker(CONFIG).fit(np.full_like(features, np.nan), labels, NAMES, 1)
    np.testing.assert_allclose(blind.predict(features), labels.mean(), rtol=1e-6)


def test_no_pairs_no_predictions(ranker: BoostingRanker) -> None:
    assert ranker.predict(np.empty((0, 3), np.float32)).shape == (0,)


def test_saved_and_loaded_it_says_the_same(ranker, planted, tmp_path: Path) -> None:
    ranker.save(tmp_path / "ranker")
    loaded = BoostingRanker.load(tmp_path / "ranker")
    np.testing.assert_array_equal(loaded.predict(planted[0]), ranker.predict(planted[0]))
    assert loaded.config == CONFIG
    assert loaded.names_ == NAMES


def test_its_file_holds_no_type_beyond_the_trusted(ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    found = skops.io.get_untrusted_types(file=tmp_path / "ranker.skops")
    assert found
    assert set(found) <= set(TRUSTED)


def test_a_file_with_another_type_is_refused(ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    skops.io.dump(FunctionTransformer(os.getcwd), tmp_path / "ranker.skops")
    with pytest.raises(ModelError, match="getcwd"):
        BoostingRanker.load(tmp_path)


@pytest.mark.parametrize("name", ["ranker.json", "ranker.skops"])
@pytest.mark.parametrize("damage", ["gone", "half", "empty"])
def test_what_is_not_whole_is_refused(ranker, tmp_path: Path, name: str, damage: str) -> None:
    ranker.save(tmp_path)
    file = tmp_path / name
    if damage == "gone":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if damage == "half" else b"")
    with pytest.raises(ModelError, match="ranker") as caught:
        BoostingRanker.load(tmp_path)
    assert caught.value.hint


def test_the_forest_learns_too_and_copes_with_missing_values(planted) -> None:
    features, labels = planted
    probability = forest_predictions(features[:300], labels[:300], features[300:], 1)
    assert probability[labels[300:] == 1].mean() > 0.8
    assert probability[labels[300:] == 0].mean() < 0.2
    one_class = forest_predictions(features, np.ones_like(labels), features[:3], 1)
    assert one_class.tolist() == [1, 1, 1]
