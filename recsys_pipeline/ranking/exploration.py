"""Draws for exploration: random, yet the same for a user whoever else is asked about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray, Float32Array

UInt64Array = npt.NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draw:
    """One candidate for each user.

    Attributes:
        chosen: int64 ``(n,)``, column of the candidate, −1 where none was open.
        propensities: float32 ``(n,)``, the probability with which it was drawn; 1 where none was.
    """

    chosen: npt.NDArray[np.int64]
    propensities: Float32Array


def rarity(counts: npt.NDArray[np.int64]) -> Float32Array:
    """How much a movie has to gain from being shown: float32 ``1 / sqrt(1 + count)``.

    That is the width of the confidence interval of its like rate, up to a factor.
    """
    return np.asarray(1 / np.sqrt(1.0 + counts), dtype=np.float32)


def draw(weights: Float32Array, open_: BoolArray, keys: UInt64Array, number: int) -> Draw:
    """Draw one open candidate per user with probability ``weight / sum of open weights``.

    Args:
        weights: float32 ``(n, m)``, at least 0. Where all open ones are 0, all have equal chances.
        open_: bool ``(n, m)``, which may be drawn.
        keys: uint64 ``(n,)``, one for each user and occasion; equal keys draw equally.
        number: which draw for these keys; different numbers are independent.
    """
    chance = np.where(open_, weights, 0).astype(np.float64)
    idle = ~(chance > 0).any(axis=1)
    chance[idle] = open_[idle]
    edges = np.cumsum(chance, axis=1)
    some = open_.any(axis=1)
    total = np.where(some, edges[:, -1], 1.0) if edges.shape[1] else np.ones(len(keys))
    target = uniform(keys, number) * total
    # The first edge above the target; rounding must not lead beyond the last open candidate.
    chosen = (edges <= target[:, None]).sum(axis=1)
    last = chance.shape[1] - 1 - (chance[:, ::-1] > 0).argmax(axis=1) if chance.shape[1] else chosen
    chosen = np.where(some, np.minimum(chosen, last), -1).astype(np.int64)
    rows = np.flatnonzero(some)
    propensities = np.ones(len(keys), dtype=np.float32)
    propensities[rows] = chance[rows, chosen[rows]] / total[rows]
    return Draw(chosen, propensities)


def uniform(keys: UInt64Array, number: int) -> npt.NDArray[np.float64]:
    """Noise in [0, 1) that is a fixed function of key and number: float64 ``(n,)``."""
    mixed = _mix(_mix(keys) ^ np.uint64(number + 1))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def exploration_keys(ids: pd.Index, seed: int) -> UInt64Array:
    """Keys of users by their ids: uint64 ``(len(ids),)``; the same in every batch and process.

    Args:
        ids: the users' ids.
        seed: of the occasion, such as a number for the week; another one draws anew.
    """
    occasion = _mix(np.array([seed], dtype=np.uint64))
    keys = pd.util.hash_array(ids.to_numpy(), categorize=False)
    return np.asarray(keys, dtype=np.uint64) ^ occasion


def _mix(values: UInt64Array) -> UInt64Array:
    """SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): a bijection."""
    mixed = values + _STEP
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
