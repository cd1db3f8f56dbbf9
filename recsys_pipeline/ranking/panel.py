"""Panel: every recommender fitted on one cut, ranked side by side for a batch of users."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import Recommender, top_k
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.ranker import BoostingRanker

POPULARITY: Final = "popularity"
PROFILE: Final = "profile"
RANDOM: Final = "random"
TWO_STAGE: Final = "two_stage"
NO_CANDIDATES: Final = (RANDOM,)
"""Recommenders that are only compared with: they propose no candidates."""

_TIE = 1e-6
_BLOCK_CELLS = 8_000_000
_BLOCK_USERS = 1_000


@dataclass(frozen=True)
class Ranked:
    """Lists of one recommender for some users, and its scores of some pairs.

    Attributes:
        items: int32 ``(n, k)``, −1 where fewer than k movies are left.
        scores: float32 ``(n, k)``, raw, −inf where the item is −1.
        sources: for each user the name of the recommender that really ranked: another one than
            asked for where that one knows nothing of the user. Object array ``(n,)``.
        pair_scores: float32, raw scores of the pairs that were asked for.
    """

    items: Int32Array
    scores: Float32Array
    sources: npt.NDArray[np.object_]
    pair_scores: Float32Array


@dataclass(frozen=True)
class Pairs:
    """Pairs of a user (row of a batch) and an item, in any order; both int32 ``(n,)``."""

    rows: Int32Array
    items: Int32Array

    @classmethod
    def none(cls) -> "Pairs":
        empty = np.empty(0, dtype=np.int32)
        return cls(empty, empty)


@dataclass(frozen=True)
class Panel:
    """Recommenders fitted on one cut.

    Attributes:
        generators: by name; popularity is always one of them.
        pair_features, ranker: the second stage, or None without one.
        candidates: candidates that each generator proposes for a user.
    """

    generators: Mapping[str, Recommender]
    pair_features: PairFeatures | None = None
    ranker: BoostingRanker | None = None
    candidates: int = 50

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all recommenders, the two-stage one last."""
        return (*self.generators, *((TWO_STAGE,) if self.ranker is not None else ()))

    @property
    def proposers(self) -> tuple[str, ...]:
        """Names of the generators that propose candidates and whose scores are features."""
        return tuple(name for name in self.generators if name not in NO_CANDIDATES)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the ranker's features, in order."""
        return (*PairFeatures.names, *(f"score_{name}" for name in self.proposers))

    def rank(
        self,
        users: UserBatch,
        k: int,
        *,
        names: Sequence[str] | None = None,
        allowed: BoolArray | None = None,
        pairs: Pairs | None = None,
    ) -> dict[str, Ranked]:
        """Lists of k unseen movies by each recommender.

        Args:
            users: whose lists.
            k: length of a list.
            names: which recommenders; None is all.
            allowed: bool ``(n_items,)``: the movies that may be recommended; None is all.
            pairs: pairs whose scores are wanted too.
        """
        wanted = tuple(self.names if names is None else names)
        pairs = pairs or Pairs.none()
        parts: dict[str, list[Ranked]] = {name: [] for name in wanted}
        pair_scores = {name: np.zeros(len(pairs.rows), np.float32) for name in wanted}
        for start, stop in self._blocks(users):
            block = users.take(slice(start, stop))
            mine = np.flatnonzero((pairs.rows >= start) & (pairs.rows < stop))
            local = Pairs(pairs.rows[mine] - np.int32(start), pairs.items[mine])
            for name, ranked in self._rank_block(block, k, wanted, allowed, local).items():
                parts[name].append(ranked)
                pair_scores[name][mine] = ranked.pair_scores
        return {name: _joined(parts[name], pair_scores[name], k) for name in wanted}

    def generator_features(self, users: UserBatch, pairs: Pairs) -> Float32Array:
        """The generators' scores of pairs as features: float32 ``(n_pairs, n_proposers)``.

        Each is in standard deviations from its mean over the catalogue for that user; NaN where
        the generator knows nothing of the user.
        """
        out = np.empty((len(pairs.rows), len(self.proposers)), dtype=np.float32)
        for start, stop in self._blocks(users):
            block = users.take(slice(start, stop))
            mine = np.flatnonzero((pairs.rows >= start) & (pairs.rows < stop))
            local = Pairs(pairs.rows[mine] - np.int32(start), pairs.items[mine])
            scores = {name: self.generators[name].score(block) for name in self.proposers}
            out[mine] = self._standardised(block, scores, local)
        return out

    def _blocks(self, users: UserBatch) -> Iterator[tuple[int, int]]:
        n_items = max(1, users.history.shape[1])
        size = max(1, min(_BLOCK_USERS, _BLOCK_CELLS // n_items))
        for start in range(0, len(users), size):
            yield start, min(start + size, len(users))

    def _rank_block(
        self,
        users: UserBatch,
        k: int,
        wanted: Sequence[str],
        allowed: BoolArray | None,
        pairs: Pairs,
    ) -> dict[str, Ranked]:
        two_stage = TWO_STAGE in wanted
        needed = {*wanted, POPULARITY, PROFILE, *(self.proposers if two_stage else ())}
        raw = {
            name: model.score(users) for name, model in self.generators.items() if name in needed
        }
        ranked = {}
        for name in wanted:
            if name == TWO_STAGE:
                ranked[name] = self._two_stage(users, raw, k, allowed, pairs)
            else:
                scores, sources = self._with_fallback(name, users, raw)
                items, best = top_k(scores, users, k, allowed=allowed)
                ranked[name] = Ranked(items, best, sources, scores[pairs.rows, pairs.items])
        return ranked

    def _with_fallback(
        self, name: str, users: UserBatch, raw: Mapping[str, Float32Array]
    ) -> tuple[Float32Array, npt.NDArray[np.object_]]:
        """Scores of a generator; of one that knows more where it knows nothing of a user.

        Ties, such as the zeros of movies that a generator never met, go by popularity.
        """
        sources = np.full(len(users), name, dtype=object)
        scores = raw[name].copy()
        if name not in (POPULARITY, RANDOM):
            unknown = ~self.generators[name].knows(users)
            for other in (PROFILE, POPULARITY):
                if other in self.generators and other != name:
                    knows = other == POPULARITY or self.generators[other].knows(users)
                    here = unknown & knows
                    scores[here], sources[here] = raw[other][here], other
                    unknown &= ~here
        if name != RANDOM:
            scores += _tie_break(scores, raw[POPULARITY])
        return scores, sources

    def _two_stage(
        self,
        users: UserBatch,
        raw: Mapping[str, Float32Array],
        k: int,
        allowed: BoolArray | None,
        pairs: Pairs,
    ) -> Ranked:
        """Candidates of every generator, ordered by the ranker; then the rest by mean score."""
        assert self.ranker is not None
        chosen = np.zeros(users.history.shape, dtype=bool)
        for name in self.proposers:
            scores, _ = self._with_fallback(name, users, raw)
            items, _ = top_k(scores, users, max(self.candidates, 1), allowed=allowed)
            places = items >= 0
            chosen[np.nonzero(places)[0], items[places]] = True
        row, item = np.nonzero(chosen)
        candidate = Pairs(row.astype(np.int32), item.astype(np.int32))
        everything = _rest(raw, self.proposers, len(users), users.history.shape[1])
        everything[row, item] = self.ranker.predict(self._features(users, raw, candidate))
        best, values = top_k(everything, users, k, allowed=allowed)
        sources = np.full(len(users), TWO_STAGE, dtype=object)
        of_pairs = (
            self.ranker.predict(self._features(users, raw, pairs))
            if len(pairs.rows)
            else np.empty(0, np.float32)
        )
        return Ranked(best, values, sources, of_pairs)

    def _features(
        self, users: UserBatch, raw: Mapping[str, Float32Array], pairs: Pairs
    ) -> Float32Array:
        assert self.pair_features is not None
        plain = self.pair_features.transform(users, pairs.rows, pairs.items)
        return np.hstack([plain, self._standardised(users, raw, pairs)])

    def _standardised(
        self, users: UserBatch, raw: Mapping[str, Float32Array], pairs: Pairs
    ) -> Float32Array:
        out = np.empty((len(pairs.rows), len(self.proposers)), dtype=np.float32)
        for index, name in enumerate(self.proposers):
            scores = raw[name]
            mean, deviation = scores.mean(axis=1), scores.std(axis=1)
            known = self.generators[name].knows(users) | (name == POPULARITY)
            with np.errstate(divide="ignore", invalid="ignore"):
                values = (scores[pairs.rows, pairs.items] - mean[pairs.rows]) / deviation[
                    pairs.rows
                ]
            out[:, index] = np.where((known & (deviation > 0))[pairs.rows], values, np.nan)
        return out


def _tie_break(scores: Float32Array, popularity: Float32Array) -> Float32Array:
    """An addition so small that only ties feel it, larger for the more popular."""
    top = popularity.max(axis=1, keepdims=True) if popularity.shape[1] else popularity
    share = popularity / np.where(top > 0, top, 1)
    size = np.abs(scores).max(axis=1, keepdims=True) if scores.shape[1] else scores
    return np.asarray(_TIE * np.where(size > 0, size, 1) * share, dtype=np.float32)


def _rest(
    raw: Mapping[str, Float32Array], names: Sequence[str], n_users: int, n_items: int
) -> Float32Array:
    """A score below 0 for every movie: the generators' mean, for what is no candidate."""
    total = np.zeros((n_users, n_items), dtype=np.float32)
    for name in names:
        scores = raw[name]
        deviation = scores.std(axis=1, keepdims=True)
        total += (scores - scores.mean(axis=1, keepdims=True)) / np.where(
            deviation > 0, deviation, 1
        )
    return np.asarray(1 / (1 + np.exp(-total)) - 2, dtype=np.float32)


def _joined(parts: Sequence[Ranked], pair_scores: Float32Array, k: int) -> Ranked:
    if not parts:
        nothing = np.empty((0, k))
        return Ranked(
            nothing.astype(np.int32),
            nothing.astype(np.float32),
            np.empty(0, dtype=object),
            pair_scores,
        )
    return Ranked(
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.sources for part in parts]),
        pair_scores,
    )


def with_users(
    n_users: int,
    n_pairs: int,
    parts: Sequence[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer], Ranked]],
) -> Ranked:
    """The lists of disjoint groups of users, put back in order.

    Args:
        n_users, n_pairs: how many there are in all groups.
        parts: for each group the rows of its users, the places of its pairs, and its lists.
    """
    k = parts[0][2].items.shape[1]
    items = np.full((n_users, k), -1, dtype=np.int32)
    scores = np.full((n_users, k), -np.inf, dtype=np.float32)
    sources = np.empty(n_users, dtype=object)
    pair_scores = np.zeros(n_pairs, dtype=np.float32)
    for rows, places, ranked in parts:
        items[rows], scores[rows], sources[rows] = ranked.items, ranked.scores, ranked.sources
        pair_scores[places] = ranked.pair_scores
    return Ranked(items, scores, sources, pair_scores)
