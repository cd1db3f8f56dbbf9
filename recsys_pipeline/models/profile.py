"""Profile: what people with such a profile like in movies like that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import (
    BoolArray,
    Dataset,
    Events,
    Float32Array,
    Int32Array,
    UserBatch,
)
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.bilinear import (
    NormalEquations,
    background_equations,
    pair_equations,
)
from recsys_pipeline.models.columns import hat_features, quantile_knots
from recsys_pipeline.models.config import ProfileConfig
from recsys_pipeline.models.encoding import MovieEncoder, ProfileEncoder
from recsys_pipeline.models.files import ModelFiles, read_model, write_model
from recsys_pipeline.models.gaps import GapFiller

_FOLDS = 5
_PRIOR_EVENTS = 10.0
_STATISTIC_KNOTS = 5


class Profile(Recommender):
    """Bilinear model ``score = uᵀ W v`` of profile features u and movie features v.

    u are the features of `ProfileEncoder` and a bias, v those of `MovieEncoder`, a statistic of
    the movie's own events and a bias. W solves a ridge regression in closed form. Where the
    events hold likes and dislikes it is fitted on those pairs, and the score estimates the
    probability of a like; the statistic is the movie's smoothed share of likes, taken from the
    other four fifths of the events, so that no event explains itself. With likes only, it is
    fitted on likes with value 1 against all pairs with value 0, both sides of equal total
    weight; the statistic is the movie's number of likes.

    What is missing in a profile is filled in as expected from what is there (`GapFiller`): whoever
    is young without having named genres counts as the average young person. A user without a
    profile counts as the average one, whose list is a popular one.

    Attributes:
        encoder_: the fitted `ProfileEncoder`.
        gaps_: the fitted `GapFiller` of its features.
        skipped_: columns that the model leaves out, such as ``movies.studio``, each with the
            reason, for people.
        weights_: float32 ``(1 + number of profile features, n_items)``: W times every v.
        mean_weights_: float64 ``(1 + number of profile features,)``, their mean over all movies.
    """

    name = "profile"
    settings: ClassVar[type[ProfileConfig]] = ProfileConfig

    def __init__(self, config: ProfileConfig | None = None) -> None:
        self.config = config or self.settings()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        self.encoder_, movies = self._encoders(data)
        self.skipped_ = {
            f"{encoder.contract.name}.{column}": reason
            for encoder in (self.encoder_, movies)
            for column, reason in encoder.skipped.items()
        }
        profiles = self.encoder_.encode(data.profiles)
        self.gaps_ = GapFiller.fit(profiles.features, profiles.known, self.encoder_.widths)
        users = _with_bias(self.gaps_.fill(profiles.features, profiles.known))
        items = _with_bias(movies.transform(data.movies))
        pairs = _sample(_labelled(data.events), self.config.max_pairs, rng)
        if pairs is not None:
            self.weights_ = self._fit_labels(users, items, pairs, rng)
        else:
            self.weights_ = self._fit_likes(users, items, data, rng)
        self._derive()
        return self

    def _derive(self) -> None:
        """Work out what follows from the weights."""
        self.n_items_ = self.weights_.shape[1]
        self.mean_weights_ = self.weights_.mean(axis=1, dtype=np.float64)

    def _encoders(self, data: Dataset) -> tuple[ProfileEncoder, MovieEncoder]:
        """Encoders whose features make no more than `max_parameters` pairs."""
        limit = self.config.max_parameters
        bins, categories = self.config.bins, 50
        while True:
            profiles = ProfileEncoder.fit(data.profiles, bins=bins, categories=categories)
            movies = MovieEncoder.fit(data.movies, bins=bins, categories=categories)
            if _parameters(profiles, movies) <= limit or (bins, categories) == (2, 2):
                break
            bins, categories = max(2, bins - 2), max(2, categories * 2 // 3)
        while _parameters(profiles, movies) > limit and (profiles.encoders or movies.encoders):
            if len(profiles.names) >= len(movies.names):
                profiles = profiles.without_last()
            else:
                movies = movies.without_last()
        return profiles, movies

    def _fit_labels(
        self,
        users: Float32Array,
        items: Float32Array,
        pairs: "_Pairs",
        rng: np.random.Generator,
    ) -> Float32Array:
        """W fitted on likes and dislikes, times every movie's features."""
        n_items = len(items)
        fold = rng.integers(0, _FOLDS, len(pairs.item))
        # Fold f of a movie is a row of its own, whose statistic comes from the other folds.
        rows = (fold * n_items + pairs.item).astype(np.int32)
        likes = np.bincount(rows, weights=pairs.label, minlength=_FOLDS * n_items)
        events = np.bincount(rows, minlength=_FOLDS * n_items)
        by_fold = likes.reshape(_FOLDS, n_items), events.reshape(_FOLDS, n_items)
        share = _smoothed_share(*(part.sum(axis=0) for part in by_fold))
        others = _smoothed_share(*(part.sum(axis=0) - part for part in by_fold))
        knots = quantile_knots(share, _STATISTIC_KNOTS)
        folds = np.hstack([np.tile(items, (_FOLDS, 1)), hat_features(others.ravel(), knots)])
        everyone = np.ones(len(pairs.item), dtype=np.float32)
        equations = pair_equations(users, folds, pairs.user, rows, pairs.label, everyone)
        return self._weights(equations, np.hstack([items, hat_features(share, knots)]))

    def _fit_likes(
        self, users: Float32Array, items: Float32Array, data: Dataset, rng: np.random.Generator
    ) -> Float32Array:
        """W fitted on likes against all pairs, times every movie's features."""
        likes = _sample(_liked(data.events), self.config.max_pairs, rng)
        if likes is None:
            return np.zeros((users.shape[1], len(items)), dtype=np.float32)
        counts = np.log1p(np.bincount(likes.item, minlength=len(items)))
        statistic = hat_features(counts, quantile_knots(counts, _STATISTIC_KNOTS))
        features = np.hstack([items, statistic])
        pairs = pair_equations(users, features, likes.user, likes.item, likes.label, likes.weight)
        total = float(likes.weight.sum(dtype=np.float64))
        every = background_equations(users, features, total / (len(users) * len(items)))
        equations = NormalEquations(pairs.gram + every.gram, pairs.target)
        return self._weights(equations, features)

    def _weights(self, equations: NormalEquations, items: Float32Array) -> Float32Array:
        """W times every movie's features; the first feature of either side is the bias."""
        ridge = np.full(equations.target.shape, self.config.ridge)
        # What holds for all users or for all movies is better founded than a single pairing.
        ridge[0, :] /= 10
        ridge[:, 0] /= 10
        weights: Float32Array = equations.solve(ridge) @ items.T
        return weights

    def score(self, users: UserBatch) -> Float32Array:
        """An estimate of the probability of a like where dislikes are known, not cut to 0…1."""
        self._catalogue(users)
        scores: Float32Array = self.features(users) @ self.weights_
        return scores

    def features(self, users: UserBatch) -> Float32Array:
        """u of each user, the bias first: float32 ``(len(users), len(weights_))``."""
        found = self.encoder_.of(users)
        return _with_bias(self.gaps_.fill(found.features, found.known))

    def history_parts(self, users: UserBatch) -> tuple[Float32Array, Float32Array] | None:
        """What the histories add to the scores, as a product of users and movies.

        Returns:
            float32 ``(len(users), q)`` and ``(n_items, q)``; None where histories add nothing.
        """
        return None

    def knows(self, users: UserBatch) -> BoolArray:
        """Users with a value in any profile column that the model uses."""
        return self.encoder_.of(users).anything

    def save(self, folder: Path) -> None:
        self._catalogue()
        state = {"profile": self.encoder_.to_dict(), "skipped": self.skipped_}
        write_model(folder, self.name, self.config, self._arrays(), state)

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "weights": self.weights_,
            "gaps_mean": self.gaps_.mean,
            "gaps_covariance": self.gaps_.covariance,
        }

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(cls.settings.model_validate(files.config))
        model._restore(files)
        return model

    def _restore(self, files: ModelFiles) -> None:
        self.encoder_ = ProfileEncoder.from_dict(files.state["profile"])
        self.skipped_ = dict(files.state["skipped"])
        mean, covariance = files.arrays["gaps_mean"], files.arrays["gaps_covariance"]
        self.gaps_ = GapFiller(self.encoder_.widths, mean, covariance)
        self.weights_ = files.arrays["weights"]
        self._derive()


@dataclass(frozen=True)
class _Pairs:
    """Pairs to learn from, as parallel arrays."""

    user: Int32Array
    item: Int32Array
    label: Float32Array
    weight: Float32Array


def _labelled(events: Events) -> _Pairs | None:
    """The events that say liked or disliked; None unless both occur."""
    if events.label is None:
        return None
    said = events.take(~np.isnan(events.label))
    label = said.label
    if label is None or not (label == 1).any() or not (label == 0).any():
        return None
    return _Pairs(said.user, said.item, label, np.ones(len(said), dtype=np.float32))


def _liked(events: Events) -> _Pairs | None:
    """The likes; None without any."""
    likes = events.take(events.positive)
    if not len(likes):
        return None
    return _Pairs(likes.user, likes.item, np.ones(len(likes), dtype=np.float32), likes.weight)


def _sample(pairs: _Pairs | None, most: int, rng: np.random.Generator) -> _Pairs | None:
    """At most that many of the pairs, drawn without replacement, in their order."""
    if pairs is None or len(pairs.user) <= most:
        return pairs
    rows = np.sort(rng.choice(len(pairs.user), most, replace=False))
    return _Pairs(pairs.user[rows], pairs.item[rows], pairs.label[rows], pairs.weight[rows])


def _smoothed_share(
    likes: npt.NDArray[np.float64], events: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Share of likes per movie, drawn towards the overall share by a few imagined events."""
    overall = likes.sum() / max(events.sum(), 1)
    return np.asarray((likes + _PRIOR_EVENTS * overall) / (events + _PRIOR_EVENTS))


def _with_bias(features: Float32Array) -> Float32Array:
    """The features behind a first one that is 1."""
    return np.hstack([np.ones((len(features), 1), dtype=np.float32), features])


def _parameters(profiles: ProfileEncoder, movies: MovieEncoder) -> int:
    """Number of pairs of a profile feature and a movie feature, with biases and statistic."""
    return (1 + len(profiles.names)) * (1 + len(movies.names) + _STATISTIC_KNOTS)
