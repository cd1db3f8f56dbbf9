"""How one column of a table becomes features: hat functions, one-hot or multi-hot.

Every encoder is frozen, is fitted by `of`, and turns into plain JSON values and back. A value
that is missing, or that was not there at fitting, gets the mean of the features at fitting: it
counts as the average row. Where values were missing at fitting, a further feature says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray, Float32Array
from recsys_pipeline.data.genres import flat_lists, listed

Float64Array = npt.NDArray[np.float64]

_MICROSECONDS_PER_DAY = 86_400_000_000


def numbers(values: pd.Series) -> Float64Array:
    """A column as float64: times as days since 1970, flags as 0 and 1, NaN where missing."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        days = values.to_numpy(dtype="datetime64[us]").astype(np.int64) / _MICROSECONDS_PER_DAY
        return np.where(values.isna().to_numpy(), np.nan, days)
    found = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def hat_features(values: Float64Array, knots: Sequence[float]) -> Float32Array:
    """Piecewise linear basis: float32 ``(len(values), len(knots))``, each row sums to 1.

    A value between two knots is shared between them by distance; one beyond the ends belongs to
    the end. NaN gives a row of zeros.

    >>> hat_features(np.array([1.0, 1.5, 9.0]), [1.0, 2.0]).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    grid = np.asarray(knots, dtype=np.float64)
    features = np.zeros((len(values), len(grid)), dtype=np.float32)
    rows = np.flatnonzero(~np.isnan(values))
    inside = np.clip(values[rows], grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, inside, side="right") - 1, 0, max(len(grid) - 2, 0))
    right = np.minimum(left + 1, len(grid) - 1)
    width = np.where(right > left, grid[right] - grid[left], 1.0)
    share = (inside - grid[left]) / width
    features[rows, right] = share
    features[rows, left] = 1 - share
    return features


def quantile_knots(values: Float64Array, count: int) -> tuple[float, ...]:
    """At most `count` ascending knots with equally many values between them.

    Few distinct values are the knots themselves. The ends are the 1st and the 99th percentile,
    so that one outlier does not stretch the scale. Without values there are no knots.
    """
    present = values[~np.isnan(values)]
    distinct = np.unique(present)
    if len(distinct) > count:
        distinct = np.unique(np.quantile(present, np.clip(np.linspace(0, 1, count), 0.01, 0.99)))
    return tuple(float(knot) for knot in distinct)


@dataclass(frozen=True)
class ColumnEncoder(ABC):
    """What the encoders of one column share.

    Attributes:
        column: name of the column; one that a table lacks is missing in every row.
        fill: mean of each feature over the rows that had a value at fitting.
        indicator: whether a last feature says that the value is missing.
    """

    column: str
    fill: tuple[float, ...]
    indicator: bool

    kind: ClassVar[str]

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Names of the features without the indicator."""

    @abstractmethod
    def raw(self, values: pd.Series) -> Float32Array:
        """Features without the indicator; rows of zeros where nothing is known."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, as many as `encode` has columns."""
        return self.labels + ((f"{self.column} missing",) if self.indicator else ())

    @cached_property
    def width(self) -> int:
        """Number of features."""
        return len(self.names)

    def known(self, frame: pd.DataFrame) -> BoolArray:
        """Which rows have a value that the encoder can use: bool ``(len(frame),)``."""
        return self.encode(frame)[1]

    def encode(self, frame: pd.DataFrame) -> tuple[Float32Array, BoolArray]:
        """The rows of a table as features.

        Returns:
            features float32 ``(len(frame), width)``, finite; and which rows have a value that the
            encoder can use: bool ``(len(frame),)``.
        """
        features = np.zeros((len(frame), self.width), dtype=np.float32)
        own = features[:, :-1] if self.indicator else features
        if self.column in frame.columns:
            own[:] = self.raw(frame[self.column])
        known: BoolArray = np.any(own, axis=1)
        if not known.all():
            own[~known] = np.asarray(self.fill, dtype=np.float32)
            if self.indicator:
                features[~known, -1] = 1
        return features, known

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `column_encoder` makes the encoder from them."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key != "kind"
        }
        return cls(**plain)


def _mean(features: Float32Array) -> tuple[tuple[float, ...], bool]:
    """Mean feature over the rows that have any, and whether a row has none."""
    known = features.any(axis=1)
    rows = features[known] if known.any() else features
    mean = rows.mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(features.shape[1])
    return tuple(float(value) for value in mean), bool(known.any() and not known.all())


@dataclass(frozen=True)
class Hats(ColumnEncoder):
    """A number as hat functions around `knots`; its logarithm ``log(1 + x)`` if `log`."""

    knots: tuple[float, ...]
    log: bool

    kind: ClassVar[str] = "hats"

    @classmethod
    def of(cls, values: pd.Series, knots: Sequence[float], *, log: bool = False) -> Self:
        bare = cls(str(values.name), (), False, tuple(knots), log)
        fill, indicator = _mean(bare.raw(values))
        return cls(bare.column, fill, indicator, bare.knots, log)

    @property
    def labels(self) -> tuple[str, ...]:
        scale = np.expm1(self.knots) if self.log else self.knots
        return tuple(f"{self.column}~{value:.4g}" for value in scale)

    def raw(self, values: pd.Series) -> Float32Array:
        found = numbers(values)
        return hat_features(np.log1p(np.maximum(found, 0)) if self.log else found, self.knots)


@dataclass(frozen=True)
class OneHot(ColumnEncoder):
    """A text as one of `categories`; any other text is `other` where that feature exists."""

    categories: tuple[str, ...]
    other: bool

    kind: ClassVar[str] = "one_hot"

    @classmethod
    def of(cls, values: pd.Series, limit: int) -> Self:
        """The `limit` most frequent texts are categories, the rest shares one feature."""
        counts = values.dropna().astype("str").value_counts()
        frequent = counts.sort_index().sort_values(ascending=False, kind="stable").index[:limit]
        bare = cls(
            str(values.name), (), False, tuple(sorted(map(str, frequent))), len(counts) > limit
        )
        fill, indicator = _mean(bare.raw(values))
        return cls(bare.column, fill, indicator, bare.categories, bare.other)

    @property
    def labels(self) -> tuple[str, ...]:
        named = tuple(f"{self.column}={category}" for category in self.categories)
        return named + ((f"{self.column}=(other)",) if self.other else ())

    def raw(self, values: pd.Series) -> Float32Array:
        features = np.zeros((len(values), len(self.categories) + self.other), dtype=np.float32)
        texts = values.astype("str")
        codes = self._index.get_indexer(pd.Index(texts))
        if self.other:
            codes[(codes < 0) & texts.notna().to_numpy()] = len(self.categories)
        rows = np.flatnonzero(codes >= 0)
        features[rows, codes[rows]] = 1
        return features

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.categories, dtype="str")


@dataclass(frozen=True)
class MultiHot(ColumnEncoder):
    """A list of texts as a 0/1 feature for each text of the vocabulary."""

    vocabulary: tuple[str, ...]

    kind: ClassVar[str] = "multi_hot"

    @classmethod
    def of(cls, values: pd.Series, limit: int) -> Self:
        """The vocabulary is the `limit` most frequent texts."""
        counts = flat_lists(values)[1].value_counts()
        frequent = counts.sort_index().sort_values(ascending=False, kind="stable").index[:limit]
        bare = cls(str(values.name), (), False, tuple(sorted(map(str, frequent))))
        fill, indicator = _mean(bare.raw(values))
        return cls(bare.column, fill, indicator, bare.vocabulary)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self.column}:{text}" for text in self.vocabulary)

    def raw(self, values: pd.Series) -> Float32Array:
        features = np.zeros((len(values), len(self.vocabulary)), dtype=np.float32)
        features[listed(values, self.vocabulary)] = 1
        return features


_KINDS: dict[str, type[ColumnEncoder]] = {
    encoder.kind: encoder for encoder in (Hats, OneHot, MultiHot)
}


def column_encoder(values: dict[str, Any]) -> ColumnEncoder:
    """The encoder that `ColumnEncoder.to_dict` described."""
    return _KINDS[values["kind"]].from_dict(values)
