"""Judging for a benchmark: whose lists, over which movies, and who is best."""

from collections.abc import Mapping, Sequence

import numpy as np

from recsys_pipeline.data.dataset import BoolArray
from recsys_pipeline.errors import DataError
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.held_out import hold_out
from recsys_pipeline.evaluation.pairwise import LEVEL_OF_SIGNIFICANCE, pairwise_tests
from recsys_pipeline.evaluation.verdict import deciding_metric
from recsys_pipeline.pipeline.benchmark_results import Protocol
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.judging import Judge
from recsys_pipeline.pipeline.window import exposed_pairs
from recsys_pipeline.ranking.released import ReleasedModel


def judge_of(
    cuts: Cuts, learning: LearningConfig, protocol: Protocol
) -> tuple[Judge, BoolArray | None]:
    """The test, and which movies lists may hold: bool ``(n_items,)``, None for all.

    Raises:
        DataError: nothing is held out that lists could be judged by.
    """
    judge, allowed = Judge.of(cuts, learning), None
    if protocol == "published":
        allowed = np.bincount(cuts.train.events.item, minlength=cuts.train.n_items) > 0
        test = cuts.test.take(np.isin(cuts.test.user, judge.held_out.users))
        held_out = hold_out(cuts.known, test, counts=allowed)
        judge = Judge(
            cuts=cuts,
            held_out=held_out,
            users=cuts.known.batch(held_out.users),
            pairs=exposed_pairs(held_out),
            deciding=deciding_metric(held_out, learning.k),
            learning=learning,
        )
    if not judge.held_out.relevant.nnz:
        raise DataError(
            f"The split '{cuts.outer.kind}' holds out no like that a list could be judged by.",
            "Choose another split, or add interactions.",
        )
    return judge, allowed


def best_of(
    evaluations: Mapping[str, Evaluation], metric: str, rng: np.random.Generator
) -> tuple[str, ...]:
    """The best by `metric`, and those not significantly worse than it; see `Comparison.best`.

    Returns:
        names, the best first and the others in the order given; empty where nobody has a figure.
    """
    means = {
        name: each.intervals[metric].mean
        for name, each in evaluations.items()
        if metric in each.intervals and np.isfinite(each.intervals[metric].mean)
    }
    if not means:
        return ()
    best = max(means, key=lambda name: means[name])
    tests = pairwise_tests({name: evaluations[name] for name in means}, metric, rng)
    chance = {
        frozenset(pair): float(p)
        for *pair, p in zip(
            tests[names.FIRST], tests[names.SECOND], tests[names.P_CORRECTED], strict=True
        )
    }
    equals = [
        name
        for name in means
        if name != best and chance[frozenset((best, name))] >= LEVEL_OF_SIGNIFICANCE
    ]
    return (best, *equals)


def judged(
    judge: Judge, model: ReleasedModel, shown: Sequence[str], allowed: BoolArray | None
) -> dict[str, Evaluation]:
    """The figures of the recommenders of `model` that are named in `shown`."""
    ranked = model.panel.rank(
        judge.users, judge.list_length, names=shown, allowed=allowed, pairs=judge.pairs
    )
    context = judge.context(model)
    return {
        name: judge.evaluation(each.items, context, model.pair_probabilities(each, judge.pairs))
        for name, each in ranked.items()
    }
