"""Evaluating: every recommender on what was held out, and the verdict on the chosen one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.beyond import ListContext
from recsys_pipeline.evaluation.dial_plots import DialPoint
from recsys_pipeline.evaluation.evaluate import Evaluation, compare, evaluate, list_length
from recsys_pipeline.evaluation.groups import band_cells, group_table, user_cells
from recsys_pipeline.evaluation.metrics import Hits
from recsys_pipeline.evaluation.pairwise import pairwise_tests
from recsys_pipeline.evaluation.verdict import OPENINGS, Verdict, verdict
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.dials import accuracy_metric, trade_off_points
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.judging import Judge
from recsys_pipeline.pipeline.training import Trained
from recsys_pipeline.ranking.panel import POPULARITY, Ranked
from recsys_pipeline.ranking.ranker import forest_predictions
from recsys_pipeline.ranking.released import ReleasedModel

SHIPPED = "shipped lists"
"""Name in the comparison of what users get: the chosen recommender with rules and dials."""
FOREST = "forest"
_SCORES_KEPT = 20_000


@dataclass(frozen=True)
class CalibrationPairs:
    """Estimated probabilities, float32 ``(n,)``, and whether each came true, bool ``(n,)``."""

    probabilities: Float32Array
    liked: BoolArray


@dataclass(frozen=True)
class EvaluationReport:
    """What the test says.

    Attributes:
        table: one row per recommender and metric: recommender, metric, mean, low, high,
            diff_to_popularity, diff_low, diff_high.
        verdict: whether the lists that users get are better than popularity.
        deciding_reason: why that metric decides, one sentence.
        chosen: name of the chosen recommender.
        n_users: users judged.
        forest: AUC and the like of the forest on the test exposures, empty without it.
        groups: the same figures of the shipped lists, the chosen recommender and popularity by
            segment, length of history and popularity of the movie; see `group_table`.
        pairs: paired tests between any two recommenders; see `pairwise_tests`.
        calibration: probabilities of the chosen one and what came of them.
        accuracy_of_dials: name of the accuracy that dials are traded against.
        trade_off: what each setting of a dial costs and brings; see `trade_off_points`.
    """

    table: pd.DataFrame
    verdict: Verdict
    deciding_reason: str
    chosen: str
    n_users: int
    forest: Mapping[str, float]
    groups: pd.DataFrame
    pairs: pd.DataFrame
    calibration: "CalibrationPairs"
    accuracy_of_dials: str
    trade_off: Mapping[str, list[DialPoint]]

    def figures(self, recommender: str) -> dict[str, float]:
        """The finite figures of one recommender by their names in logs."""
        own = self.table[self.table[names.RECOMMENDER] == recommender]
        pairs = zip(own[names.METRIC], own[names.MEAN], strict=True)
        return {str(name): float(mean) for name, mean in pairs if np.isfinite(mean)}

    @property
    def headline(self) -> dict[str, float]:
        """The figures of the lists that users get."""
        return self.figures(SHIPPED)


def evaluate_all(
    cuts: Cuts, trained: Trained, feature_matrix: pd.DataFrame, learning: LearningConfig,
    progress: Progress,
) -> EvaluationReport:  # fmt: skip
    """Judge every recommender on the test of `cuts`, and the lists that would be shipped.

    Args:
        cuts: those that `trained` was trained on.
        feature_matrix: the window's pairs, for the forest where the settings ask for one.
        progress: is told each step, one line.
    """
    judge, model = Judge.of(cuts, learning), trained.evaluated
    chosen, metric = trained.facts.chosen, judge.deciding.name
    ranked = model.panel.rank(judge.users, judge.list_length, pairs=judge.pairs)
    progress(f"{len(ranked)} recommenders ranked for {len(judge.users):,} users")
    context = judge.context(model)
    probabilities = {
        name: model.pair_probabilities(each, judge.pairs) for name, each in ranked.items()
    }
    lists = {name: each.items for name, each in ranked.items()}
    lists[SHIPPED] = judge.shipped(model, ranked[chosen])
    probabilities[SHIPPED] = probabilities[chosen]
    evaluations = {
        name: judge.evaluation(items, context, probabilities.get(name))
        for name, items in lists.items()
    }
    k = names.at_k(names.NDCG, learning.k)
    groups = {name: evaluations[name] for name in dict.fromkeys((SHIPPED, chosen, POPULARITY))}
    competing = {name: each for name, each in evaluations.items() if name != SHIPPED}
    return EvaluationReport(
        table=compare(evaluations, judge.rng(0), baseline=POPULARITY),
        # The same draws as for the table, so that both state the same interval.
        verdict=_verdict(evaluations, chosen, metric, judge),
        deciding_reason=judge.deciding.reason,
        chosen=chosen,
        n_users=len(judge.users),
        forest=_forest(judge, feature_matrix, model, progress),
        groups=_by_group(groups, lists, judge, context, tuple(dict.fromkeys((metric, k)))),
        pairs=pairwise_tests(competing, metric, judge.rng(4)),
        calibration=_calibration_pairs(judge, ranked[chosen], model, probabilities[chosen]),
        accuracy_of_dials=accuracy_metric(judge),
        trade_off=trade_off_points(judge, model),
    )


def figures_in(table: pd.DataFrame, recommender: str) -> dict[str, float]:
    """The finite figures of one recommender, from the stored comparison."""
    own = table[(table[names.RECOMMENDER] == recommender) & table[names.MEAN].notna()]
    return {str(m): float(v) for m, v in zip(own[names.METRIC], own[names.MEAN], strict=True)}


def intervals_in(table: pd.DataFrame, recommender: str) -> dict[str, tuple[float, float]]:
    """The bounds of these figures, of those that have an interval."""
    own = table[(table[names.RECOMMENDER] == recommender) & (table[names.LOW] < table[names.HIGH])]
    columns = (own[names.METRIC], own[names.LOW], own[names.HIGH])
    return {str(m): (float(low), float(high)) for m, low, high in zip(*columns, strict=True)}


def _verdict(
    evaluations: Mapping[str, Evaluation], chosen: str, metric: str, judge: Judge
) -> Verdict:
    found = verdict(evaluations[SHIPPED], evaluations[POPULARITY], metric, judge.rng(0))
    if chosen != POPULARITY:
        return found
    sentence = (
        f"{OPENINGS['no']} Popularity itself was chosen, as nothing that was learned did better on "
        "the window; more columns, or likes counted otherwise (learning.likes), "
        "may help."
    )
    return replace(found, answer="no", sentence=sentence)


def _by_group(
    evaluations: Mapping[str, Evaluation],
    lists: Mapping[str, Int32Array],
    judge: Judge,
    context: ListContext,
    metrics: tuple[str, ...],
) -> pd.DataFrame:
    """Figures by segment, length of history and popularity of the movie."""
    cells = user_cells(evaluations, judge.groupings(), metrics)
    own = {name: lists[name] for name in evaluations}
    cells |= band_cells(own, judge.held_out, context.popularity, metrics)
    return group_table(cells, judge.rng(6), baseline=POPULARITY)


def _calibration_pairs(
    judge: Judge, ranked: Ranked, model: ReleasedModel, probabilities: Float32Array
) -> CalibrationPairs:
    """Probabilities and what came of them: of labelled pairs, else of the places of lists."""
    exposures = judge.held_out.exposures
    if exposures is not None:
        return CalibrationPairs(probabilities[:_SCORES_KEPT], exposures.liked[:_SCORES_KEPT])
    hits = Hits.of(ranked.items, judge.held_out.relevant).hit
    listed = ranked.items >= 0
    scores = model.probabilities(ranked)
    return CalibrationPairs(scores[listed][:_SCORES_KEPT], hits[listed][:_SCORES_KEPT])


def _forest(
    judge: Judge, feature_matrix: pd.DataFrame, model: ReleasedModel, progress: Progress
) -> dict[str, float]:
    """How a random forest on the plain pair features does on the test exposures."""
    learning, held_out = judge.learning, judge.held_out
    features = model.panel.pair_features
    if not learning.ranker.compare_forest or held_out.exposures is None or features is None:
        return {}
    test = features.transform(judge.users, judge.pairs.rows, judge.pairs.items)
    labels = feature_matrix["label"].to_numpy(dtype=np.int8)
    known = feature_matrix[list(features.names)].to_numpy(dtype=np.float32)
    probabilities = forest_predictions(known, labels, test, learning.seed)
    progress("the random forest was trained and judged for comparison")
    nothing = np.full((len(held_out.users), list_length(held_out.n_items)), -1, dtype=np.int32)
    judged = evaluate(nothing, held_out, judge.rng(3), probabilities=probabilities)
    wanted = (names.AUC, names.LIKED_PRECISION, names.LIKED_RECALL, names.LIKED_F1)
    return {name: judged.figures[name] for name in wanted if name in judged.figures}
