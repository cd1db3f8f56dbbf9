"""Deciding: whether the recipe of the settings takes the place of the one in service."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.evaluation.promotion import CANDIDATE, Decision, decide, groups_against_service
from recsys_pipeline.evaluation.verdict import Verdict, verdict
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.judging import Judge
from recsys_pipeline.pipeline.training import Trained
from recsys_pipeline.ranking.panel import POPULARITY

IN_SERVICE = "in service"
PROMOTED, WAITS, COMPARED = "promoted", "waits", "compared"
TITLE, REASON, OPPONENT = "title", "reason", "opponent"
OPPONENT_ANSWER, OPPONENT_SENTENCE = "opponent_answer", "opponent_sentence"
OPPONENT_FIGURES, OPPONENT_INTERVALS = "opponent_figures", "opponent_intervals"
"""Columns of the decision as a row."""


@dataclass(frozen=True)
class Promotion:
    """What became of the candidate.

    Attributes:
        decision: of the gate; where nothing was compared, only with what could be said.
        promoted: whether the candidate's recipe makes what is served from now on.
        waits: whether it may and a person has to say so first.
        compared: whether it was held against a recipe in service.
        figures: the deciding metric of the candidate, the recipe in service and popularity.
        opponent: the release in service, or empty.
        opponent_figures: all figures of the opponent's recommender; empty where none was refitted.
        opponent_intervals: lower and upper bounds of those figures that have an interval.
        opponent_verdict: whether that is better than popularity; None likewise.
    """

    decision: Decision
    promoted: bool
    waits: bool
    compared: bool
    figures: dict[str, Interval]
    opponent: str
    opponent_figures: dict[str, float]
    opponent_intervals: dict[str, tuple[float, float]]
    opponent_verdict: Verdict | None

    @property
    def sentence(self) -> str:
        """The decision and why, for people."""
        return f"{self.decision.title}. {self.decision.reason}"

    def table(self) -> pd.DataFrame:
        """The conditions as rows: condition, passed, figure, limit, text."""
        rows = self.decision.conditions
        return pd.DataFrame(
            {
                "condition": pd.array([each.name for each in rows], dtype="str"),
                "passed": np.array([each.passed for each in rows], dtype=bool),
                "figure": np.array([each.figure for each in rows], dtype=float),
                "limit": np.array([each.limit for each in rows], dtype=float),
                "text": pd.array([each.text for each in rows], dtype="str"),
            }
        )


def decide_promotion(
    cuts: Cuts,
    trained: Trained,
    in_service: InService,
    learning: LearningConfig,
    opponent_cuts: Cuts | None,
    progress: Progress,
) -> Promotion:
    """Hold the lists of the candidate against those of the recipe in service, user by user.

    Both are judged as they would be shipped, with rules and dials, on the same test.

    Args:
        cuts: of the candidate.
        trained: the candidate.
        in_service: the opponent.
        learning: the settings: of the candidate, and how both are judged.
        opponent_cuts: the same cuts as the opponent's recipe reads them; None without one.
        progress: is told the decision.
    """
    judge = Judge.of(cuts, learning)
    metric = judge.deciding.name
    ours, popular = _shipped(judge, trained), _popularity(judge, trained)
    theirs, worth = None, None
    groups = pd.DataFrame()
    if in_service.trained is not None and opponent_cuts is not None:
        theirs = _shipped(judge.for_recipe(opponent_cuts), in_service.trained)
        groups = groups_against_service(ours, theirs, judge.groupings(), metric, judge.rng(8))
        worth = verdict(theirs, popular, metric, judge.rng(0))
    decision = decide(
        ours,
        theirs,
        metric,
        groups,
        checks_passed=True,
        config=learning.promotion,
        rng=judge.rng(9),
        k=learning.k,
    )
    decision = _in_words(decision, in_service, learning)
    figures = {CANDIDATE: ours.intervals[metric]}
    if theirs is not None:
        figures[IN_SERVICE] = theirs.intervals[metric]
    figures[POPULARITY] = popular.intervals[metric]
    progress(f"{decision.title}. {decision.reason}")
    return Promotion(
        decision,
        decision.promoted,
        decision.waits,
        theirs is not None,
        figures,
        in_service.release,
        {} if theirs is None else theirs.figures,
        {} if theirs is None else theirs.bounds,
        worth,
    )


def _in_words(decision: Decision, in_service: InService, learning: LearningConfig) -> Decision:
    """What a person has decided before, and why nothing could be compared."""
    if in_service.held:
        return replace(
            decision,
            promoted=False,
            waits=False,
            title="Not promoted: this recipe was rolled back",
            reason=(
                "A person rolled this recipe back, so no run puts it in service again. Change the "
                f"settings, or promote a release of it with `recsys releases promote`. "
                f"{decision.reason}"
            ),
        )
    if in_service.same:
        return replace(decision, title="Refitted: the recipe in service", reason=in_service.note)
    if in_service.sampled:
        title = "Not compared: a sample of the users replaces nothing"
        return replace(decision, title=title, reason=in_service.note)
    if in_service.release and in_service.learning is None:
        if learning.promotion.mode == "manual":
            title = "Waits for approval: it could not be compared"
            return replace(
                decision, promoted=False, waits=True, title=title, reason=in_service.note
            )
        return replace(decision, title="Promoted without a comparison", reason=in_service.note)
    return decision


def _shipped(judge: Judge, trained: Trained) -> Evaluation:
    model, chosen = trained.evaluated, trained.facts.chosen
    ranked = model.panel.rank(judge.users, judge.list_length, names=[chosen], pairs=judge.pairs)
    items = judge.shipped(model, ranked[chosen])
    probabilities = model.pair_probabilities(ranked[chosen], judge.pairs)
    return judge.evaluation(items, judge.context(model), probabilities)


def _popularity(judge: Judge, trained: Trained) -> Evaluation:
    model = trained.evaluated
    ranked = model.panel.rank(
        judge.users, judge.list_length, names=[POPULARITY], pairs=judge.pairs
    )[POPULARITY]
    return judge.evaluation(ranked.items, judge.context(model), None)


def decision_row(promotion: Promotion) -> pd.DataFrame:
    """The decision as one row, for a table: what was decided, by which figures."""
    decision = promotion.decision
    difference, worth = decision.difference, promotion.opponent_verdict
    unknown = float("nan")
    return pd.DataFrame(
        {
            PROMOTED: [promotion.promoted],
            WAITS: [promotion.waits],
            COMPARED: [promotion.compared],
            "outcome": [decision.outcome],
            TITLE: [decision.title],
            REASON: [decision.reason],
            OPPONENT: [promotion.opponent],
            names.METRIC: [decision.metric],
            "candidate": [decision.candidate.mean],
            "in_service": [decision.in_service.mean if decision.in_service else unknown],
            "difference": [difference.mean if difference else unknown],
            "difference_low": [difference.low if difference else unknown],
            "difference_high": [difference.high if difference else unknown],
            OPPONENT_ANSWER: [worth.answer if worth else ""],
            OPPONENT_SENTENCE: [worth.sentence if worth else ""],
            OPPONENT_FIGURES: [json.dumps(promotion.opponent_figures)],
            OPPONENT_INTERVALS: [json.dumps(promotion.opponent_intervals)],
        }
    )
