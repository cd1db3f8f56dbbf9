"""What a benchmark finds: figures, differences and costs, by data set, split and recommender."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from recsys_pipeline.evaluation import names
from recsys_pipeline.ranking.panel import POPULARITY

Protocol = Literal["full", "published"]
"""What lists and test hold: ``full`` every movie; ``published`` only movies met in training."""


@dataclass(frozen=True)
class Cost:
    """What a recommender costs; the only figures of a benchmark that vary from run to run.

    Attributes:
        fit_seconds: fitting it, or all that it is made of; choosing settings is not in it.
        recommend_seconds: the lists of all judged users, median of three.
        peak_megabytes: most memory, beyond data and libraries, that Python and numpy held at one
            time while it was fitted or made its lists; buffers inside compiled code are not in it.
        model_megabytes: its files, uncompressed.
    """

    fit_seconds: float
    recommend_seconds: float
    peak_megabytes: float
    model_megabytes: float


@dataclass(frozen=True)
class Comparison:
    """Every recommender on one data set under one split.

    Attributes:
        data_set: its name.
        asked, split: the split that was asked for, and the one that was made of it.
        reason: what is held out and why, one sentence.
        n_users, n_movies, n_interactions: size of the data set, cleaned.
        n_judged: users judged.
        k: length of a list.
        deciding: name of the metric that decides.
        deciding_reason: why that one, one sentence.
        figures: one row per recommender and metric, as `evaluate.compare` returns them.
        best: for each of `main_metrics` the recommender with the best figure, and behind it those
            not significantly worse: paired permutation tests, corrected by Holm's procedure for
            all pairs of recommenders, at the level of 5 %.
        costs: by recommender.
        released: the recommender that the window chose: the best there of those that compete.
        left_out: recommenders that are missing, and why.
        seconds: the whole learning path: choosing on the window, and all fits.
    """

    data_set: str
    asked: str
    split: str
    reason: str
    n_users: int
    n_movies: int
    n_interactions: int
    n_judged: int
    k: int
    deciding: str
    deciding_reason: str
    figures: pd.DataFrame
    best: Mapping[str, tuple[str, ...]]
    costs: Mapping[str, Cost]
    released: str
    left_out: Mapping[str, str]
    seconds: float

    @property
    def title(self) -> str:
        """Name of the split for people."""
        return self.split if self.asked == self.split else f"{self.split} ({self.asked})"

    @property
    def recommenders(self) -> list[str]:
        """By the deciding metric, best first; those without a figure last."""
        own = self.figures[self.figures[names.METRIC] == self.deciding]
        ordered = own.sort_values(names.MEAN, ascending=False, kind="stable", na_position="last")
        return [str(name) for name in ordered[names.RECOMMENDER]]

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The deciding metric, and nDCG where that is another one."""
        return main_metrics(self.deciding, self.k)

    def rows(self, metric: str) -> dict[str, dict[str, Any]]:
        """The rows of one metric by recommender; empty where nobody has it."""
        own = self.figures[self.figures[names.METRIC] == metric]
        return {str(row[names.RECOMMENDER]): row for row in own.to_dict("records")}


@dataclass(frozen=True)
class LeftOut:
    """What was not measured: a split of a data set, or (split empty) all of it; and why."""

    data_set: str
    split: str
    why: str


@dataclass(frozen=True)
class Benchmark:
    """All comparisons, in the order asked for.

    Attributes:
        comparisons: one per data set and split.
        left_out: what the data did not allow.
        protocol: what lists and test hold.
    """

    comparisons: tuple[Comparison, ...]
    left_out: tuple[LeftOut, ...]
    protocol: Protocol

    @property
    def by_data_set(self) -> dict[str, list[Comparison]]:
        """The comparisons of each data set, in order."""
        found: dict[str, list[Comparison]] = {}
        for each in self.comparisons:
            found.setdefault(each.data_set, []).append(each)
        return found

    @property
    def plain(self) -> dict[str, Any]:
        """Everything as plain values, for JSON; figures that do not exist are NaN."""
        return {
            "protocol": self.protocol,
            "comparisons": [_plain(each) for each in self.comparisons],
            "left_out": [asdict(each) for each in self.left_out],
        }


def main_metrics(deciding: str, k: int) -> tuple[str, ...]:
    """The metrics that are tested: the deciding one, and nDCG@k.

    >>> main_metrics("liked_share_in_top", 10), main_metrics("ndcg_at_10", 10)
    (('liked_share_in_top', 'ndcg_at_10'), ('ndcg_at_10',))
    """
    return tuple(dict.fromkeys((deciding, names.at_k(names.NDCG, k))))


def _plain(comparison: Comparison) -> dict[str, Any]:
    found = {
        name: value
        for name, value in vars(comparison).items()
        if name not in ("figures", "costs", "best")
    }
    return found | {
        "best": {metric: list(each) for metric, each in comparison.best.items()},
        "costs": {name: asdict(cost) for name, cost in comparison.costs.items()},
        "figures": comparison.figures.to_dict("records"),
        "baseline": POPULARITY,
    }
