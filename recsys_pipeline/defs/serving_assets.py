"""Group "serving": the lists of all users, released."""

from datetime import timedelta

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.defs.columns import SCHEMA_KEY, contract_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.evaluation_assets import (
    ANSWER,
    EVALUATION_METRICS,
    SENTENCE,
    VERDICT,
    figures_in,
)
from recsys_pipeline.defs.layout import OWNERS, TABLE_KINDS, TABLES, Layout, Results
from recsys_pipeline.defs.list_checks import (
    check_lists,
    list_check_results,
    list_check_specs,
    raise_if_broken,
)
from recsys_pipeline.defs.metadata import Metadata
from recsys_pipeline.defs.release import Judgement, release, serve
from recsys_pipeline.defs.training_assets import TRAINED_MODEL
from recsys_pipeline.pipeline.releasing import Outcome
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.training import Trained

_STALE = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=8), warn_window=timedelta(days=7, hours=6)
)


def serving_assets(layout: Layout) -> dg.AssetsDefinition:
    """`top_n`; the release is its side effect, and the pointer moves last of all."""

    @dg.asset(
        key=layout.key(TOP_N.name),
        description=f"{TOP_N.doc} Released with its model once every check has passed.",
        group_name="serving",
        partitions_def=layout.partitions,
        ins=layout.ins(
            *(contract.name for contract in SOURCE_TABLES),
            TRAINED_MODEL,
            EVALUATION_METRICS,
            VERDICT,
        ),
        io_manager_key=TABLES,
        owners=OWNERS,
        kinds=TABLE_KINDS,
        metadata={SCHEMA_KEY: contract_schema(TOP_N)},
        freshness_policy=_STALE,
        check_specs=list_check_specs(layout, TOP_N.name),
    )
    def top_n(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        trained_model: Trained,
        evaluation_metrics: pd.DataFrame,
        verdict: pd.DataFrame,
    ) -> Results:
        doors, k = recsys_doors, recsys_doors.learning.k
        tables = {"users": users, "movies": movies, "interactions": interactions}
        inputs = doors.inputs(tables)
        data = build_dataset(users, movies, interactions, doors.learning.likes, doors.as_of)
        lists = make_top_n(trained_model.released, data, k, inputs.release)
        about = _about_lists(lists, data.n_users, data.n_items)
        checks = check_lists(lists, data, k)
        outcome = None
        if not any(check.broken for check in checks):
            found = Judgement(
                figures_in(evaluation_metrics, trained_model.facts.chosen),
                str(verdict[ANSWER].iloc[0]),
                str(verdict[SENTENCE].iloc[0]),
            )
            rows = {name: len(frame) for name, frame in {**tables, TOP_N.name: lists}.items()}
            outcome = release(doors, inputs, data, trained_model, found, lists, rows, context.log)
            about |= _about_release(outcome, found, doors.run_url)
        yield dg.Output(lists, metadata=about)
        yield from list_check_results(layout, TOP_N.name, checks)
        raise_if_broken(checks)
        if outcome is not None:
            serve(doors, outcome, context.log)

    return top_n


def _about_lists(lists: pd.DataFrame, n_users: int, n_items: int) -> Metadata:
    return {
        "rows": len(lists),
        "users_with_a_list_share": lists[n.USER_ID].nunique() / max(n_users, 1),
        "coverage": lists[n.MOVIE_ID].nunique() / max(n_items, 1),
        "mean_score": float(lists[n.SCORE].mean()) if len(lists) else 0.0,
    }


def _about_release(outcome: Outcome, judgement: Judgement, url: str) -> Metadata:
    manifest = outcome.manifest
    return {
        "release": manifest.release,
        "promoted": outcome.promoted,
        "why": outcome.why,
        "recommender": manifest.recommender,
        "verdict": judgement.sentence,
        "model_version": manifest.model_version or 0,
        "mlflow": dg.MetadataValue.url(url),
        **{f"metrics/{name}": value for name, value in judgement.metrics.items()},
    }
