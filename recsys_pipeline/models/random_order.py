"""Random: the yardstick that every other model must beat."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, UserBatch
from recsys_pipeline.models.base import Recommender, row_blocks
from recsys_pipeline.models.config import RandomConfig
from recsys_pipeline.models.files import read_model, write_model

_UInt32 = npt.NDArray[np.uint32]


class RandomOrder(Recommender):
    """Uniform noise that is a fixed function of the item and of the set of items a user has seen.

    The same user gets the same scores alone, in any batch and after loading. A model has no user
    ids, so two users who have seen exactly the same items (all newcomers, say) share one random
    order; every other pair of users has independent orders.

    Attributes:
        keys_: uint32 ``(2, n_items)``: row 0 is mixed into the signature of a user who has seen
            the item, row 1 into the noise of the item.
    """

    name = "random"

    def __init__(self, config: RandomConfig | None = None) -> None:
        self.config = config or RandomConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        self.keys_ = rng.integers(0, 2**32, size=(2, data.n_items), dtype=np.uint32)
        self.n_items_ = data.n_items
        return self

    def score(self, users: UserBatch) -> Float32Array:
        """Uniform in [0, 1)."""
        n_items = self._catalogue(users)
        signatures = _mix(self._signatures(users))
        scores = np.empty((len(users), n_items), dtype=np.float32)
        for rows in row_blocks(len(users), 4 * n_items, limit=1_000_000):
            noise = _mix(signatures[rows, None] ^ self.keys_[1])
            scores[rows] = (noise >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)
        return scores

    def _signatures(self, users: UserBatch) -> _UInt32:
        """Sum of the keys of the seen items modulo 2³², so their order does not matter."""
        sums = np.zeros(len(users.seen.indices) + 1, dtype=np.uint32)
        np.cumsum(self.keys_[0][users.seen.indices], dtype=np.uint32, out=sums[1:])
        signatures: _UInt32 = sums[users.seen.indptr[1:]] - sums[users.seen.indptr[:-1]]
        return signatures

    def knows(self, users: UserBatch) -> BoolArray:
        """Nobody: noise is not personal."""
        return np.zeros(len(users), dtype=bool)

    def save(self, folder: Path) -> None:
        self._catalogue()
        write_model(folder, self.name, self.config, {"keys": self.keys_})

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(RandomConfig.model_validate(files.config))
        model.keys_ = files.arrays["keys"]
        model.n_items_ = model.keys_.shape[1]
        return model


def _mix(values: _UInt32) -> _UInt32:
    """MurmurHash3's 32-bit finaliser (Appleby, public domain): a bijection that mixes all bits."""
    mixed = values ^ (values >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed
