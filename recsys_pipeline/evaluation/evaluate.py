"""Evaluation of one recommender on what was held out, and the comparison of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.beyond import ListContext, beyond_accuracy
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import (
    N_RESAMPLES,
    Interval,
    percentile_interval,
    resample,
)
from recsys_pipeline.evaluation.labelled import (
    Exposures,
    auc,
    auc_by_user,
    liked_precision_recall_f1,
    liked_share_in_top,
    top_size,
)
from recsys_pipeline.evaluation.lists import list_figures
from recsys_pipeline.evaluation.metrics import (
    Hits,
    IntArray,
    catalogue_coverage,
    hit_rate_at_k,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from recsys_pipeline.evaluation.per_user import PerUser

KS: Final = (5, 10, 20)
"""List lengths at which ranking is judged."""

RANKING: Final = {
    names.NDCG: ndcg_at_k,
    names.PRECISION: precision_at_k,
    names.RECALL: recall_at_k,
    names.MAP: map_at_k,
    names.MRR: mrr_at_k,
    names.HIT_RATE: hit_rate_at_k,
}
"""Ranking metrics by name: functions of hits and k."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one recommender.

    Attributes:
        users: int32 ``(n_users,)``, rows in the user map: whose figures these are.
        per_user: for each metric its figures user by user.
        of_lists: figures of all lists together, which have no interval: the share of the catalogue
            in at least one list, by ``coverage_at_k``, and with a context those of `lists`.
        intervals: for each metric of `per_user` its figure with a confidence interval.
    """

    users: npt.NDArray[np.int32]
    per_user: Mapping[str, PerUser]
    of_lists: Mapping[str, float]
    intervals: Mapping[str, Interval]

    @property
    def figures(self) -> dict[str, float]:
        """Every finite figure by its name in logs; no intervals."""
        means = {name: interval.mean for name, interval in self.intervals.items()}
        return {
            name: mean for name, mean in {**means, **self.of_lists}.items() if np.isfinite(mean)
        }

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Lower and upper bound of every interval that is finite, by the metric's name in logs."""
        known = {name: (float(each.low), float(each.high)) for name, each in self.intervals.items()}
        return {name: both for name, both in known.items() if np.isfinite(both).all()}

    def summary(self) -> pd.DataFrame:
        """One row per metric: metric, k (missing where it has none), mean, low, high, n_users."""
        rows = list(self.intervals.items())
        rows += [(name, _certain(value, len(self.users))) for name, value in self.of_lists.items()]
        table = pd.DataFrame(
            {
                names.METRIC: pd.Series([name for name, _ in rows], dtype="str"),
                names.K: pd.array([names.base_and_k(name)[1] for name, _ in rows], dtype="Int64"),
                names.MEAN: [interval.mean for _, interval in rows],
                names.LOW: [interval.low for _, interval in rows],
                names.HIGH: [interval.high for _, interval in rows],
                names.N_USERS: [interval.n for _, interval in rows],
            }
        )
        return table


def list_length(n_items: int, ks: Sequence[int] = KS) -> int:
    """Length of the lists that `evaluate` needs where there are labelled exposures.

    >>> list_length(2000), list_length(50)
    (100, 20)
    """
    return max(*ks, top_size(n_items))


def evaluate(
    items: IntArray,
    held_out: HeldOut,
    rng: np.random.Generator,
    *,
    scores: npt.NDArray[Any] | None = None,
    probabilities: npt.NDArray[Any] | None = None,
    context: ListContext | None = None,
    ks: Sequence[int] = KS,
    n_resamples: int = N_RESAMPLES,
) -> Evaluation:
    """The figures of one recommender.

    Args:
        items: int ``(n_users, K)``, the list of each user of `held_out`, best first, −1 where it
            has ended. K is at least ``max(ks)``, and with labelled exposures at least
            ``list_length(n_items)``.
        held_out: what to judge by.
        rng: draws the users of the bootstrap. Equal states give equal draws.
        scores: ``(n_exposures,)``, the score of each labelled exposure on any scale; for the AUCs.
        probabilities: the same as probabilities of a like, for precision, recall and F1; also for
            the AUCs where there are no `scores`.
        context: what the lists are held against for figures beyond accuracy, at its own k; None
            leaves them out.
        ks: list lengths at which ranking is judged.
        n_resamples: draws of the bootstrap.

    Returns:
        ranking metrics and coverage at each k, the metrics that labels and scores allow, and
        those that the context allows.

    Raises:
        ValueError: shapes do not match, lists are too short, or scores come without labels.
    """
    n_items = held_out.n_items
    exposures = held_out.exposures
    needed = list_length(n_items, ks) if exposures is not None else max(ks)
    if items.ndim != 2 or items.shape[1] < needed:
        raise ValueError(f"lists of shape {items.shape}; {needed} places are needed")
    if exposures is None and (scores is not None or probabilities is not None):
        raise ValueError("scores of exposures, but nothing held out has a label")
    hits = Hits.of(items[:, : max(ks)], held_out.relevant)
    relevant_users = hits.some.astype(np.float64)
    per_user = {
        names.at_k(base, k): PerUser(np.nan_to_num(metric(hits, k)), relevant_users)
        for base, metric in RANKING.items()
        for k in ks
    }
    if exposures is not None:
        top = items[:, : top_size(n_items)]
        per_user[names.LIKED_SHARE_IN_TOP] = liked_share_in_top(top, exposures, n_items)
        per_user |= _on_scores(exposures, scores, probabilities)
    of_lists = {
        names.at_k(names.COVERAGE, k): catalogue_coverage(items[:, :k], n_items) for k in ks
    }
    if context is not None:
        per_user |= beyond_accuracy(items, held_out.relevant, context)
        of_lists |= list_figures(items, context.k, n_items)
    samples = resample(list(per_user.values()), rng, n_resamples=n_resamples)
    intervals = {
        name: _possible(name, percentile_interval(metric.mean, samples[:, i], metric.n_users))
        for i, (name, metric) in enumerate(per_user.items())
    }
    return Evaluation(held_out.users, per_user, of_lists, intervals)


def _on_scores(
    exposures: Exposures,
    scores: npt.NDArray[Any] | None,
    probabilities: npt.NDArray[Any] | None,
) -> dict[str, PerUser]:
    found: dict[str, PerUser] = {}
    ranked_by = probabilities if scores is None else scores
    if ranked_by is not None:
        found[names.AUC] = auc(exposures, ranked_by)
        found[names.AUC_BY_USER] = auc_by_user(exposures, ranked_by)
    if probabilities is not None:
        precision, recall, f1 = liked_precision_recall_f1(exposures, probabilities)
        found |= {
            names.LIKED_PRECISION: precision,
            names.LIKED_RECALL: recall,
            names.LIKED_F1: f1,
        }
    return found


def _possible(metric: str, interval: Interval) -> Interval:
    """An AUC lies within 0…1; its linearised interval near 1 may reach beyond."""
    if metric != names.AUC:
        return interval
    low, high = np.clip([interval.low, interval.high], 0.0, 1.0)
    return Interval(interval.mean, float(low), float(high), interval.n, interval.level)


def _certain(value: float, n: int) -> Interval:
    return Interval(value, float("nan"), float("nan"), n)


def compare(
    evaluations: Mapping[str, Evaluation],
    rng: np.random.Generator,
    *,
    baseline: str = "popularity",
    n_resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """Every figure of every recommender, beside its paired difference to the baseline.

    Args:
        evaluations: by name of the recommender, all over the same users.
        rng: draws the users of the bootstrap, the same for all recommenders.
        baseline: name of the recommender that the others are compared with.
        n_resamples: draws of the bootstrap.

    Returns:
        one row per recommender and metric, in the order given: recommender, metric, mean, low,
        high, diff_to_<baseline>, diff_low, diff_high. Differences are 0 for the baseline itself,
        and NaN where it has no such figure; the figures of all lists together have no interval.

    Raises:
        ValueError: there is no baseline, or the recommenders were judged on different users.
    """
    if baseline not in evaluations:
        raise ValueError(f"no evaluation of {baseline!r} among {sorted(evaluations)}")
    base = evaluations[baseline]
    for name, evaluation in evaluations.items():
        if not np.array_equal(evaluation.users, base.users):
            raise ValueError(f"{name!r} and {baseline!r} were judged on different users")
    pairs = [
        (name, metric, figures)
        for name, evaluation in evaluations.items()
        for metric, figures in evaluation.per_user.items()
    ]
    samples = resample([figures for _, _, figures in pairs], rng, n_resamples=n_resamples)
    column = {(name, metric): i for i, (name, metric, _) in enumerate(pairs)}
    differences = {
        (name, metric): _difference(
            figures, base.per_user[metric], samples[:, i] - samples[:, column[baseline, metric]]
        )
        for i, (name, metric, figures) in enumerate(pairs)
        if metric in base.per_user
    }
    for name, evaluation in evaluations.items():
        for metric, value in evaluation.of_lists.items():
            less = value - base.of_lists.get(metric, float("nan"))
            differences[name, metric] = _certain(less, len(evaluation.users))
    return _table(evaluations, differences, names.DIFFERENCE.format(baseline))


def _difference(a: PerUser, b: PerUser, samples: npt.NDArray[np.float64]) -> Interval:
    return percentile_interval(a.mean - b.mean, samples, int((a.known | b.known).sum()))


def _table(
    evaluations: Mapping[str, Evaluation],
    differences: Mapping[tuple[str, str], Interval],
    difference_column: str,
) -> pd.DataFrame:
    unknown = _certain(float("nan"), 0)
    parts = []
    for name, evaluation in evaluations.items():
        summary = evaluation.summary()
        found = [differences.get((name, metric), unknown) for metric in summary[names.METRIC]]
        summary.insert(0, names.RECOMMENDER, pd.array([name] * len(summary), dtype="str"))
        summary[difference_column] = [interval.mean for interval in found]
        summary[names.DIFFERENCE_LOW] = [interval.low for interval in found]
        summary[names.DIFFERENCE_HIGH] = [interval.high for interval in found]
        parts.append(summary.drop(columns=[names.K, names.N_USERS]))
    return pd.concat(parts, ignore_index=True)
