"""Business rules as arrays over the catalogue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import MOVIES
from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array
from recsys_pipeline.data.genres import flat_lists
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.ranking.config import BoostConfig, FilterConfig, RulesConfig

_SHOWN = 12


@dataclass(frozen=True)
class Rules:
    """What may be in a list, and how readily.

    Attributes:
        allowed: bool ``(n_items,)``, the movies that may be shown; None is all.
        factors: float32 ``(n_items,)``, what each movie's probability is multiplied by, above 0;
            None where no movie has another one than 1.
        max_per_genre: most movies of one genre in a list; None is any number.
        blocked_users: ids, as texts, of the users who get no list.
        notes: what the rules do, one sentence each, for people; no user's id is in them.
    """

    allowed: BoolArray | None
    factors: Float32Array | None
    max_per_genre: int | None
    blocked_users: frozenset[str]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, config: RulesConfig, movies: pd.DataFrame, items: IdMap) -> Self:
        """The rules of the settings for one catalogue.

        Ids match as they are written: 12 and "12" are the same one. A movie without a value in a
        column fulfils no filter on it: `only` leaves it out, `exclude` does not.

        Args:
            config: the settings.
            movies: row j is item j.
            items: the catalogue's ids.

        Raises:
            SettingsError: a boosted id, a column or a value does not occur in the catalogue, a
                range is on a column without numbers, or no movie is left.
        """
        allowed = np.ones(len(items), dtype=bool)
        notes = []
        if config.blocked_movies:
            blocked_items = _places(config.blocked_movies, items)
            allowed[blocked_items[blocked_items >= 0]] = False
            gone = int((blocked_items < 0).sum())
            if gone:
                # A blocked movie that has left the catalogue is no reason to stop.
                notes.append(f"rules.blocked_movies names {gone:,} movies that nobody has.")
        for number, each in enumerate(config.only):
            allowed &= _fulfil(each, movies, f"rules.only[{number}]")
        for number, each in enumerate(config.exclude):
            allowed &= ~_fulfil(each, movies, f"rules.exclude[{number}]")
        if not allowed.any() and len(allowed):
            raise SettingsError(
                f"rules leave none of the {len(allowed):,} movies.",
                "Loosen rules.only, rules.exclude or rules.blocked_movies.",
            )
        if not allowed.all():
            notes.append(f"Rules leave {allowed.sum():,} of {len(allowed):,} movies.")
        factors = _factors(config.boosts, movies, items)
        if factors is not None:
            notes.append(f"Rules boost or hold back {(factors != 1).sum():,} movies.")
        blocked = frozenset(map(str, config.blocked_users))
        if blocked:
            notes.append(f"{len(blocked):,} blocked users get no list.")
        return cls(
            None if allowed.all() else allowed, factors, config.max_per_genre, blocked, tuple(notes)
        )

    def blocks(self, users: Iterable[Any] | pd.Index) -> BoolArray:
        """Which of the users, given by id, get no list: bool ``(len(users),)``.

        An id that is blocked and that nobody has (any more) blocks nobody.
        """
        ids = pd.Index(users)
        if not self.blocked_users or not len(ids):
            return np.zeros(len(ids), dtype=bool)
        return np.asarray(ids.astype("str").isin(list(self.blocked_users)), dtype=bool)

    def boosted(self, items: Int32Array, probabilities: Float32Array) -> Float32Array:
        """Probabilities of candidates times their factors, 1 at most; a new array.

        Args:
            items: int32 ``(n, m)``, −1 where there is none.
            probabilities: float32 ``(n, m)``.
        """
        if self.factors is None:
            return probabilities.copy()
        factor = np.where(items < 0, np.float32(1), self.factors[items])
        return np.minimum(probabilities * factor, np.float32(1))


def _items_of(ids: Sequence[int | str], items: IdMap, key: str) -> Int32Array:
    """The items with these ids. Raises SettingsError naming those that nobody has."""
    texts = [str(each) for each in ids]
    found = _places(ids, items)
    unknown = [text for text, place in zip(texts, found, strict=True) if place < 0]
    if unknown:
        raise SettingsError(
            f"{key} names {_some(unknown)}: no movie of the catalogue has that id.",
            "Write ids as in the movies table, or take them out.",
        )
    return found


def _places(ids: Sequence[int | str], items: IdMap) -> Int32Array:
    """The item of each id, −1 for one that nobody has."""
    texts = [str(each) for each in ids]
    return np.asarray(items.values.astype("str").get_indexer(texts), dtype=np.int32)


def _factors(
    boosts: Sequence[BoostConfig], movies: pd.DataFrame, items: IdMap
) -> Float32Array | None:
    """The product of all boosts that hold for a movie; None where all are 1."""
    factors = np.ones(len(items), dtype=np.float32)
    for number, boost in enumerate(boosts):
        key = f"rules.boosts[{number}]"
        if boost.movie_id is not None:
            chosen = np.zeros(len(items), dtype=bool)
            chosen[_items_of([boost.movie_id], items, key)] = True
        else:
            assert boost.column is not None
            assert boost.value is not None
            chosen = _with_values(_column(movies, boost.column, key), [boost.value], key)
        factors[chosen] *= np.float32(boost.factor)
    return None if (factors == 1).all() else factors


def _fulfil(condition: FilterConfig, movies: pd.DataFrame, key: str) -> BoolArray:
    values = _column(movies, condition.column, key)
    if condition.values is not None:
        return _with_values(values, condition.values, key)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        raise SettingsError(
            f"{key}: the column {condition.column!r} holds no numbers, and so has no range.",
            "Use values = [...] instead of minimum and maximum.",
        )
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    low = -np.inf if condition.minimum is None else condition.minimum
    high = np.inf if condition.maximum is None else condition.maximum
    return np.asarray((numbers >= low) & (numbers <= high), dtype=bool)


def _column(movies: pd.DataFrame, name: str, key: str) -> pd.Series:
    known = [column for column in MOVIES.column_names if column in movies.columns]
    known = [*known, *MOVIES.extra_columns(movies)]
    if name not in known:
        raise SettingsError(
            f"{key}: the movies have no column {name!r}.", f"They have {', '.join(known)}."
        )
    return movies[name]


def _with_values(values: pd.Series, wanted: Sequence[Any], key: str) -> BoolArray:
    """Which rows have one of the wanted values. Raises SettingsError if no row has one of them."""
    present = values.dropna()
    lists = len(present) and pd.api.types.is_list_like(present.iloc[0])
    if lists:
        rows, texts = flat_lists(values)
    else:
        rows = np.flatnonzero(values.notna()).astype(np.int32)
        texts = _as_texts(present)
    asked = [_as_text(value) for value in wanted]
    known = pd.Index(texts.unique(), dtype="str")
    for text in asked:
        if text not in known:
            near = get_close_matches(text, known, n=3, cutoff=0.5) or sorted(known)[:_SHOWN]
            raise SettingsError(
                f"{key}: no movie has {values.name} = {text!r}.",
                f"Did you mean {_some(near)}?" if near else "The column is empty.",
            )
    chosen = np.zeros(len(values), dtype=bool)
    chosen[rows[texts.isin(asked).to_numpy(dtype=bool)]] = True
    return chosen


def _as_texts(values: pd.Series) -> pd.Series:
    """Each value as settings would write it: 1999 and 1999.0 are the same number."""
    distinct = values.drop_duplicates()
    words = dict(zip(distinct, map(_as_text, distinct), strict=True))
    return values.map(words).astype("str")


def _as_text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | float | np.integer | np.floating):
        return repr(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def _some(values: Iterable[Any]) -> str:
    """A few of the values, for a message."""
    texts = [repr(str(value)) for value in values]
    more = f" and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
