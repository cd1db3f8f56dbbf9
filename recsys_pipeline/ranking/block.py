"""Block: a few users and all that the generators say of them, each thing computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.ranking.blend import Blend, standardised

_TIE = 1e-6
_AHEAD = 50
_JUST = np.float32(1e-3)

Filled = tuple[Float32Array, npt.NDArray[np.object_]]
"""Scores ``(n, n_items)`` and, for each user, the name of the generator that they are of."""


@dataclass(frozen=True)
class Said:
    """What generators have said of some users, by name; see the methods of `Block`."""

    raw: dict[str, Float32Array] = field(default_factory=dict)
    knows: dict[str, BoolArray] = field(default_factory=dict)
    standard: dict[str, Float32Array] = field(default_factory=dict)
    filled: dict[str, Filled] = field(default_factory=dict)


class Block:
    """What generators say of some users.

    Args:
        users: the n users.
        generators: by name.
        steps_in: names of the generators that rank for users of whom another one knows nothing,
            first the one asked first; the last one ranks for everybody.
        impersonal: names of generators that say the same of everybody: nobody steps in for them.
        noise: names of generators whose order is no opinion: not even ties are broken.
        popularity: name of the generator by which ties are broken.
        learned: names of generators that know nothing of a movie without likes; `content` speaks
            for them there.
        content: name of the generator that goes by the movies' own columns.
        blend: the weighted sum of generators, by the name given with it.
        said: what another block with the same users and generators has found; None is nothing.
    """

    def __init__(
        self,
        users: UserBatch,
        generators: Mapping[str, Recommender],
        *,
        steps_in: tuple[str, ...],
        impersonal: tuple[str, ...],
        noise: tuple[str, ...],
        popularity: str,
        learned: tuple[str, ...],
        content: str,
        blend: tuple[str, Blend] | None,
        said: "Said | None" = None,
    ) -> None:
        self.users = users
        self._generators, self._blend = generators, blend
        self._steps_in, self._impersonal, self._noise = steps_in, impersonal, noise
        self._popularity = popularity
        self._learned, self._content = learned, content
        said = Said() if said is None else said
        self._raw, self._knows = said.raw, said.knows
        self._standard, self._filled = said.standard, said.filled

    def raw(self, name: str) -> Float32Array:
        """Scores as they come: float32 ``(n, n_items)``."""
        if name not in self._raw:
            if self._blend is not None and name == self._blend[0]:
                blend = self._blend[1]
                parts = {each: self.standard(each) for each in blend.weights}
                self._raw[name] = blend.score(parts, self.users.history_lengths)
            else:
                scores = self._generators[name].score(self.users)
                if name in self._learned and self._content in self._generators:
                    scores = self._with_new_movies(scores)
                self._raw[name] = scores
        return self._raw[name]

    def _with_new_movies(self, scores: Float32Array) -> Float32Array:
        """Scores in which a movie without likes stands where its content puts it.

        The one that its content speaks for most stands just behind the best `_AHEAD` unseen
        others, within reach of exploration and in nobody's way; the further ones follow by their
        distance to it.
        """
        popular = self.raw(self._popularity)
        new = popular[:1].ravel() <= 0
        place = int((~new).sum()) - _AHEAD
        if not new.any() or place < 0:
            return scores
        open_ = scores.copy()
        seen = self.users.seen
        open_[np.repeat(np.arange(len(open_)), np.diff(seen.indptr)), seen.indices] = -np.inf
        behind = np.partition(open_[:, ~new], place, axis=1)[:, place : place + 1]
        lowest = scores.min(axis=1, keepdims=True)
        behind = np.where(np.isfinite(behind), behind, lowest)
        deviation = scores[:, ~new].std(axis=1, keepdims=True)
        likeness = self.standard(self._content)[:, new]
        out = scores.copy()
        below = likeness.max(axis=1, keepdims=True) - likeness
        out[:, new] = behind - deviation * (below + _JUST)
        return out

    def knows(self, name: str) -> BoolArray:
        """About which users the scores are personal: bool ``(n,)``."""
        if name not in self._knows:
            if self._blend is not None and name == self._blend[0]:
                # Popularity and its like know nobody, and yet they order the movies of a blend.
                known = [self.knows(each) for each in self._blend[1].weights]
                self._knows[name] = np.logical_or.reduce(known)
            else:
                self._knows[name] = self._generators[name].knows(self.users)
        return self._knows[name]

    def says(self, name: str) -> BoolArray:
        """About which users the generator has something to say: popularity about all."""
        if name in self._impersonal:
            return np.ones(len(self.users), dtype=bool)
        return self.knows(name)

    def standard(self, name: str) -> Float32Array:
        """Standardised scores: float32 ``(n, n_items)``; see `blend.standardised`."""
        if name not in self._standard:
            self._standard[name] = standardised(self.raw(name), self.says(name))
        return self._standard[name]

    def filled(self, name: str) -> Filled:
        """Scores of a generator; of one that knows more where it knows nothing of a user.

        Ties, such as the zeros of movies that a generator never met, go by popularity.
        """
        if name not in self._filled:
            self._filled[name] = self._fill(name)
        return self._filled[name]

    def _fill(self, name: str) -> Filled:
        sources = np.full(len(self.users), name, dtype=object)
        if name in self._noise:
            return self.raw(name), sources
        scores = self.raw(name).copy()
        if name not in self._impersonal:
            unknown = ~self.knows(name)
            *personal, last = self._steps_in
            for other in (*personal, last):
                here = unknown if other == last else unknown & self.knows(other)
                if here.any():
                    scores[here], sources[here] = self.raw(other)[here], other
                    unknown = unknown & ~here
        scores += _tie_break(scores, self.raw(self._popularity))
        return scores, sources


def _tie_break(scores: Float32Array, popularity: Float32Array) -> Float32Array:
    """An addition so small that only ties feel it, larger for the more popular."""
    top = popularity.max(axis=1, keepdims=True) if popularity.shape[1] else popularity
    size = np.abs(scores).max(axis=1, keepdims=True) if scores.shape[1] else scores
    factor = _TIE * np.where(size > 0, size, 1) / np.where(top > 0, top, 1)
    return np.asarray(popularity * factor.astype(np.float32), dtype=np.float32)
