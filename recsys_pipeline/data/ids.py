"""IdMap: between the ids of a table and the row numbers of an array."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class IdMap:
    """Ids in ascending order; the position of an id is its index in every array.

    Because ids are sorted, breaking ties by index breaks them by id.

    >>> ids = IdMap.of([30, 10, 20, 10])
    >>> ids.values.tolist(), ids.index_of([20, 99]).tolist()
    ([10, 20, 30], [1, -1])
    """

    values: pd.Index

    @classmethod
    def of(cls, ids: Iterable[Any] | pd.Series | pd.Index) -> "IdMap":
        """The map of the distinct `ids`, in ascending order."""
        return cls(pd.Index(ids).unique().sort_values())

    def __len__(self) -> int:
        return len(self.values)

    def index_of(self, ids: Iterable[Any] | pd.Series | pd.Index) -> npt.NDArray[np.int32]:
        """Index of each id, int32, −1 for an unknown one."""
        return np.asarray(self.values.get_indexer(pd.Index(ids)), dtype=np.int32)

    def id_of(self, index: npt.NDArray[Any]) -> pd.Index:
        """The ids at `index`."""
        return self.values.take(index)
