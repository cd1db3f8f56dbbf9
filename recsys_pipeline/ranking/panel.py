"""Panel: every recommender fitted on one cut, ranked side by side for a batch of users."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import Recommender, top_k
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.block import Block, Said
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.ranker import SCORE, BoostingRanker

POPULARITY: Final = "popularity"
PERSONAL_FALLBACKS: Final = ("taste", "profile")
"""Who ranks for a user of whom another one knows nothing: the first that is there."""
RANDOM: Final = "random"
BLEND: Final = "blend"
TWO_STAGE: Final = "two_stage"
CONTENT: Final = "content"
LEARNED: Final = ("item_knn", "ease", "als")
"""Generators that know a movie by its likes alone."""
FROM_HISTORY: Final = (*LEARNED, CONTENT)
"""Generators that rest on the history alone: in a blend they gain weight as it grows."""
NOT_PERSONAL: Final = (POPULARITY, "trending")
"""Generators whose scores are the same for everybody."""
NO_CANDIDATES: Final = (RANDOM,)
"""Recommenders that are only compared with: they propose no candidates."""

_BLOCK_CELLS = 4_000_000
_BLOCK_USERS = 1_000

_FEW_USERS = 8
"""So few keep what was said of them: a reason need not ask again. Of many it would fill memory."""


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


class Picker(Protocol):
    """Takes the movies of lists from scores, as `models.base.top_k` does."""

    def __call__(
        self,
        scores: Float32Array,
        users: UserBatch,
        k: int,
        /,
        *,
        allowed: BoolArray | None = None,
    ) -> tuple[Int32Array, Float32Array]: ...


@dataclass(frozen=True, eq=False)
class Panel:
    """Recommenders fitted on one cut.

    Attributes:
        generators: by name; popularity is always one of them.
        pair_features, ranker: the second stage, or None without one.
        candidates: candidates that each generator proposes for a user.
        blend: the weighted sum of generators, or None without one.
        newcomers: the generator that ranks for somebody of whom nothing is known.
    """

    generators: Mapping[str, Recommender]
    pair_features: PairFeatures | None = None
    ranker: BoostingRanker | None = None
    candidates: int = 50
    blend: Blend | None = None
    newcomers: str = POPULARITY

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all recommenders, the blend and the two-stage one last."""
        further = (BLEND,) if self.blend is not None else ()
        return (*self.generators, *further, *((TWO_STAGE,) if self.ranker is not None else ()))

    @property
    def fallback(self) -> tuple[str, ...]:
        """Name of the generator that steps in for others, or nothing."""
        return tuple(name for name in PERSONAL_FALLBACKS if name in self.generators)[:1]

    def needed_by(self, name: str) -> tuple[str, ...]:
        """The generators that recommender `name` asks, those that step in for it included."""
        if name == TWO_STAGE:
            return self.proposers
        own = tuple(self.blend.weights) if name == BLEND and self.blend is not None else (name,)
        wanted = {*own, *self.fallback, POPULARITY, self.newcomers}
        if wanted & set(LEARNED):
            wanted.add(CONTENT)
        return tuple(each for each in self.generators if each in wanted)

    @property
    def proposers(self) -> tuple[str, ...]:
        """Names of the generators that propose candidates and whose scores are features."""
        return tuple(name for name in self.generators if name not in NO_CANDIDATES)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the ranker's features, in order."""
        return (*PairFeatures.names, *(f"{SCORE}{name}" for name in self.proposers))

    def rank(
        self,
        users: UserBatch,
        k: int,
        *,
        names: Sequence[str] | None = None,
        allowed: BoolArray | None = None,
        pairs: Pairs | None = None,
        pick: Picker = top_k,
    ) -> dict[str, Ranked]:
        """Lists of k unseen movies by each recommender.

        Args:
            users: whose lists.
            k: length of a list.
            names: which recommenders; None is all.
            allowed: bool ``(n_items,)``: the movies that may be recommended; None is all.
            pairs: pairs whose scores are wanted too.
            pick: takes the movies of a list from the scores; one that takes more than k makes all
                lists as long as the longest.
        """
        wanted = tuple(self.names if names is None else names)
        pairs = pairs or Pairs.none()
        parts: dict[str, list[Ranked]] = {name: [] for name in wanted}
        pair_scores = {name: np.zeros(len(pairs.rows), np.float32) for name in wanted}
        for start, stop in self._blocks(users):
            block = users.take(slice(start, stop))
            mine = np.flatnonzero((pairs.rows >= start) & (pairs.rows < stop))
            local = Pairs(pairs.rows[mine] - np.int32(start), pairs.items[mine])
            for name, ranked in self._rank_block(block, k, wanted, allowed, local, pick).items():
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
            block = self._block(users.take(slice(start, stop)))
            mine = np.flatnonzero((pairs.rows >= start) & (pairs.rows < stop))
            local = Pairs(pairs.rows[mine] - np.int32(start), pairs.items[mine])
            out[mine] = self._scores_of(block, local)
        return out

    def blocks(self, users: UserBatch) -> Iterator[tuple[int, UserBatch]]:
        """The users in blocks whose score matrices fit in memory: first row, and the users."""
        for start, stop in self._blocks(users):
            yield start, users.take(slice(start, stop))

    def standardised(self, users: UserBatch) -> dict[str, Float32Array]:
        """Standardised scores of every proposer over the catalogue: float32 ``(n, n_items)``."""
        block = self._block(users)
        return {name: block.standard(name) for name in self.proposers}

    def _block(self, users: UserBatch) -> Block:
        return Block(
            users,
            self.generators,
            steps_in=(*self.fallback, self.newcomers),
            impersonal=NOT_PERSONAL,
            noise=(RANDOM,),
            popularity=POPULARITY,
            learned=LEARNED,
            content=CONTENT,
            blend=None if self.blend is None else (BLEND, self.blend),
            said=users.once(self, Said) if users.history.shape[0] <= _FEW_USERS else None,
        )

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
        pick: Picker,
    ) -> dict[str, Ranked]:
        block = self._block(users)
        ranked: dict[str, Ranked] = {}
        for name in wanted:
            if name == TWO_STAGE:
                ranked[name] = self._two_stage(block, k, allowed, pairs, pick)
            else:
                scores, sources = block.filled(name)
                items, best = pick(scores, users, k, allowed=allowed)
                ranked[name] = Ranked(items, best, sources, scores[pairs.rows, pairs.items])
        return ranked

    def _two_stage(
        self, block: Block, k: int, allowed: BoolArray | None, pairs: Pairs, pick: Picker
    ) -> Ranked:
        """Candidates of every generator, ordered by the ranker; then the rest by mean score."""
        assert self.ranker is not None
        users = block.users
        chosen = np.zeros(users.history.shape, dtype=bool)
        for name in self.proposers:
            items, _ = top_k(block.filled(name)[0], users, self.candidates, allowed=allowed)
            places = items >= 0
            chosen[np.nonzero(places)[0], items[places]] = True
        row, item = np.nonzero(chosen)
        candidate = Pairs(row.astype(np.int32), item.astype(np.int32))
        everything = self._rest(block)
        everything[row, item] = self.ranker.predict(self._features(block, candidate))
        best, values = pick(everything, users, k, allowed=allowed)
        sources = np.full(len(users), TWO_STAGE, dtype=object)
        of_pairs = (
            self.ranker.predict(self._features(block, pairs))
            if len(pairs.rows)
            else np.empty(0, np.float32)
        )
        return Ranked(best, values, sources, of_pairs)

    def _rest(self, block: Block) -> Float32Array:
        """A score below 0 for every movie: the generators' mean, for what is no candidate."""
        total = np.zeros(block.users.history.shape, dtype=np.float32)
        for name in self.proposers:
            total += block.standard(name)
        return np.asarray(1 / (1 + np.exp(-total)) - 2, dtype=np.float32)

    def _features(self, block: Block, pairs: Pairs) -> Float32Array:
        assert self.pair_features is not None
        plain = self.pair_features.transform(block.users, pairs.rows, pairs.items)
        return np.hstack([plain, self._scores_of(block, pairs)])

    def _scores_of(self, block: Block, pairs: Pairs) -> Float32Array:
        """The proposers' standardised scores of pairs; NaN where one knows nothing of the user."""
        out = np.empty((len(pairs.rows), len(self.proposers)), dtype=np.float32)
        for index, name in enumerate(self.proposers):
            scores = block.standard(name)
            said = block.says(name) & scores.any(axis=1)
            values = scores[pairs.rows, pairs.items]
            out[:, index] = np.where(said[pairs.rows], values, np.nan)
        return out


def _joined(parts: Sequence[Ranked], pair_scores: Float32Array, k: int) -> Ranked:
    if not parts:
        nothing = np.empty((0, k))
        return Ranked(
            nothing.astype(np.int32),
            nothing.astype(np.float32),
            np.empty(0, dtype=object),
            pair_scores,
        )
    width = max(part.items.shape[1] for part in parts)
    return Ranked(
        np.concatenate([_widened(part.items, width, -1) for part in parts]),
        np.concatenate([_widened(part.scores, width, -np.inf) for part in parts]),
        np.concatenate([part.sources for part in parts]),
        pair_scores,
    )


def _widened(values: npt.NDArray[Any], width: int, fill: float) -> npt.NDArray[Any]:
    more = ((0, 0), (0, width - values.shape[1]))
    return np.pad(values, more, constant_values=fill) if more[1][1] else values


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
