"""Popularity: what many people liked lately; the same for everybody."""

from pathlib import Path
from typing import Self

import numpy as np

from recsys_pipeline.data.dataset import BoolArray, Dataset, Events, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import PopularityConfig
from recsys_pipeline.models.files import read_model, write_model
from recsys_pipeline.models.shares import recency_weights

_MICROSECONDS_PER_DAY = 86_400_000_000


class Popularity(Recommender):
    """Recency-weighted count of likes: the sum of ``weight * 0.5 ** (age / half_life)``.

    The age of a like is counted at ``data.as_of``. A later `as_of` shrinks every term by one
    common factor, so the score is stated relative to the best item, which has 1: it depends on
    the distances between the events only, and data of any age train alike. Without times or
    with ``half_life_days = None`` it is the plain sum of weights.

    Attributes:
        popularity_: float32 ``(n_items,)``, 0 to 1.
    """

    name = "popularity"

    def __init__(self, config: PopularityConfig | None = None) -> None:
        self.config = config or PopularityConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        likes = data.events.take(data.events.positive)
        total = np.bincount(likes.item, weights=self._weights(likes), minlength=data.n_items)
        best = total.max(initial=0.0)
        self.popularity_ = (total / best if best > 0 else total).astype(np.float32)
        self.n_items_ = data.n_items
        return self

    def _weights(self, likes: Events) -> np.ndarray:
        half_life = self.config.half_life_days
        if half_life == "auto":
            if likes.time is None or not len(likes):
                return recency_weights(likes, None)
            half_life = max(1.0, np.ptp(likes.time) / _MICROSECONDS_PER_DAY / 2)
        return recency_weights(likes, half_life)

    def score(self, users: UserBatch) -> Float32Array:
        self._catalogue(users)
        return np.tile(self.popularity_, (len(users), 1))

    def knows(self, users: UserBatch) -> BoolArray:
        """Nobody: the scores are the same for all."""
        return np.zeros(len(users), dtype=bool)

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, {"popularity": self.popularity_})

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(PopularityConfig.model_validate(files.config))
        model.popularity_ = files.arrays["popularity"]
        model.n_items_ = len(model.popularity_)
        return model
