"""The registry of recommenders: by name, with the right settings."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import RECOMMENDERS, AlsConfig, EaseConfig, load_recommender, make
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.random_order import RandomOrder


def test_every_name_makes_its_own_model() -> None:
    for name, (model, config) in RECOMMENDERS.items():
        made = make(name)
        assert type(made) is model
        assert made.name == name
        assert type(make(name, config())) is model


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no model 'svd'") as caught:
        make("svd")
    assert "ease" in caught.value.hint


def test_settings_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match="EaseConfig, not AlsConfig"):
        make("ease", AlsConfig())


@pytest.mark.parametrize("config", [config for _, config in RECOMMENDERS.values()])
def test_settings_are_frozen_described_and_complete(config: type[EaseConfig]) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        config(unheard_of=1)
    assert config.__doc__
    assert all(field.description for field in config.model_fields.values())
    with pytest.raises(ValidationError, match="frozen"):
        config().regularization = 1


def test_a_model_is_not_loaded_as_another(data: Dataset, tmp_path: Path) -> None:
    Popularity().fit(data, np.random.default_rng(0)).save(tmp_path)
    with pytest.raises(ModelError, match="holds the model 'popularity', not 'random'"):
        RandomOrder.load(tmp_path)
    assert isinstance(load_recommender(tmp_path), Popularity)
