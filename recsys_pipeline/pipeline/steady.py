"""How good one generator is on the window, by the figure that varies least by chance.

Where choices are all that is known, nDCG of lists five times as long as those that are shown. Where
likes and dislikes are known, where the held-out movies stand in the user's own order of the whole
catalogue: the chance that a like stands higher than a dislike (AUC). The share of likes in each
user's top 5 % decides about a release, but it rests on one in twenty of these movies alone: too few
to tell two settings of one generator apart.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.labelled import Exposures, auc
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.pipeline.window import LONGER, Window
from recsys_pipeline.ranking.panel import Panel

SHARES = (0.25, 0.5, 1.0)
"""Shares of the choosing users after which a figure is looked at."""

_CELLS = 4_000_000
"""Scores that are compared at once."""


class SteadyFigure:
    """Judges generators on the users of one window.

    One half of the users choose, in rungs: some of them, more, all. The other half confirm: what
    was chosen among many looks better than it is to those who chose it.

    Args:
        window: whose users and what they did.
        seed: decides which users come first; the same ones for every generator.

    Attributes:
        metric: name of the figure.
        chance: what a random order comes to.
    """

    def __init__(self, window: Window, seed: int) -> None:
        self._window = window
        order = np.random.default_rng([seed, 8]).permutation(len(window.users))
        self._choosing, self._confirming = np.array_split(order, 2)
        exposures = window.held_out.exposures
        self._exposures = exposures if window.labelled else None
        self._length = LONGER * window.k
        labelled = self._exposures is not None
        self.metric = names.AUC if labelled else names.at_k(names.NDCG, self._length)
        self.chance = 0.5 if labelled else 0.0

    def rungs(self, model: Recommender) -> Iterator[PerUser]:
        """The figure on each share of the choosing users; the last one on all of them.

        Returns:
            each over all users of the window in its order; those not looked at have 0 / 0.
        """
        values, done = self._blank()
        start = 0
        for share in SHARES:
            stop = max(start, round(share * len(self._choosing)))
            self._judge(model, self._choosing[start:stop], values, done)
            start = stop
            yield self._figure(values, done)

    def confirmation(self, model: Recommender) -> PerUser:
        """The figure on the other half of the users; likewise."""
        values, done = self._blank()
        self._judge(model, self._confirming, values, done)
        return self._figure(values, done)

    def _blank(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """A value for each user or exposure, none known yet; and who was looked at."""
        n_users = len(self._window.users)
        n_values = n_users if self._exposures is None else len(self._exposures)
        return np.full(n_values, np.nan), np.zeros(n_users, dtype=bool)

    def _judge(
        self,
        model: Recommender,
        users: npt.NDArray[np.intp],
        values: npt.NDArray[np.float64],
        done: npt.NDArray[np.bool_],
    ) -> None:
        """Fill in the values of `users`."""
        rows = np.sort(users)
        done[rows] = True
        for first, block in Panel({model.name: model}).blocks(self._window.users.take(rows)):
            self._judge_block(model, block, rows[first : first + len(block)], values)

    def _judge_block(
        self,
        model: Recommender,
        users: UserBatch,
        rows: npt.NDArray[np.intp],
        values: npt.NDArray[np.float64],
    ) -> None:
        """Fill in the values of the users at `rows`."""
        if self._exposures is None:
            items, _ = model.recommend(users, self._length)
            hits = Hits.of(items, self._window.held_out.relevant[rows])
            values[rows] = ndcg_at_k(hits, self._length)
            return
        mine = np.flatnonzero(np.isin(self._exposures.row, rows))
        local = np.searchsorted(rows, self._exposures.row[mine])
        values[mine] = standing(model, users, local, self._exposures.item[mine])

    def _figure(self, values: npt.NDArray[np.float64], done: npt.NDArray[np.bool_]) -> PerUser:
        if self._exposures is None:
            return PerUser.of(np.where(done, values, np.nan))
        known = done[self._exposures.row]
        place = np.cumsum(done) - 1
        looked_at = Exposures(
            place[self._exposures.row[known]].astype(np.int32),
            self._exposures.item[known],
            self._exposures.liked[known],
            int(done.sum()),
        )
        found = auc(looked_at, values[known])
        numerator, denominator = np.zeros((2, len(done)))
        numerator[done], denominator[done] = found.numerator, found.denominator
        return PerUser(numerator, denominator)


def standing(
    model: Recommender,
    users: UserBatch,
    row: npt.NDArray[np.intp],
    item: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Where pairs stand in their users' own order of the unseen movies: float64 ``(n_pairs,)``.

    1 is before all others, 0 behind all, ties stand in the middle. So that scores of users with
    long and with short histories can be compared.

    Args:
        users: of whom `row` speaks.
        row, item: ``(n_pairs,)``, unseen movies.
    """
    scores = model.score(users)
    seen = users.seen.tocoo()
    scores[seen.row, seen.col] = -np.inf
    others = np.maximum(scores.shape[1] - np.diff(users.seen.indptr) - 1, 1)
    out = np.empty(len(row))
    step = max(1, _CELLS // max(1, scores.shape[1]))
    for start in range(0, len(row), step):
        here = slice(start, start + step)
        of_user = scores[row[here]]
        own = scores[row[here], item[here]][:, None]
        above = np.count_nonzero(of_user > own, axis=1)
        tied = np.count_nonzero(of_user == own, axis=1) - 1
        out[here] = 1 - (above + tied / 2) / others[row[here]]
    return out
