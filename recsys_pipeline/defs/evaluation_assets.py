"""Group "evaluation": the comparison on the test, and the verdict."""

import dagster as dg
import pandas as pd

from recsys_pipeline.defs.columns import SCHEMA_KEY, figures_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import Layout, Results
from recsys_pipeline.defs.metadata import images, numbers
from recsys_pipeline.defs.training_assets import FEATURE_MATRIX, TRAINED_MODEL
from recsys_pipeline.pipeline.evaluating import EvaluationReport, evaluate_all
from recsys_pipeline.pipeline.tracked import figures_of, track_evaluation
from recsys_pipeline.pipeline.training import Trained, load_cuts

EVALUATION_METRICS = "evaluation_metrics"
BY_GROUP = "evaluation_by_group"
PAIRED_TESTS = "paired_tests"
VERDICT = "verdict"
BETTER = "better_than_popularity"

ANSWER = "answer"
SENTENCE = "sentence"


def evaluation_assets(layout: Layout) -> dg.AssetsDefinition:
    """`evaluation_metrics` and `verdict`."""

    @dg.multi_asset(
        name="evaluation",
        description="Judge every recommender on what was held out.",
        group_name="evaluation",
        partitions_def=layout.partitions,
        ins=layout.ins("users", "movies", "interactions", FEATURE_MATRIX, TRAINED_MODEL),
        outs={
            EVALUATION_METRICS: layout.out(
                EVALUATION_METRICS,
                description="Every figure of every recommender, with its interval and its "
                "difference to popularity.",
                metadata={SCHEMA_KEY: figures_schema()},
            ),
            BY_GROUP: layout.out(
                BY_GROUP,
                description="The same by segment, length of history and popularity of the movie.",
            ),
            PAIRED_TESTS: layout.out(
                PAIRED_TESTS,
                description="Whether any two recommenders differ, corrected for how many pairs.",
            ),
            VERDICT: layout.out(
                VERDICT, description="Whether the chosen recommender is better than popularity."
            ),
        },
        check_specs=[
            dg.AssetCheckSpec(
                BETTER,
                asset=layout.key(EVALUATION_METRICS),
                description="The chosen recommender is better than popularity, beyond chance.",
            )
        ],
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        feature_matrix: pd.DataFrame,
        trained_model: Trained,
    ) -> Results:
        learning = recsys_doors.learning
        cuts = load_cuts(users, movies, interactions, learning, recsys_doors.as_of)
        report = evaluate_all(cuts, trained_model, feature_matrix, learning, context.log.info)
        facts = trained_model.facts
        figures = figures_of(report, facts)
        track_evaluation(recsys_doors.run, report, facts, learning, figures)
        link = {"mlflow": dg.MetadataValue.url(recsys_doors.run_url)}
        about = {**numbers(report.headline), **images(figures), "users": report.n_users}
        yield dg.Output(report.table, EVALUATION_METRICS, metadata={**about, **link})
        yield dg.Output(report.groups, BY_GROUP, metadata=link)
        yield dg.Output(report.pairs, PAIRED_TESTS, metadata=link)
        yield dg.Output(verdict_table(report), VERDICT, metadata=_about_verdict(report) | link)
        yield dg.AssetCheckResult(
            asset_key=layout.key(EVALUATION_METRICS),
            check_name=BETTER,
            passed=report.verdict.answer == "yes",
            severity=dg.AssetCheckSeverity.WARN,
            description=report.verdict.sentence,
            metadata=numbers(_difference(report)),
        )

    return evaluation


def verdict_table(report: EvaluationReport) -> pd.DataFrame:
    """The verdict as one row: answer, sentence, metric and the difference with its interval."""
    verdict = report.verdict
    return pd.DataFrame(
        {
            ANSWER: [verdict.answer],
            SENTENCE: [verdict.sentence],
            "metric": [verdict.metric],
            "recommender": [report.chosen],
            **{name: [value] for name, value in _difference(report).items()},
        }
    )


def _difference(report: EvaluationReport) -> dict[str, float]:
    found = report.verdict.difference
    return {"difference": found.mean, "difference_low": found.low, "difference_high": found.high}


def _about_verdict(report: EvaluationReport) -> dict[str, object]:
    verdict = report.verdict
    return {
        **numbers({"released": verdict.released.mean, "popularity": verdict.popularity.mean}),
        **numbers(_difference(report)),
        "answer": verdict.answer,
        "sentence": verdict.sentence,
        "metric": verdict.metric,
        "why_this_metric": report.deciding_reason,
    }
