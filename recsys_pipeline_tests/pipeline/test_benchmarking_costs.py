"""Costs: what is measured is what a recommender and all its parts asked for."""

from pathlib import Path

import numpy as np
import pytest

from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.pipeline.benchmark_costs import Meter
from recsys_pipeline.pipeline.choosing import ranker_data

MEGABYTE = 1_000_000


class Heavy(Recommender):
    """Holds `kept` MB once fitted, and `most` while it is fitted; its file has 3 MB."""

    name = "heavy"

    def __init__(self, kept: int, most: int) -> None:
        self.kept, self.most = kept, most

    def fit(self, data, rng):
        self.n_items_ = data.n_items
        self.weights_ = np.ones(self.kept * MEGABYTE, dtype=np.uint8)
        self.total_ = float(np.ones((self.most - self.kept) * MEGABYTE, dtype=np.uint8).sum())
        return self

    def score(self, users):
        return np.zeros((len(users), self.n_items_), dtype=np.float32)

    def knows(self, users):
        return np.ones(len(users), dtype=bool)

    def save(self, folder: Path) -> None:
        (folder / "heavy.bin").write_bytes(b"0" * 3 * MEGABYTE)

    @classmethod
    def load(cls, folder: Path):
        raise AssertionError("nothing here is loaded again")


@pytest.fixture
def meter(run):
    def make(**generators) -> Meter:
        panel = run.trained.evaluated.panel
        fitted = {name: panel.generators[name] for name in ("popularity", "item_knn", "profile")}
        heavy = {name: model.fit(run.cuts.train, None) for name, model in generators.items()}
        users = run.cuts.known.batch(np.arange(20))
        seconds = dict.fromkeys((*fitted, *heavy), 1.0)
        pairs = ranker_data(run.matrix, run.cuts, panel, run.learning) if not heavy else None
        made = type(panel)(
            {**fitted, **heavy},
            None if heavy else panel.pair_features,
            None if heavy else panel.ranker,
            panel.candidates,
        )
        return Meter(made, run.cuts.train, users, None, seconds, pairs, run.learning)

    return make


def test_the_most_memory_of_a_fit_and_the_size_of_its_files(meter):
    cost = meter(heavy=Heavy(kept=2, most=20)).costs(["heavy"])["heavy"]
    assert 20 <= cost.peak_megabytes < 22
    assert cost.model_megabytes == pytest.approx(3.0)
    assert cost.fit_seconds == 1.0
    assert cost.recommend_seconds > 0


def test_lists_count_on_top_of_the_fitted_model(meter):
    found = meter(heavy=Heavy(kept=20, most=20)).costs(["heavy", "popularity"])
    # Whatever the lists take comes on top of the model that makes them.
    lists = found["popularity"].peak_megabytes
    assert found["heavy"].peak_megabytes == pytest.approx(20 + lists, abs=0.5)


def test_a_mixture_costs_what_its_parts_cost(meter):
    found = meter().costs(["popularity", "item_knn", "profile", "two_stage"])
    parts = [found[name] for name in ("popularity", "item_knn", "profile")]
    assert found["two_stage"].fit_seconds > sum(each.fit_seconds for each in parts)
    assert found["two_stage"].model_megabytes > sum(each.model_megabytes for each in parts)
    assert found["two_stage"].peak_megabytes >= max(each.peak_megabytes for each in parts)


def test_measuring_leaves_the_judged_models_as_they_are(meter):
    made = meter()
    model = made.panel.generators["popularity"]
    assert isinstance(model, Popularity)
    before = dict(vars(model))
    made.costs(["popularity"])
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)
