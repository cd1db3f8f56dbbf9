"""What tuning may change: settings by their key below [learning], each with its range."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Final

import numpy as np

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.pipeline.config import LearningConfig

Value = bool | int | float | str | None

_DIGITS: Final = 3
_MICROSECONDS_A_DAY: Final = 86_400_000_000


@dataclass(frozen=True)
class Numbers:
    """A number from `low` to `high`, both included.

    Attributes:
        low, high: the range.
        log: whether orders of magnitude are alike: 1 to 10 is as wide as 10 to 100.
        whole: whether only whole numbers are meant.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def settled(self, value: Value) -> Value:
        """The value as it is used and written: whole, or of three digits, and in the range.

        >>> Numbers(1, 1000, log=True).settled(123.456)
        123.0
        """
        number = float(value or 0.0)
        if self.whole:
            return int(min(max(round(number), self.low), self.high))
        if number != 0:
            number = round(number, _DIGITS - 1 - floor(log10(abs(number))))
        return float(min(max(number, self.low), self.high))

    def holds(self, value: Value) -> bool:
        """Whether `value` is one of these."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())


@dataclass(frozen=True)
class Options:
    """One of `values`, in no order."""

    values: tuple[Value, ...]

    def settled(self, value: Value) -> Value:
        """The value itself."""
        return value

    def holds(self, value: Value) -> bool:
        """Whether `value` is one of these."""
        return value in self.values


Knob = Numbers | Options
Knobs = Mapping[str, Knob]

SPACE: Final[Mapping[str, Knobs]] = {
    "ease": {
        "regularization": Numbers(30, 3_000, log=True),
        "oldest": Numbers(0.2, 1),
    },
    "als": {
        "factors": Numbers(8, 128, log=True, whole=True),
        "regularization": Numbers(0.001, 1, log=True),
        "alpha": Numbers(0.3, 30, log=True),
        "iterations": Numbers(5, 30, whole=True),
    },
    "item_knn": {
        "similarity": Options(("bm25", "cosine")),
        "neighbours": Numbers(20, 500, log=True, whole=True),
        "k1": Numbers(0.2, 3),
        "b": Numbers(0, 1),
    },
    "content": {
        "title_weight": Numbers(0, 1),
        "decade_weight": Numbers(0, 1),
        "further_weight": Numbers(0, 1),
    },
    "profile": {
        "ridge": Numbers(0.3, 300, log=True),
        "bins": Numbers(3, 12, whole=True),
    },
    "taste": {
        "ridge": Numbers(0.3, 300, log=True),
        "bins": Numbers(3, 12, whole=True),
        "dimensions": Numbers(4, 48, whole=True),
    },
    "segment_popularity": {
        "prior_likes": Numbers(0.3, 100, log=True),
    },
    "clusters": {
        "n_clusters": Numbers(2, 64, log=True, whole=True),
        "factors": Numbers(4, 64, log=True, whole=True),
        "prior_likes": Numbers(0.3, 100, log=True),
    },
    "trending": {
        "recent_share": Numbers(0.02, 0.5, log=True),
        "prior_likes": Numbers(1, 100, log=True),
    },
}
"""The settings of each recommender that are worth trying, by its name."""

LOWEST_WEIGHT: Final = "likes.lowest_weight"
HALF_LIFE: Final = "likes.weights.half_life_days"


def knobs_of(name: str) -> dict[str, Knob]:
    """The knobs of one recommender by their keys below [learning].

    >>> list(knobs_of("profile"))
    ['recommenders.profile.ridge', 'recommenders.profile.bins']
    """
    return {f"recommenders.{name}.{key}": knob for key, knob in SPACE.get(name, {}).items()}


def knobs_of_likes(data: Dataset) -> dict[str, Knob]:
    """How much a like counts, as far as these data can say it.

    The weight of the lowest rating, where weights differ among the likes; and the half-life, where
    the likes have times: none, or a part or a multiple of the time that they span.
    """
    likes = data.events.take(data.events.positive)
    found: dict[str, Knob] = {}
    if len(likes) and likes.weight.min() < likes.weight.max():
        found[LOWEST_WEIGHT] = Numbers(0.05, 1)
    days = 0.0
    if likes.time is not None and len(likes):
        days = float(np.ptp(likes.time)) / _MICROSECONDS_A_DAY
    if days >= 1:
        spans = [float(f"{days * share:.2g}") for share in (0.125, 0.25, 0.5, 1.0, 2.0)]
        found[HALF_LIFE] = Options((None, *spans))
    return found


def value_at(learning: LearningConfig, key: str) -> Any:
    """The value of the setting at a dotted key.

    >>> value_at(LearningConfig(k=7), "k")
    7
    """
    value: Any = learning
    for part in key.split("."):
        value = getattr(value, part)
    return value


def changed(learning: LearningConfig, values: Mapping[str, Value]) -> LearningConfig:
    """The settings with other values at dotted keys; `learning` stays as it is.

    >>> changed(LearningConfig(), {"likes.lowest_weight": 0.5}).likes.lowest_weight
    0.5
    """
    plain = learning.model_dump()
    for key, value in values.items():
        *path, last = key.split(".")
        place = plain
        for part in path:
            place = place[part]
        place[last] = value
    return LearningConfig.model_validate(plain)
