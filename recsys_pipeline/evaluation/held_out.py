"""HeldOut: what the recommenders are judged by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, Dataset, Events
from recsys_pipeline.evaluation.labelled import Exposures


@dataclass(frozen=True)
class HeldOut:
    """Whose lists are judged, and by what.

    Attributes:
        users: int32 ``(n_users,)``, rows in the user map, ascending: those with a held-out event
            that counts. Lists, `relevant` and `exposures` are in this order.
        relevant: CSR float32 ``(n_users, n_items)``, one for each item that the user liked in the
            held-out events.
        exposures: the held-out events whose label is known, or None where there are none.
        n_repeated: held-out events left out because the user met the movie in training already
            (a recommender never shows it again).
        n_excluded: further ones left out because their item does not count.
    """

    users: npt.NDArray[np.int32]
    relevant: sp.csr_matrix
    exposures: Exposures | None
    n_repeated: int
    n_excluded: int

    @property
    def n_items(self) -> int:
        return int(self.relevant.shape[1])


def hold_out(train: Dataset, test: Events, *, counts: BoolArray | None = None) -> HeldOut:
    """What `test` says about recommenders that were fitted on `train`.

    Args:
        train: the events before the split.
        test: the events held out, on the same maps.
        counts: bool ``(n_items,)``, items by which recommenders are judged; None is all. Published
            figures often restrict it to the items met in training.
    """
    n_items = train.n_items
    met = np.isin(_keys(test, n_items), _keys(train.events, n_items))
    excluded = np.zeros(len(test), dtype=bool) if counts is None else ~met & ~counts[test.item]
    kept = test.take(~met & ~excluded)
    labelled = np.zeros(len(kept), dtype=bool) if kept.label is None else ~np.isnan(kept.label)
    users = np.unique(kept.user[kept.positive | labelled])
    row = np.searchsorted(users, kept.user)
    liked = row[kept.positive], kept.item[kept.positive]
    ones = np.ones(len(liked[0]), dtype=np.float32)
    relevant = sp.csr_matrix((ones, liked), shape=(len(users), n_items))
    # A movie liked twice is one relevant item.
    relevant.data[:] = 1.0
    exposures = None
    if kept.label is not None and labelled.any():
        exposures = Exposures(
            row[labelled].astype(np.int32),
            kept.item[labelled],
            kept.label[labelled] > 0,
            len(users),
        )
    return HeldOut(users.astype(np.int32), relevant, exposures, int(met.sum()), int(excluded.sum()))


def _keys(events: Events, n_items: int) -> npt.NDArray[np.int64]:
    """One number for each pair of user and item: int64 ``(len(events),)``."""
    return events.user.astype(np.int64) * n_items + events.item
