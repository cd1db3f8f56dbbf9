"""What a run leaves in the experiment tracker: settings, figures, plots and the model."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from recsys_pipeline.contracts import USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.evaluation import names as metric_names
from recsys_pipeline.evaluation.data_plots import feature_importance
from recsys_pipeline.evaluation.decision_plots import who_won
from recsys_pipeline.evaluation.dial_plots import calibration_plot, trade_off
from recsys_pipeline.evaluation.group_plots import difference_matrix, figures_by_group
from recsys_pipeline.evaluation.plots import (
    accuracy_against_coverage,
    accuracy_against_serendipity,
    difference_to_baseline,
    metrics_by_k,
)
from recsys_pipeline.models.encoding import ProfileEncoder
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.deciding import Promotion
from recsys_pipeline.pipeline.dials import VARIETY
from recsys_pipeline.pipeline.evaluating import FOREST, SHIPPED, EvaluationReport
from recsys_pipeline.pipeline.last_lists import ALL, LastLists
from recsys_pipeline.pipeline.protocols import MODEL, TrackedRun
from recsys_pipeline.pipeline.releasing import Inputs
from recsys_pipeline.pipeline.shareable import shareable, shareable_text
from recsys_pipeline.pipeline.training import TrainingFacts
from recsys_pipeline.ranking.panel import POPULARITY
from recsys_pipeline.ranking.released import ReleasedModel

_EXAMPLE_HISTORY = 5


def figures_of(report: EvaluationReport, facts: TrainingFacts) -> dict[str, Figure]:
    """The plots of one run, by file name without ending."""
    figures = {
        "difference_to_popularity": difference_to_baseline(report.table, report.verdict.metric),
        "metrics_by_k": metrics_by_k(report.table),
        "accuracy_against_coverage": accuracy_against_coverage(report.table, report.verdict.metric),
        "accuracy_against_serendipity": accuracy_against_serendipity(
            report.table, report.verdict.metric
        ),
        "paired_tests": difference_matrix(report.pairs),
        "calibration": calibration_plot(report.calibration.probabilities, report.calibration.liked),
    }
    figures["for_whom_it_works"] = figures_by_group(
        report.groups, report.verdict.metric, recommenders=(SHIPPED, POPULARITY)
    )
    for dial, points in report.trade_off.items():
        figures[f"dial_{dial}"] = trade_off(
            points, dial=dial, accuracy=report.accuracy_of_dials, variety=VARIETY[dial]
        )
    if facts.importances:
        figures["feature_importance"] = feature_importance(facts.importances)
    return figures


def decision_figure(promotion: Promotion) -> Figure:
    """Which recipe won and why, in one picture."""
    return who_won(promotion.decision, promotion.figures)


def track_promotion(
    run: TrackedRun, promotion: Promotion, told: str, *, plots: bool = True
) -> None:
    """The decision with every figure: picture, tables, tags, and `told` as the run's first page."""
    decision = promotion.decision
    run.set_tags(
        {
            "decision": decision.title,
            "decision_reason": decision.reason,
            "mlflow.note.content": told,
        }
    )
    figures = {
        f"gate/{name.replace(' ', '_')}": each.mean for name, each in promotion.figures.items()
    }
    if decision.difference is not None:
        figures |= {
            "gate/difference": decision.difference.mean,
            "gate/difference_low": decision.difference.low,
            "gate/difference_high": decision.difference.high,
        }
    run.log_metrics({**figures, "gate/promoted": float(promotion.promoted)})
    run.log_table(promotion.table(), "gate/conditions.json")
    if len(decision.groups):
        run.log_table(decision.groups, "gate/groups.json")
    if plots:
        run.log_figure(decision_figure(promotion), "plots/who_won_and_why.png")


def track_last_lists(run: TrackedRun, last: LastLists) -> None:
    """What came of the lists before."""
    run.set_tags({"last_weeks_lists": last.sentence})
    if last.table.empty:
        return
    run.log_table(last.table, "last_weeks_lists.json")
    all_places = last.table[last.table["source"] == ALL]
    pairs = zip(all_places[metric_names.METRIC], all_places[metric_names.MEAN], strict=True)
    run.log_metrics({f"last_lists/{metric}": float(mean) for metric, mean in pairs})


def track_inputs(
    run: TrackedRun,
    inputs: Inputs,
    learning: LearningConfig,
    rows: Mapping[str, int],
    settings_text: str,
) -> None:
    """Settings, data fingerprint and `as_of` of the run; no id of a user and no password."""
    run.log_params(
        {
            "as_of": str(inputs.as_of),
            "source": inputs.source,
            "sample": inputs.sample,
            **dict(_flat(shareable(learning))),
        }
    )
    run.log_metrics({f"rows_{table}": float(count) for table, count in rows.items()})
    run.log_dataset("tables", inputs.data_fingerprint[:36], inputs.source, {"rows": dict(rows)})
    run.log_text(shareable_text(settings_text), "settings.json")


def track_evaluation(
    run: TrackedRun,
    report: EvaluationReport,
    facts: TrainingFacts,
    learning: LearningConfig,
    figures: Mapping[str, Figure],
    *,
    nested: bool = True,
) -> None:
    """The comparison in the parent run, and where `nested` a run for each recommender."""
    run.log_metrics({**report.headline, "better_than_popularity": _answer(report.verdict.answer)})
    run.log_metrics(
        {
            "difference_to_popularity": report.verdict.difference.mean,
            "difference_to_popularity_low": report.verdict.difference.low,
            "difference_to_popularity_high": report.verdict.difference.high,
        }
    )
    run.set_tags(
        {
            "recommender": facts.chosen,
            "verdict": report.verdict.answer,
            "deciding_metric": report.verdict.metric,
        }
    )
    run.log_table(report.table, "comparison.json")
    run.log_table(report.groups, "groups.json")
    run.log_table(report.pairs, "paired_tests.json")
    run.log_metrics({f"blend/{name}": weight for name, weight in facts.blend.items()})
    run.log_metrics({f"settled/{name}": value for name, value in facts.settled.items()})
    for name, figure in figures.items():
        run.log_figure(figure, f"plots/{name}.png")
    if nested:
        _track_each(run, report, facts, learning)


def _track_each(
    run: TrackedRun, report: EvaluationReport, facts: TrainingFacts, learning: LearningConfig
) -> None:
    """A nested run for each recommender, and for the forest."""
    configs = learning.recommenders.configs()
    for name in report.table[metric_names.RECOMMENDER].unique():
        child = run.child(str(name), {"recommender": str(name)})
        settings = configs.get(str(name), learning.ranker)
        child.log_params({"recommender": name, **dict(_flat(settings.model_dump(mode="json")))})
        values = report.figures(str(name))
        child.log_metrics(values)
        by_k: dict[int, dict[str, float]] = {}
        for metric, value in values.items():
            base, k = metric_names.base_and_k(metric)
            if k is not None:
                by_k.setdefault(k, {})[f"{base}_by_k"] = value
        for k, of_k in by_k.items():
            child.log_metrics(of_k, step=k)
        if name in facts.seconds:
            child.log_metrics({"fit_seconds": facts.seconds[name]})
        child.finish()
    if report.forest:
        child = run.child(FOREST, {"recommender": FOREST})
        child.log_metrics(report.forest)
        child.finish()


def _answer(answer: str) -> float:
    """1 yes, 0 cannot tell, −1 no: so that it can be plotted over time."""
    return {"yes": 1.0, "no": -1.0}.get(answer, 0.0)


def track_model(run: TrackedRun, model: ReleasedModel, data: Dataset) -> int:
    """Log and register the released model; returns its version."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        model.save(path)
        return run.log_model(path, example_request(data))


def example_request(data: Dataset) -> pd.DataFrame:
    """Two made-up requests: a history of the most popular movies, and a profile alone.

    No real user is among them. Further columns of the users are there without a value: what the
    example lacks is dropped by the tracker before it reaches the served model.
    """
    counts = np.bincount(data.events.item, minlength=data.n_items)
    popular = np.argsort(-counts, kind="stable")[:_EXAMPLE_HISTORY]
    history = [str(movie) for movie in data.items.id_of(popular)]
    request = pd.DataFrame({"history": [json.dumps(history), "[]"], "k": [10, 10]})
    if n.AGE in data.profiles.columns:
        request[n.AGE] = [float("nan"), 30.0]
    if n.SEGMENT in data.profiles.columns:
        known = data.profiles[n.SEGMENT].dropna()
        request[n.SEGMENT] = [None, str(known.mode().iloc[0]) if len(known) else None]
    for name in USERS.extra_columns(data.profiles):
        if name not in ProfileEncoder.ignored and name not in request.columns:
            request[name] = pd.Series([None, None], dtype=object)
    return request


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
