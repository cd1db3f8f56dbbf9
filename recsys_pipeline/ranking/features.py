"""Features of a (user, movie) pair, as the user was known when the users were read.

All are point-in-time: the movie side is fitted on the events of one Dataset, the user side is
the history and profile that the caller hands in.
"""

import json
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, Float32Array, UserBatch
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.errors import ModelError

IntArray = npt.NDArray[np.integer[Any]]

_MAX_SEGMENTS = 50
_PRIOR_EVENTS = 20.0
_FILE, _ARRAYS = "pair_features.json", "pair_features.npz"

USER_COLUMNS = (n.AGE, n.SUBSCRIPTION_MONTHS, n.SESSIONS_PER_WEEK)
MOVIE_COLUMNS = (n.DURATION_MINUTES, n.MEAN_RATING, n.RATING_COUNT)


class PairFeatures:
    """Turns pairs of users and movies into the ranker's features.

    Features (missing values are NaN): share of the movie's genres that the user prefers; the
    user's age, segment, months and sessions; the movie's age in years, duration, mean rating,
    number of ratings and first genre; minutes per year of the user's age; like rate of the
    movie's genres in the user's segment; popularity and like rate of the movie; length of the
    history, likeness of the movie's genres to those of the history, distance in years to the
    history.
    """

    names: tuple[str, ...] = (
        "genre_match",
        *USER_COLUMNS,
        "segment",
        "movie_age",
        *MOVIE_COLUMNS,
        "first_genre",
        "minutes_per_year_of_age",
        "segment_genre_rate",
        "popularity",
        "like_rate",
        "history_length",
        "history_genre_likeness",
        "history_year_distance",
    )

    def fit(self, data: Dataset) -> Self:
        """Learn the movie side from the events of `data`."""
        self.genres_ = GenreTable.of(data.movies)
        self.genre_matrix_ = self.genres_.movies.toarray()
        self.first_genre_ = self.genres_.first(data.movies)
        self.year_ = _numbers(data.movies, n.YEAR)
        self.now_ = _reference_year(data, self.year_)
        self.movie_columns_ = np.stack([_numbers(data.movies, name) for name in MOVIE_COLUMNS])
        self._fit_rates(data)
        self._derive()
        return self

    def _derive(self) -> None:
        """Work out what follows from genres and years alone."""
        total = self.genre_matrix_.sum(axis=1)
        self._no_genre = total == 0
        self._genre_shares = self.genre_matrix_ / np.maximum(total, 1)[:, None]
        self._genre_directions = _unit(self.genre_matrix_)
        self._dated = np.isfinite(self.year_).astype(np.float32)
        self._years = np.where(self._dated > 0, self.year_, 0).astype(np.float32)

    def _fit_rates(self, data: Dataset) -> None:
        """Popularity and like rates, shrunk towards the mean by `_PRIOR_EVENTS` events."""
        events = data.events
        liked = np.where(events.positive, 1.0, 0.0)
        known = np.ones(len(events), bool) if events.label is None else ~np.isnan(events.label)
        per_item = np.bincount(events.item[events.positive], minlength=data.n_items)
        self.popularity_ = np.log1p(per_item).astype(np.float32)
        overall = float(liked[known].mean()) if known.any() else 0.0
        likes = np.bincount(events.item[known], weights=liked[known], minlength=data.n_items)
        shown = np.bincount(events.item[known], minlength=data.n_items)
        rate = (likes + _PRIOR_EVENTS * overall) / (shown + _PRIOR_EVENTS)
        self.like_rate_ = rate.astype(np.float32)
        segments = _column(data.profiles, n.SEGMENT, "str").astype("str")
        self.segments_ = tuple(sorted(segments.dropna().value_counts().head(_MAX_SEGMENTS).index))
        code = self._segment_codes(data.profiles)[events.user]
        shape = (len(self.segments_) + 1, max(1, len(self.genres_.vocabulary)))
        first = self.first_genre_[events.item]
        flat = np.where(first >= 0, code * shape[1] + first, -1)
        use = known & (flat >= 0)
        size = shape[0] * shape[1]
        seg_likes = np.bincount(flat[use], weights=liked[use], minlength=size)
        seg_shown = np.bincount(flat[use], minlength=size)
        if events.label is None:
            # Likes only: how much more often than elsewhere this segment watches the genre.
            seg_likes, seg_shown = _lift(seg_shown.reshape(shape))
        seg_rate = (seg_likes + _PRIOR_EVENTS * overall) / (seg_shown + _PRIOR_EVENTS)
        self.segment_genre_rate_ = seg_rate.reshape(shape).astype(np.float32)

    def _segment_codes(self, profiles: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Index of each user's segment; the last one stands for unknown."""
        if n.SEGMENT not in profiles.columns:
            return np.full(len(profiles), len(self.segments_), dtype=np.int64)
        codes = pd.Index(self.segments_, dtype="str").get_indexer(profiles[n.SEGMENT].astype("str"))
        return np.where(codes < 0, len(self.segments_), codes).astype(np.int64)

    def transform(self, users: UserBatch, rows: IntArray, items: IntArray) -> Float32Array:
        """Features of pairs: float32 ``(len(rows), len(names))``.

        Args:
            users: what is known of the users.
            rows: row in `users` of each pair.
            items: item of each pair.
        """
        profiles = users.profiles
        pairs = np.full((len(rows), len(self.names)), np.nan, dtype=np.float32)
        column = {name: index for index, name in enumerate(self.names)}

        def put(name: str, values: npt.NDArray[Any]) -> None:
            pairs[:, column[name]] = values

        for name in USER_COLUMNS:
            put(name, _numbers(profiles, name)[rows])
        for index, name in enumerate(MOVIE_COLUMNS):
            put(name, self.movie_columns_[index][items])
        codes = self._segment_codes(profiles)
        known_segment = np.where(codes == len(self.segments_), np.nan, codes)
        put("segment", known_segment[rows])
        first = self.first_genre_[items]
        put("first_genre", np.where(first < 0, np.nan, first))
        put("movie_age", self.now_ - self.year_[items])
        age = pairs[:, column[n.AGE]]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = pairs[:, column[n.DURATION_MINUTES]] / age
        put("minutes_per_year_of_age", np.where(age > 0, ratio, np.nan))
        put("segment_genre_rate", self._segment_genre(codes[rows], first))
        put("popularity", self.popularity_[items])
        put("like_rate", self.like_rate_[items])
        put("genre_match", self._genre_match(profiles, rows, items))
        put("history_length", users.history_lengths[rows])
        likeness, distance = self._history(users, rows, items)
        put("history_genre_likeness", likeness)
        put("history_year_distance", distance)
        return pairs

    def _segment_genre(self, code: IntArray, first: IntArray) -> npt.NDArray[np.float32]:
        rate = self.segment_genre_rate_[code, np.maximum(first, 0)]
        return np.where(first < 0, np.nan, rate).astype(np.float32)

    def _genre_match(
        self, profiles: pd.DataFrame, rows: IntArray, items: IntArray
    ) -> npt.NDArray[np.floating[Any]]:
        if n.PREFERRED_GENRES not in profiles.columns:
            return np.full(len(rows), np.nan)
        preferred = self.genres_.preferred(profiles).toarray()
        match = (preferred @ self._genre_shares.T)[rows, items]
        unknown = (preferred.sum(axis=1) == 0)[rows] | self._no_genre[items]
        return np.where(unknown, np.nan, match)

    def _history(
        self, users: UserBatch, rows: IntArray, items: IntArray
    ) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.floating[Any]]]:
        """Cosine between genres of history and movie; years between their means."""
        mix = np.asarray(users.history @ self.genre_matrix_, dtype=np.float32)
        likeness = (_unit(mix) @ self._genre_directions.T)[rows, items]
        unknown = (mix.sum(axis=1) == 0)[rows] | self._no_genre[items]
        weight = np.asarray(users.history @ self._dated)
        years = np.asarray(users.history @ self._years)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_year = np.where(weight > 0, years / weight, np.nan)
        return np.where(unknown, np.nan, likeness), np.abs(mean_year[rows] - self.year_[items])

    def save(self, folder: Path) -> None:
        """Write into `folder` as JSON and npz."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "genres": list(self.genres_.vocabulary),
            "segments": list(self.segments_),
            "now": self.now_,
        }
        (folder / _FILE).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        arrays = {name: getattr(self, name) for name in _FITTED_ARRAYS}
        np.savez(folder / _ARRAYS, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises ModelError if it is not whole."""
        features = cls()
        try:
            facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            # numpy leaves a file open that it opened itself and cannot read.
            with (
                (folder / _ARRAYS).open("rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):
                for name in _FITTED_ARRAYS:
                    setattr(features, name, arrays[name])
            genres = tuple(facts["genres"])
            features.segments_ = tuple(facts["segments"])
            features.now_ = facts["now"]
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModelError(
                f"The pair features in {folder} cannot be read: {error!r}.",
                "Run `recsys run` again to write a new model.",
            ) from error
        features.genres_ = GenreTable(genres, sp.csr_matrix(features.genre_matrix_))
        features._derive()
        return features


_FITTED_ARRAYS = (
    "genre_matrix_",
    "first_genre_",
    "year_",
    "movie_columns_",
    "popularity_",
    "like_rate_",
    "segment_genre_rate_",
)


def _reference_year(data: Dataset, years: npt.NDArray[np.float64]) -> float:
    """The year that a movie's age counts to: that of `as_of`, else the newest movie's."""
    if data.as_of is not None:
        return float(data.as_of.year)
    return float(np.nanmax(years)) if np.isfinite(years).any() else 0.0


def _lift(counts: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Observed and expected counts under independence of the two axes, flat."""
    total = max(float(counts.sum()), 1.0)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / total
    return counts.ravel().astype(float), expected.ravel()


def _unit(matrix: Float32Array) -> Float32Array:
    length = np.sqrt((matrix * matrix).sum(axis=1, keepdims=True))
    return np.asarray(matrix / np.maximum(length, 1e-12), dtype=np.float32)


def _numbers(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.asarray(_column(frame, name, "float64").to_numpy(dtype=np.float64, na_value=np.nan))


def _column(frame: pd.DataFrame, name: str, dtype: Any) -> pd.Series:
    """The column, or one of missing values where the frame has none."""
    if name in frame.columns:
        return frame[name]
    return pd.Series([None] * len(frame), dtype=dtype)
