"""Trending: what is liked more now than it used to be; the same for everybody."""

from pathlib import Path
from typing import Self

import numpy as np

from recsys_pipeline.data.dataset import BoolArray, Dataset, Events, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import TrendingConfig
from recsys_pipeline.models.files import read_model, write_model


class Trending(Recommender):
    """Recent likes of an item beyond those that its share of all likes lets expect.

    The score is ``(recent − expected) / √(expected + prior)``: how many standard deviations of a
    count the item is above its usual. Recent are the newest `recent_share` of the likes, so data
    of any age train alike, and nothing depends on the clock. Where time does not tell recent
    likes apart, the score is the share of all likes, as in `Popularity` without a half-life.

    Attributes:
        trend_: float32 ``(n_items,)``.
    """

    name = "trending"

    def __init__(self, config: TrendingConfig | None = None) -> None:
        self.config = config or TrendingConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        likes = data.events.take(data.events.positive)
        total = np.bincount(likes.item, weights=likes.weight, minlength=data.n_items)
        share = total / max(total.sum(), 1e-12)
        recent = self._recent(likes)
        if recent.any() and not recent.all():
            now = likes.take(recent)
            count = np.bincount(now.item, weights=now.weight, minlength=data.n_items)
            expected = count.sum() * share
            share = (count - expected) / np.sqrt(expected + self.config.prior_likes)
        self.trend_ = share.astype(np.float32)
        self.n_items_ = data.n_items
        return self

    def _recent(self, likes: Events) -> BoolArray:
        if likes.time is None or not len(likes):
            return np.zeros(len(likes), dtype=bool)
        # An element of the data, not an average of two: no rounding decides what is recent.
        start = np.quantile(likes.time, 1 - self.config.recent_share, method="higher")
        recent: BoolArray = likes.time >= start
        return recent

    def score(self, users: UserBatch) -> Float32Array:
        """Below 0 for what is liked less than it used to be."""
        self._catalogue(users)
        return np.tile(self.trend_, (len(users), 1))

    def knows(self, users: UserBatch) -> BoolArray:
        """Nobody: the scores are the same for all."""
        return np.zeros(len(users), dtype=bool)

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, {"trend": self.trend_})

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(TrendingConfig.model_validate(files.config))
        model.trend_ = files.arrays["trend"]
        model.n_items_ = len(model.trend_)
        return model
