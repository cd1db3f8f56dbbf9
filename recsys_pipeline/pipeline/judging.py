"""Judge: the held-out test of one run, and what any model of it is worth there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.evaluation.beyond import ListContext
from recsys_pipeline.evaluation.evaluate import KS, Evaluation, evaluate, list_length
from recsys_pipeline.evaluation.groups import Grouping, by_history_length, by_segment
from recsys_pipeline.evaluation.held_out import HeldOut, hold_out
from recsys_pipeline.evaluation.verdict import DecidingMetric, deciding_metric
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, sample_of
from recsys_pipeline.pipeline.window import exposed_pairs
from recsys_pipeline.ranking.exploration import UInt64Array, exploration_keys
from recsys_pipeline.ranking.panel import POPULARITY, Pairs, Ranked
from recsys_pipeline.ranking.released import ReleasedModel


@dataclass(frozen=True)
class Judge:
    """The test of one run.

    Attributes:
        cuts: of the run.
        held_out: what the judged users did in the test.
        users: what was known of them before it.
        pairs: the labelled exposures.
        deciding: the metric that decides.
        learning: the settings.
    """

    cuts: Cuts
    held_out: HeldOut
    users: UserBatch
    pairs: Pairs
    deciding: DecidingMetric
    learning: LearningConfig

    @classmethod
    def of(cls, cuts: Cuts, learning: LearningConfig) -> "Judge":
        """The test of `cuts`; beyond `evaluation.max_users` a sample of its users."""
        judged = sample_of(np.unique(cuts.test.user), learning.evaluation.max_users, learning.seed)
        held_out = hold_out(cuts.known, cuts.test.take(np.isin(cuts.test.user, judged)))
        return cls(
            cuts=cuts,
            held_out=held_out,
            users=cuts.known.batch(held_out.users),
            pairs=exposed_pairs(held_out),
            deciding=deciding_metric(held_out, learning.k),
            learning=learning,
        )

    def for_recipe(self, cuts: Cuts) -> "Judge":
        """The same test for a recipe that reads the same events otherwise.

        What users did stays what the settings say it was; what is known of them beforehand is
        what the recipe makes of it.
        """
        return Judge(
            cuts,
            self.held_out,
            cuts.known.batch(self.held_out.users),
            self.pairs,
            self.deciding,
            self.learning,
        )

    @property
    def ks(self) -> tuple[int, ...]:
        return tuple(sorted({*KS, self.learning.k}))

    @property
    def list_length(self) -> int:
        """Length of the lists that `evaluation` needs."""
        if self.held_out.exposures is None:
            return max(self.ks)
        return list_length(self.held_out.n_items, self.ks)

    @cached_property
    def keys(self) -> UInt64Array:
        """What the judged users' explorations are drawn by."""
        ids = self.cuts.everything.users.values[self.held_out.users]
        return exploration_keys(ids, self.learning.seed)

    def rng(self, number: int) -> np.random.Generator:
        """A generator of its own for each purpose; the same number draws the same."""
        return np.random.default_rng([self.learning.seed, 5, number])

    def context(self, model: ReleasedModel) -> ListContext:
        """What lists are held against for figures beyond accuracy."""
        ranked = model.panel.rank(self.users, self.learning.k, names=[POPULARITY])
        genres = GenreTable.of(self.cuts.everything.movies).movies
        return ListContext(
            popularity=np.bincount(self.cuts.train.seen.indices, minlength=self.held_out.n_items),
            history=self.users.history,
            popular=ranked[POPULARITY].items,
            genres=genres if genres.nnz else None,
            k=self.learning.k,
        )

    def evaluation(
        self, items: Int32Array, context: ListContext, probabilities: Float32Array | None
    ) -> Evaluation:
        """The figures of lists, with the same draws for whoever is judged."""
        return evaluate(
            items,
            self.held_out,
            self.rng(2),
            probabilities=probabilities if self.held_out.exposures is not None else None,
            context=context,
            ks=self.ks,
        )

    def shipped(self, model: ReleasedModel, ranked: Ranked) -> Int32Array:
        """The lists that users get, with rules and dials, and behind them the rest as ranked.

        Args:
            model: whose lists.
            ranked: what its chosen recommender makes of the users, `list_length` long.

        Returns:
            int32 ``(n_users, list_length)``.
        """
        k = self.learning.k
        lists = model.recommend(self.users, k, keys=self.keys).items
        both = _distinct(np.concatenate([lists, ranked.items], axis=1))
        # A list that is too short stays so: what follows starts behind place k.
        start = (lists >= 0).sum(axis=1, keepdims=True)
        rest = np.take_along_axis(both, start + np.arange(self.list_length - k), axis=1)
        return np.concatenate([lists, rest], axis=1)

    def groupings(self) -> Sequence[Grouping]:
        """The users by length of history and, where it is known, by segment."""
        found = [by_history_length(self.users.history_lengths)]
        profiles = self.users.profiles
        if n.SEGMENT in profiles.columns and profiles[n.SEGMENT].notna().any():
            found.append(by_segment(profiles[n.SEGMENT]))
        return found


def _distinct(items: Int32Array) -> Int32Array:
    """Each row without what it holds before, filled with −1."""
    columns = np.broadcast_to(np.arange(items.shape[1]), items.shape)
    order = np.lexsort((columns, items), axis=1)
    ordered = np.take_along_axis(items, order, axis=1)
    first = np.ones(items.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    keep = np.zeros(items.shape, dtype=bool)
    np.put_along_axis(keep, order, first & (ordered >= 0), axis=1)
    place = np.argsort(~keep, axis=1, kind="stable")
    kept = np.take_along_axis(keep, place, axis=1)
    return np.where(kept, np.take_along_axis(items, place, axis=1), -1).astype(np.int32)
