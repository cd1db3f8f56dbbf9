"""Segment popularity: what people of the same segment like."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import SegmentPopularityConfig
from recsys_pipeline.models.files import read_model, write_model
from recsys_pipeline.models.shares import group_scores


class SegmentPopularity(Recommender):
    """Popularity within the user's segment, drawn towards the overall one (`group_scores`).

    A user whose segment is missing, or was not there at fitting, gets what everybody likes.

    Attributes:
        segments_: the segments, in ascending order.
        scores_: float32 ``(1 + number of segments, n_items)``; row 0 is for everybody.
    """

    name = "segment_popularity"

    def __init__(self, config: SegmentPopularityConfig | None = None) -> None:
        self.config = config or SegmentPopularityConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        texts = _segments(data.profiles)
        self.segments_ = tuple(sorted(texts.dropna().unique()))
        group = self._place(data.profiles)
        self.scores_ = group_scores(data, group, len(self.segments_), self.config.prior_likes)
        self.n_items_ = data.n_items
        return self

    def _place(self, profiles: pd.DataFrame) -> Int32Array:
        """Place of each user's segment in `segments_`, −1 for none."""
        places = pd.Index(self.segments_, dtype="str").get_indexer(pd.Index(_segments(profiles)))
        return np.asarray(places, dtype=np.int32)

    def score(self, users: UserBatch) -> Float32Array:
        """At least 0."""
        self._catalogue(users)
        return self.scores_[self._place(users.profiles) + 1]

    def knows(self, users: UserBatch) -> BoolArray:
        """Users of a segment that was there at fitting."""
        known: BoolArray = self._place(users.profiles) >= 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        state = {"segments": list(self.segments_)}
        write_model(folder, self.name, self.config, {"scores": self.scores_}, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(SegmentPopularityConfig.model_validate(files.config))
        model.segments_ = tuple(files.state["segments"])
        model.scores_ = files.arrays["scores"]
        model.n_items_ = model.scores_.shape[1]
        return model


def _segments(profiles: pd.DataFrame) -> pd.Series:
    if n.SEGMENT not in profiles.columns:
        return pd.Series([None] * len(profiles), dtype="str")
    return profiles[n.SEGMENT].astype("str")
