"""Evaluating: every recommender on what was held out, and the verdict on the chosen one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recsys_pipeline.data.dataset import Float32Array
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import KS, Evaluation, compare, evaluate, list_length
from recsys_pipeline.evaluation.held_out import HeldOut, hold_out
from recsys_pipeline.evaluation.verdict import Verdict, deciding_metric, verdict
from recsys_pipeline.pipeline.choosing import exposed_pairs
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, sample_of
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.training import Trained
from recsys_pipeline.ranking.panel import POPULARITY, Pairs, Ranked
from recsys_pipeline.ranking.ranker import forest_predictions
from recsys_pipeline.ranking.released import ReleasedModel

FOREST = "forest"
_SCORES_KEPT = 20_000


@dataclass(frozen=True)
class EvaluationReport:
    """What the test says.

    Attributes:
        table: one row per recommender and metric: recommender, metric, mean, low, high,
            diff_to_popularity, diff_low, diff_high.
        verdict: whether the chosen recommender is better than popularity.
        deciding_reason: why that metric decides, one sentence.
        chosen: name of the chosen recommender.
        n_users: users judged.
        scores: probabilities on the lists of the chosen one, float32, for a histogram; a
            sample beyond 20,000.
        forest: AUC and the like of the forest on the test exposures, empty without it.
    """

    table: pd.DataFrame
    verdict: Verdict
    deciding_reason: str
    chosen: str
    n_users: int
    scores: Float32Array
    forest: Mapping[str, float]

    def figures(self, recommender: str) -> dict[str, float]:
        """The finite figures of one recommender by their names in logs."""
        own = self.table[self.table[names.RECOMMENDER] == recommender]
        pairs = zip(own[names.METRIC], own[names.MEAN], strict=True)
        return {str(name): float(mean) for name, mean in pairs if np.isfinite(mean)}

    @property
    def headline(self) -> dict[str, float]:
        """The figures of the chosen recommender."""
        return self.figures(self.chosen)


def evaluate_all(
    cuts: Cuts, trained: Trained, feature_matrix: pd.DataFrame, learning: LearningConfig,
    progress: Progress,
) -> EvaluationReport:  # fmt: skip
    """Judge every recommender on the test of `cuts`.

    Args:
        cuts: those that `trained` was trained on.
        feature_matrix: the window's pairs, for the forest where the settings ask for one.
        progress: is told each step, one line.
    """
    judged = sample_of(np.unique(cuts.test.user), learning.evaluation.max_users, learning.seed)
    test = cuts.test.take(np.isin(cuts.test.user, judged))
    held_out = hold_out(cuts.train, test)
    model = trained.evaluated
    ks = tuple(sorted({*KS, learning.k}))
    k = list_length(held_out.n_items, ks) if held_out.exposures is not None else max(ks)
    pairs = exposed_pairs(held_out)
    ranked = model.panel.rank(cuts.train.batch(held_out.users), k, pairs=pairs)
    progress(f"{len(ranked)} recommenders ranked for {len(held_out.users):,} users")
    evaluations = {
        name: _evaluation(name, each, held_out, model, pairs, ks, learning)
        for name, each in ranked.items()
    }
    deciding = deciding_metric(held_out, learning.k)
    chosen = trained.facts.chosen
    shown = ranked[chosen].items[:, : learning.k] >= 0
    scores = model.probabilities(ranked[chosen])[:, : learning.k][shown]
    judged_best = verdict(
        evaluations[chosen], evaluations[POPULARITY], deciding.name, _rng(learning, 0)
    )
    if chosen == POPULARITY:
        sentence = (
            "Better than popularity: no. Popularity itself was chosen, as nothing that was learned "
            "did better on the window; more columns, or likes counted otherwise (learning.likes), "
            "may help."
        )
        judged_best = replace(judged_best, answer="no", sentence=sentence)
    return EvaluationReport(
        table=compare(evaluations, _rng(learning, 0), baseline=POPULARITY),
        # The same draws as for the table, so that both state the same interval.
        verdict=judged_best,
        deciding_reason=deciding.reason,
        chosen=chosen,
        n_users=len(held_out.users),
        scores=scores[:_SCORES_KEPT],
        forest=_forest(cuts, held_out, feature_matrix, model, learning, progress),
    )


def _evaluation(
    name: str,
    ranked: Ranked,
    held_out: HeldOut,
    model: ReleasedModel,
    pairs: Pairs,
    ks: tuple[int, ...],
    learning: LearningConfig,
) -> Evaluation:
    probabilities = None
    if held_out.exposures is not None:
        probabilities = model.pair_probabilities(ranked, pairs)
    return evaluate(ranked.items, held_out, _rng(learning, 2), probabilities=probabilities, ks=ks)


def _rng(learning: LearningConfig, number: int) -> np.random.Generator:
    return np.random.default_rng([learning.seed, 5, number])


def _forest(
    cuts: Cuts,
    held_out: HeldOut,
    feature_matrix: pd.DataFrame,
    model: ReleasedModel,
    learning: LearningConfig,
    progress: Progress,
) -> dict[str, float]:
    """How a random forest on the plain pair features does on the test exposures."""
    features = model.panel.pair_features
    if not learning.ranker.compare_forest or held_out.exposures is None or features is None:
        return {}
    pairs = exposed_pairs(held_out)
    test = features.transform(cuts.train.batch(held_out.users), pairs.rows, pairs.items)
    labels = feature_matrix["label"].to_numpy(dtype=np.int8)
    known = feature_matrix[list(features.names)].to_numpy(dtype=np.float32)
    probabilities = forest_predictions(known, labels, test, learning.seed)
    progress("the random forest was trained and judged for comparison")
    nothing = np.full((len(held_out.users), list_length(held_out.n_items)), -1, dtype=np.int32)
    judged = evaluate(nothing, held_out, _rng(learning, 3), probabilities=probabilities)
    wanted = (names.AUC, names.LIKED_PRECISION, names.LIKED_RECALL, names.LIKED_F1)
    return {name: judged.figures[name] for name in wanted if name in judged.figures}
