"""The lists of a release as arrays: any user's list in microseconds, no object per user."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Float32Array, Int32Array
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ReleaseError


@dataclass(frozen=True)
class StoredLists:
    """Parallel arrays of one row a place, in order of user and rank.

    Attributes:
        starts: int64 ``(n_users + 1,)``: the list of user i is at ``starts[i]:starts[i + 1]``.
        items: int32, the movies.
        scores: float64.
        propensities: float32.
        sources, reasons: int32, numbers in the vocabularies.
        source_texts, reason_texts: what the numbers stand for.
    """

    starts: npt.NDArray[np.int64]
    items: Int32Array
    scores: npt.NDArray[np.float64]
    propensities: Float32Array
    sources: Int32Array
    reasons: Int32Array
    source_texts: tuple[str, ...]
    reason_texts: tuple[str, ...]

    @classmethod
    def of(cls, lists: pd.DataFrame, users: IdMap, items: IdMap) -> Self:
        """From contract `TOP_N`.

        Raises:
            ReleaseError: a list is of a user or with a movie that the release does not know.
        """
        user, item = users.index_of(lists[n.USER_ID]), items.index_of(lists[n.MOVIE_ID])
        unknown = int(((user < 0) | (item < 0)).sum())
        if unknown:
            raise ReleaseError(
                f"{unknown:,} rows of the lists name users or movies that the release lacks.",
                "Run `recsys run` again to write a new release.",
            )
        order = np.lexsort((lists[n.RANK].to_numpy(), user))
        sources, source_texts = pd.factorize(lists[n.SOURCE].astype("str"))
        reasons, reason_texts = pd.factorize(lists[n.REASON].astype("str"))
        propensities = np.ones(len(lists), dtype=np.float32)
        if n.PROPENSITY in lists.columns:
            propensities = lists[n.PROPENSITY].to_numpy(dtype=np.float32)
        return cls(
            starts=np.searchsorted(user[order], np.arange(len(users) + 1)),
            items=item[order],
            scores=lists[n.SCORE].to_numpy(dtype=np.float64)[order],
            propensities=propensities[order],
            sources=sources[order].astype(np.int32),
            reasons=reasons[order].astype(np.int32),
            source_texts=tuple(source_texts),
            reason_texts=tuple(reason_texts),
        )

    def __len__(self) -> int:
        """How many users a list could be for."""
        return len(self.starts) - 1

    def length(self, row: int) -> int:
        """How many movies the list of that user holds."""
        return int(self.starts[row + 1] - self.starts[row])

    def places(self, row: int, k: int) -> list[tuple[int, float, str, str, float]]:
        """The first k places of a user: item, score, source, reason, propensity."""
        start = int(self.starts[row])
        part = slice(start, min(start + k, int(self.starts[row + 1])))
        source_texts, reason_texts = self.source_texts, self.reason_texts
        columns: list[list[Any]] = [
            self.items[part].tolist(),
            self.scores[part].tolist(),
            [source_texts[each] for each in self.sources[part].tolist()],
            [reason_texts[each] for each in self.reasons[part].tolist()],
            self.propensities[part].tolist(),
        ]
        return list(zip(*columns, strict=True))
