"""Blend: a weighted sum of the generators' scores, its weights fitted on the window."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array

Float64Array = npt.NDArray[np.float64]

WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
"""Weights tried for a generator beside the best one, which has 1."""
HALF_LENGTHS: Final = (0.0, 1.0, 3.0, 10.0)
"""Lengths of history tried at which what rests on history has half its full weight."""

_WORTH_IT = 0.005
_LEAST = 0.05
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Blend:
    """Weighted sum of standardised scores.

    What rests on a user's history counts ``m / (m + half_length)`` of its weight for a history of
    m movies: nothing for a newcomer, and more with every movie.

    Attributes:
        weights: by generator, at least 0; generators without weight are left out.
        from_history: names of those that rest on the history.
        half_length: length of history at which those have half their weight; 0 is full weight
            from the first movie on.
    """

    weights: Mapping[str, float]
    from_history: tuple[str, ...]
    half_length: float

    def shares(self, lengths: Int32Array) -> dict[str, Float32Array]:
        """The weight of each generator for users with such histories: float32 ``(n,)`` each."""
        grown = _grown(lengths, self.half_length)
        full = np.ones(len(lengths), dtype=np.float32)
        return {
            name: np.float32(weight) * (grown if name in self.from_history else full)
            for name, weight in self.weights.items()
        }

    def score(self, standardised: Mapping[str, Float32Array], lengths: Int32Array) -> Float32Array:
        """The blended scores.

        Args:
            standardised: for each generator with a weight its scores as `standardised` makes
                them, float32 ``(n, m)``.
            lengths: of the users' histories, int32 ``(n,)``.
        """
        total: Float32Array | None = None
        for name, share in self.shares(lengths).items():
            part = standardised[name] * share[:, None]
            total = part if total is None else total + part
        assert total is not None
        return total


def _grown(lengths: Int32Array, half_length: float) -> Float32Array:
    grown = lengths / np.maximum(lengths + half_length, 1e-9)
    return np.asarray(grown, dtype=np.float32)


def standardised(scores: Float32Array, known: BoolArray) -> Float32Array:
    """Scores in standard deviations from each user's mean over the catalogue.

    Args:
        scores: float32 ``(n, n_items)``.
        known: bool ``(n,)``: users about whom the generator knows nothing get zeros.
    """
    mean = scores.mean(axis=1, keepdims=True)
    deviation = scores.std(axis=1, keepdims=True)
    use = known[:, None] & (deviation > 0)
    out = (scores - mean) / np.where(use, deviation, 1)
    out[~use[:, 0]] = 0
    return np.asarray(out, dtype=np.float32)


@dataclass(frozen=True)
class Candidates:
    """What several generators propose for some users, with everybody's scores of it.

    Attributes:
        names: of the generators.
        values: float32 ``(n, c, len(names))``, standardised scores; 0 where there is no candidate.
        there: bool ``(n, c)``: whether the place holds a candidate.
        relevant: bool ``(n, c)``: whether the user went on to like it.
        n_relevant: int32 ``(n,)``: how many the user went on to like, candidates or not.
        lengths: int32 ``(n,)``, of the histories.
    """

    names: tuple[str, ...]
    values: Float32Array
    there: BoolArray
    relevant: BoolArray
    n_relevant: Int32Array
    lengths: Int32Array

    def take(self, users: BoolArray) -> "Candidates":
        """The candidates of the users in the mask."""
        return Candidates(
            self.names,
            self.values[users],
            self.there[users],
            self.relevant[users],
            self.n_relevant[users],
            self.lengths[users],
        )


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of which it is known whether they were liked.

    Attributes:
        names: of the generators.
        values: float32 ``(n, len(names))``, standardised scores.
        liked: bool ``(n,)``.
        lengths: int32 ``(n,)``, length of the history of the pair's user.
    """

    names: tuple[str, ...]
    values: Float32Array
    liked: BoolArray
    lengths: Int32Array


def fit_by_lists(found: Candidates, best: str, k: int, from_history: Sequence[str]) -> Blend:
    """The weights that give the best nDCG@k of the candidates' order.

    Starts from `best` alone and goes round the others, each time taking the weight that gains at
    least half a percent: a smaller gain on a window is as likely luck.

    Args:
        found: of the window.
        best: the generator that is best alone; its weight is 1.
        k: length at which lists are judged; longer than what is shown, as that varies less by
            chance.
        from_history: names of the generators that rest on the history.
    """
    history = np.array([name in from_history for name in found.names])

    def figure(weights: Float64Array, half_length: float) -> float:
        grown = _grown(found.lengths, half_length)
        by_user = np.where(history, grown[:, None], np.float32(1)) * weights
        scores = np.einsum("ncg,ng->nc", found.values, by_user.astype(np.float32))
        return _ndcg(np.where(found.there, scores, -np.inf), found.relevant, found.n_relevant, k)

    weights = np.zeros(len(found.names))
    weights[found.names.index(best)] = 1
    weights, reached = _ascend(weights, found.names.index(best), lambda w: figure(w, 0.0))
    half = 0.0
    for tried in HALF_LENGTHS[1:]:
        value = figure(weights, tried)
        if value > reached * (1 + _WORTH_IT):
            half, reached = tried, value
    return _blend(found.names, weights, from_history, half)


def _ascend(
    weights: Float64Array, fixed: int, figure: Callable[[Float64Array], float]
) -> tuple[Float64Array, float]:
    """Coordinate ascent over `WEIGHTS`; the weight at `fixed` stays."""
    reached = figure(weights)
    for _ in range(_ROUNDS):
        before = weights.copy()
        for place in range(len(weights)):
            if place == fixed:
                continue
            for value in WEIGHTS:
                if value == weights[place]:
                    continue
                tried = weights.copy()
                tried[place] = value
                found = figure(tried)
                # A smaller blend is better than one as good.
                least = reached * (1 + _WORTH_IT) if value > weights[place] else reached
                if found > least:
                    weights, reached = tried, found
        if np.array_equal(before, weights):
            break
    return weights, reached


def _ndcg(scores: Float32Array, relevant: BoolArray, n_relevant: Int32Array, k: int) -> float:
    """Mean nDCG@k over the users with anything relevant; what is no candidate counts as missed."""
    k = min(k, scores.shape[1])
    some = n_relevant > 0
    if not k or not some.any():
        return 0.0
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    hits = np.take_along_axis(relevant, np.take_along_axis(top, order, axis=1), axis=1)
    gain = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gain)[np.clip(n_relevant, 1, k) - 1]
    return float(((hits * gain).sum(axis=1) / ideal)[some].mean())


def fit_by_labels(pairs: LabelledPairs, from_history: Sequence[str]) -> Blend | None:
    """The weights, none below 0, that best tell likes from dislikes (logistic loss).

    Returns:
        the blend, or None where the pairs do not hold both likes and dislikes.
    """
    if pairs.liked.all() or not pairs.liked.any():
        return None
    history = np.array([name in from_history for name in pairs.names])
    best: tuple[float, Float64Array, float] | None = None
    for half in HALF_LENGTHS:
        grown = _grown(pairs.lengths, half)
        features = pairs.values * np.where(history, grown[:, None], np.float32(1))
        weights, loss = _logistic(features.astype(np.float64), pairs.liked)
        if best is None or loss < best[0] * (1 - _WORTH_IT / 10):
            best = (loss, weights, half)
    assert best is not None
    _, weights, half = best
    top = weights.max(initial=0.0)
    if top <= 0:
        return None
    weights = np.where(weights < _LEAST * top, 0, weights / top)
    return _blend(pairs.names, weights, from_history, half)


def _logistic(features: Float64Array, liked: BoolArray) -> tuple[Float64Array, float]:
    """Weights of a logistic regression with an intercept and no weight below 0; and its loss."""
    signs = np.where(liked, 1.0, -1.0)
    table = np.column_stack([features, np.ones(len(features))])

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        margin = signs * (table @ weights)
        wrong = 1 / (1 + np.exp(np.clip(margin, -50, 50)))
        value = np.logaddexp(0, -margin).mean()
        return float(value), -(table.T @ (signs * wrong)) / len(table)

    bounds = [(0.0, None)] * features.shape[1] + [(None, None)]
    start = np.full(table.shape[1], 0.1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:-1]), float(found.fun)


def _blend(
    names: Sequence[str], weights: Float64Array, from_history: Sequence[str], half: float
) -> Blend:
    kept = {name: float(w) for name, w in zip(names, weights, strict=True) if w > 0}
    return Blend(kept, tuple(name for name in kept if name in from_history), half)
