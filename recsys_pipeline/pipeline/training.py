"""Training: fit, choose, refit on what came before the test, refit on everything."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.adjusting import adjust
from recsys_pipeline.pipeline.choosing import Choice, RankerData, choose, fit_ranker, ranker_data
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, make_cuts
from recsys_pipeline.pipeline.fitting import Fitted, Progress, fit_generators
from recsys_pipeline.pipeline.window import Window
from recsys_pipeline.ranking.availability import AVAILABILITY
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE, Panel
from recsys_pipeline.ranking.ranker import BoostingRanker
from recsys_pipeline.ranking.released import ReleasedModel, load_released_model
from recsys_pipeline.ranking.rules import Rules

OF_GROUPS: Final = ("clusters", "segment_popularity")
"""Generators whose lists of whole groups of users are part of every release."""

_FACTS = "facts.json"


@dataclass(frozen=True)
class TrainingFacts:
    """What training found; figures only, never a user.

    Attributes:
        chosen: the recommender to release.
        reason: why, one sentence.
        metric: the metric that decided.
        window_figures: that metric on the window, by recommender, best first.
        window_users: users that they rest on.
        seconds: fitting on everything before the test, by recommender.
        blend: the weights of the blend, by generator; empty without one.
        settled: numbers that the window put in place of 'auto', by setting.
        importances: AUC lost when a feature is shuffled, by feature, largest first; measured on
            users that the measured ranker did not learn from.
        left_out: recommenders that are missing, and why.
        split: what is held out for the test and why, one sentence.
        n_pairs: labelled pairs that the ranker learned from.
    """

    chosen: str
    reason: str
    metric: str
    window_figures: Mapping[str, float]
    window_users: int
    seconds: Mapping[str, float]
    blend: Mapping[str, float]
    settled: Mapping[str, float]
    importances: Mapping[str, float]
    left_out: Mapping[str, str]
    split: str
    n_pairs: int


@dataclass(frozen=True)
class Trained:
    """The two models of one run.

    Attributes:
        evaluated: fitted on what came before the test; judged, never served.
        released: fitted on everything; served.
        facts: what training found.
    """

    evaluated: ReleasedModel
    released: ReleasedModel
    facts: TrainingFacts

    def save(self, folder: Path) -> None:
        """Write into `folder`; no pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        self.evaluated.save(folder / "evaluated")
        self.released.save(folder / "released")
        text = json.dumps(asdict(self.facts), indent=1, ensure_ascii=False)
        (folder / _FACTS).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises ModelError if it is not whole."""
        try:
            facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The trained model in {folder} cannot be read: {error}.",
                "Materialize trained_model again, or run `recsys run`.",
            ) from error
        return cls(
            load_released_model(folder / "evaluated"),
            load_released_model(folder / "released"),
            TrainingFacts(**facts),
        )


def load_cuts(
    users: pd.DataFrame,
    movies: pd.DataFrame,
    interactions: pd.DataFrame,
    learning: LearningConfig,
    as_of: pd.Timestamp | None,
) -> Cuts:
    """The clean tables as arrays, cut for learning and judging."""
    return make_cuts(build_dataset(users, movies, interactions, learning.likes, as_of), learning)


def train(
    cuts: Cuts, feature_matrix: pd.DataFrame, learning: LearningConfig, progress: Progress
) -> Trained:
    """Fit every recommender, choose one, and refit.

    Args:
        cuts: of the clean tables.
        feature_matrix: from `make_feature_matrix` of the same cuts.
        learning: the settings.
        progress: is told each step, one line.

    Raises:
        MemoryLimitError: the recommender that the settings ask for does not fit.
        SettingsError: a rule does not fit the movies.
    """
    if cuts.everything.as_of is None:
        unused = [name for name in AVAILABILITY if name in cuts.everything.movies.columns]
        if unused:
            progress(f"No as_of is known: {' and '.join(unused)} of the movies are not used.")
    # What the rules name must be there: better known now than after minutes of training.
    for note in Rules.of(learning.rules, cuts.everything.movies, cuts.everything.items).notes:
        progress(note)
    window = Window.of(cuts, learning)
    early = fit_generators(cuts.history, learning, progress)
    panel = Panel(early.generators, candidates=learning.ranker.candidates)
    ranked = panel.rank(window.users, window.list_length, pairs=window.pairs)
    figures = {name: window.figure(each) for name, each in ranked.items()}
    adjusted = adjust(window, early, figures, learning, progress)
    if adjusted.found:
        learning, panel = adjusted.learning, replace(panel, generators=adjusted.fitted.generators)
        again = panel.rank(window.users, window.list_length, names=["ease"], pairs=window.pairs)
        ranked = {**ranked, **again}
    data = None
    if learning.ranker.kind != "none" and feature_matrix["label"].nunique() == 2:
        data = ranker_data(feature_matrix, cuts, panel, learning)
    choice = _possible(choose(window, panel, ranked, data, learning), data is not None, early)
    progress(choice.reason)
    ranker, importances = None, {}
    if data is not None:
        ranker = fit_ranker(data, panel, learning, np.ones(len(data.labels), dtype=bool))
        importances = held_out_importances(data, panel, learning)
    judged = fit_generators(cuts.train, learning, progress)
    evaluated = _model(panel, judged, ranker, cuts.train, choice, learning)
    needed = {*evaluated.panel.needed_by(choice.name), *OF_GROUPS}
    final = fit_generators(cuts.everything, learning, progress, only=needed)
    facts = TrainingFacts(
        chosen=choice.name,
        reason=choice.reason,
        metric=choice.metric,
        window_figures=choice.figures,
        window_users=choice.n_users,
        seconds=judged.seconds,
        blend=choice.blend.weights if choice.blend is not None else {},
        settled=adjusted.found,
        importances=importances,
        left_out=judged.left_out,
        split=cuts.outer.reason,
        n_pairs=0 if data is None else len(data.labels),
    )
    wanted = choice.name == TWO_STAGE
    return Trained(
        evaluated=evaluated,
        released=_model(
            panel, final, ranker if wanted else None, cuts.everything, choice, learning
        ),
        facts=facts,
    )


def held_out_importances(
    data: RankerData, panel: Panel, learning: LearningConfig
) -> dict[str, float]:
    """What each feature is worth to users that the ranker has not met, the largest first.

    A ranker of its own learns from the pairs of every other user, and is measured on the rest:
    on its own pairs a feature that it learned by heart would look useful.

    Returns:
        AUC lost when the feature is shuffled; all 0 where either half lacks likes or dislikes.
    """
    learned = data.user % 2 == 0
    ranker = fit_ranker(data, panel, learning, learned)
    table = ranker.importances(data.features[~learned], data.labels[~learned], learning.seed)
    return dict(zip(table["feature"], table["importance"].astype(float), strict=True))


def _possible(choice: Choice, two_stage: bool, fitted: Fitted) -> Choice:
    """Refuse a recommender that the settings ask for and that was not trained."""
    if choice.name == TWO_STAGE and not two_stage:
        raise ModelError(
            "learning.primary = 'two_stage', but the window has no pairs to learn to rank from.",
            "Use primary = 'auto', or ranker.kind = 'boosting' with more data.",
        )
    if choice.name == BLEND and choice.blend is None:
        raise ModelError(
            "learning.primary = 'blend', but on the window one recommender alone is as good.",
            "Use primary = 'auto'.",
        )
    if choice.name not in (*fitted.generators, BLEND, TWO_STAGE):
        raise ModelError(
            f"learning.primary = '{choice.name}', but it is not among learning.recommenders.use.",
            f"Trained are: {', '.join(fitted.generators)}.",
        )
    return choice


def _model(
    panel: Panel,
    fitted: Fitted,
    ranker: BoostingRanker | None,
    data: Dataset,
    choice: Choice,
    learning: LearningConfig,
) -> ReleasedModel:
    features = PairFeatures().fit(data) if ranker is not None else None
    return ReleasedModel(
        panel=replace(
            panel,
            generators=fitted.generators,
            pair_features=features,
            ranker=ranker,
            blend=_possible_blend(choice, fitted),
            newcomers=choice.newcomers,
        ),
        primary=choice.name,
        calibrations=choice.calibrations,
        items=data.items,
        movies=data.movies,
        as_of=data.as_of,
        catalogue=Catalogue.of(data),
        reranking=learning.reranking,
        rules=learning.rules,
        language=learning.language,
        likes_known=data.events.label is not None,
    )


def _possible_blend(choice: Choice, fitted: Fitted) -> Blend | None:
    """The blend of the generators that could be fitted on this cut too."""
    if choice.blend is None:
        return None
    kept = {name: w for name, w in choice.blend.weights.items() if name in fitted.generators}
    return replace(choice.blend, weights=kept) if kept else None
