"""Profiles and movies as features: which column is encoded how, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.table import Contract
from recsys_pipeline.data.dataset import BoolArray, Float32Array, UserBatch
from recsys_pipeline.models.columns import (
    ColumnEncoder,
    Hats,
    MultiHot,
    OneHot,
    column_encoder,
    numbers,
    quantile_knots,
)

_MOST_TEXTS = 50
_STARS_STEP = 0.25


@dataclass(frozen=True)
class Encoded:
    """Rows of a table as features.

    Attributes:
        features: float32 ``(n, n_features)``, finite, each 0 to 1.
        known: bool ``(n, n_columns)``, which encoded column has a usable value in which row.
    """

    features: Float32Array
    known: BoolArray

    @cached_property
    def anything(self) -> BoolArray:
        """Which rows have a usable value in any column: bool ``(n,)``."""
        return np.asarray(self.known.any(axis=1), dtype=bool)


@dataclass(frozen=True)
class TableEncoder:
    """The rows of a table as features; fitted on one table, used on any with such columns.

    Attributes:
        encoders: one per encoded column: those of the contract in its order, then further ones.
        skipped: columns that are not encoded, each with the reason, for people.
    """

    encoders: tuple[ColumnEncoder, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    contract: ClassVar[Contract]
    ignored: ClassVar[frozenset[str]]

    @classmethod
    def fit(cls, frame: pd.DataFrame, *, bins: int = 6, categories: int = _MOST_TEXTS) -> Self:
        """Choose an encoder for every column of `frame` that can say something.

        Args:
            frame: a canonical table; no column of it is required.
            bins: most knots of a number.
            categories: most texts of a column of texts or lists that get a feature of their own.
        """
        further = cls.contract.extra_columns(frame)
        known = [name for name in cls.contract.column_names if name in frame.columns]
        encoders, skipped = [], {}
        for name in [*known, *further]:
            if name in cls.ignored:
                continue
            found = cls._encoder(frame[name], name in further, bins, categories)
            if isinstance(found, str):
                skipped[name] = found
            else:
                encoders.append(found)
        return cls(tuple(encoders), skipped)

    @classmethod
    def _encoder(
        cls, values: pd.Series, further: bool, bins: int, categories: int
    ) -> ColumnEncoder | str:
        """The encoder of a column, or the reason why it has none."""
        if not values.notna().any():
            return "no value"
        if is_number(values):
            found = numbers(values)
            return "no finite number" if np.isnan(found).all() else cls._number(values, bins)
        if is_list(values):
            multi_hot = MultiHot.of(values, categories)
            return multi_hot if multi_hot.vocabulary else "no value"
        distinct = values.dropna().astype("str").nunique()
        if further and distinct > _MOST_TEXTS:
            return f"{distinct:,} different texts"
        if distinct < 2 and values.notna().all():
            return "the same text in every row"
        return OneHot.of(values, categories)

    @classmethod
    def _number(cls, values: pd.Series, bins: int) -> ColumnEncoder | str:
        knots = quantile_knots(numbers(values), bins)
        if len(knots) < 2 and values.notna().all():
            return "the same number in every row"
        return Hats.of(values, knots)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, as many as `transform` has columns."""
        return tuple(name for encoder in self.encoders for name in encoder.names)

    def transform(self, frame: pd.DataFrame) -> Float32Array:
        """Features: float32 ``(len(frame), len(names))``, finite, each 0 to 1.

        Columns that `frame` lacks, missing values and values unknown at fitting count as the
        average row at fitting.
        """
        return self.encode(frame).features

    def encode(self, frame: pd.DataFrame) -> Encoded:
        """Features as `transform` gives them, and what is known."""
        columns = [encoder.encode(frame) for encoder in self.encoders]
        features = np.zeros((len(frame), sum(self.widths)), dtype=np.float32)
        known = np.zeros((len(frame), len(columns)), dtype=bool)
        start = 0
        for number, (values, there) in enumerate(columns):
            features[:, start : start + values.shape[1]] = values
            known[:, number] = there
            start += values.shape[1]
        return Encoded(features, known)

    def known(self, frame: pd.DataFrame) -> BoolArray:
        """Which rows have a usable value in any encoded column: bool ``(len(frame),)``."""
        return self.encode(frame).anything

    def known_columns(self, frame: pd.DataFrame) -> BoolArray:
        """Which encoded column has a usable value in which row: bool ``(n, len(encoders))``."""
        return self.encode(frame).known

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Number of features of each encoded column."""
        return tuple(encoder.width for encoder in self.encoders)

    def without_last(self) -> Self:
        """The encoder less its last column, which goes to `skipped`."""
        last = self.encoders[-1].column
        reasons = {**self.skipped, last: "more features than may be used"}
        return type(self)(self.encoders[:-1], reasons)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` makes the encoder from them."""
        encoders = [encoder.to_dict() for encoder in self.encoders]
        return {"encoders": encoders, "skipped": dict(self.skipped)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        encoders: Iterable[dict[str, Any]] = values["encoders"]
        return cls(tuple(map(column_encoder, encoders)), dict(values["skipped"]))


class ProfileEncoder(TableEncoder):
    """Users' profiles as features.

    What is derived from the history is left out: a profile is what is known without one.
    """

    contract = USERS
    ignored = frozenset(
        {
            n.USER_ID,
            n.HISTORY_LENGTH,
            n.HISTORY_LIKED_SHARE,
            n.HISTORY_GENRES,
            n.HISTORY_LAST_AT,
        }
    )

    def of(self, users: UserBatch) -> Encoded:
        """The users' profiles as features; encoded once, whoever asks."""
        return users.once_by_row(
            (ProfileEncoder, self.encoders),
            lambda batch: self.encode(batch.profiles),
            lambda encoded, rows: Encoded(encoded.features[rows], encoded.known[rows]),
        )


class MovieEncoder(TableEncoder):
    """Movies as features. Title and availability say nothing about taste and are left out."""

    contract = MOVIES
    ignored = frozenset({n.MOVIE_ID, n.TITLE, n.AVAILABLE_FROM, n.AVAILABLE_UNTIL})

    @classmethod
    def _number(cls, values: pd.Series, bins: int) -> ColumnEncoder | str:
        if values.name == n.MEAN_RATING:
            return Hats.of(values, _star_knots(values, most=2 * bins + 1))
        if values.name == n.RATING_COUNT:
            counts = np.log1p(np.maximum(numbers(values), 0))
            return Hats.of(values, quantile_knots(counts, max(2, bins // 2)), log=True)
        return super()._number(values, bins)


def _star_knots(values: pd.Series, most: int) -> tuple[float, ...]:
    """Even knots over the stars that occur: people decide by steps that quantiles would blur."""
    present = numbers(values)
    present = present[~np.isnan(present)]
    step = _STARS_STEP
    while (np.ceil(present.max() / step) - np.floor(present.min() / step)) + 1 > most:
        step *= 2
    first, last = np.floor(present.min() / step), np.ceil(present.max() / step)
    return tuple(float(knot * step) for knot in np.arange(first, last + 1))


def is_number(values: pd.Series) -> bool:
    """Whether a column holds numbers, flags or times."""
    kinds = pd.api.types
    return bool(
        kinds.is_bool_dtype(values.dtype)
        or kinds.is_numeric_dtype(values.dtype)
        or kinds.is_datetime64_any_dtype(values.dtype)
    )


def is_list(values: pd.Series) -> bool:
    """Whether a column with at least one value holds lists."""
    return bool(pd.api.types.is_list_like(values.dropna().iloc[0]))
