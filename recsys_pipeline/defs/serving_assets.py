"""Group "serving": the lists of all users, released."""

import json
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.columns import SCHEMA_KEY, contract_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.evaluation_assets import (
    ANSWER,
    EVALUATION_METRICS,
    SENTENCE,
    VERDICT,
)
from recsys_pipeline.defs.group_assets import GROUP_LISTS, USER_CLUSTERS
from recsys_pipeline.defs.layout import OWNERS, TABLE_KINDS, TABLES, Layout, Results
from recsys_pipeline.defs.list_checks import list_check_results, list_check_specs
from recsys_pipeline.defs.metadata import Metadata
from recsys_pipeline.defs.privacy_assets import nobody_back, nobody_back_spec
from recsys_pipeline.defs.promotion_assets import LAST_LISTS, PROMOTION
from recsys_pipeline.defs.release import (
    CHALLENGER,
    challenge,
    point,
    release,
    serve,
)
from recsys_pipeline.defs.training_assets import RECIPE_IN_SERVICE, TRAINED_MODEL
from recsys_pipeline.pipeline.deciding import (
    OPPONENT,
    OPPONENT_ANSWER,
    OPPONENT_FIGURES,
    OPPONENT_INTERVALS,
    OPPONENT_SENTENCE,
    PROMOTED,
    REASON,
    TITLE,
)
from recsys_pipeline.pipeline.evaluating import SHIPPED, figures_in, intervals_in
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.list_checks import check_lists, raise_if_broken
from recsys_pipeline.pipeline.made import Judgement, Made
from recsys_pipeline.pipeline.releasing import Inputs, Outcome
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
            RECIPE_IN_SERVICE,
            PROMOTION,
        ),
        # Everything else of a run is done when the pointer moves.
        deps=[layout.key(name) for name in (LAST_LISTS, USER_CLUSTERS, GROUP_LISTS)],
        io_manager_key=TABLES,
        owners=OWNERS,
        kinds=TABLE_KINDS,
        metadata={SCHEMA_KEY: contract_schema(TOP_N)},
        freshness_policy=_STALE,
        check_specs=[
            *list_check_specs(layout, TOP_N.name),
            nobody_back_spec(layout, TOP_N.name),
        ],
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
        recipe_in_service: InService,
        promotion: pd.DataFrame,
    ) -> Results:
        doors = recsys_doors
        tables = {"users": users, "movies": movies, "interactions": interactions}
        rows = {name: len(frame) for name, frame in tables.items()}
        inputs = doors.inputs(tables)
        decision = promotion.iloc[0]
        figures = figures_in(evaluation_metrics, SHIPPED)
        judged = Judgement(
            figures,
            intervals_in(evaluation_metrics, SHIPPED),
            str(verdict[ANSWER].iloc[0]),
            str(verdict[SENTENCE].iloc[0]),
            f"{decision[TITLE]}. {decision[REASON]}",
        )
        candidate = _made(doors, trained_model, inputs, judged, tables)
        served = candidate
        if not decision[PROMOTED] and recipe_in_service.trained is not None:
            served = _made_in_service(doors, recipe_in_service, inputs, decision, tables)
        data = doors.dataset(tables, served.inputs.learning)
        model = served.trained.released
        about = _about_lists(served.lists, data.n_users, data.n_items)
        checks = check_lists(served.lists, data, served.inputs.learning.k, model)
        outcome = None
        back = doors.gone.resurrected(served.lists[n.USER_ID])
        if not back and not any(check.broken for check in checks):
            # A held recipe stays out even where no other one could be refitted in its place.
            wins = served is not candidate or bool(decision[PROMOTED])
            outcome = release(doors, doors.run, served, data, rows, wins=wins)
            if (
                served is candidate
                and not outcome.promoted
                and outcome.manifest.model_version is not None
            ):
                point(doors, CHALLENGER, outcome.manifest.model_version, context.log)
            about |= _about_release(outcome, served.judgement, doors.run_url)
        yield dg.Output(served.lists, metadata=about)
        yield from list_check_results(layout, TOP_N.name, checks)
        yield from nobody_back(layout, doors, {TOP_N.name: served.lists})
        raise_if_broken(checks)
        if outcome is not None:
            serve(doors, outcome, str(decision[OPPONENT]), context.log)
            if served is not candidate:
                challenge(doors, candidate, tables, rows, context.log)

    return top_n


def _made(
    doors: Doors,
    trained: Trained,
    inputs: Inputs,
    judgement: Judgement,
    tables: dict[str, pd.DataFrame],
) -> Made:
    return Made.of(trained, inputs, judgement, doors.dataset(tables, inputs.learning), tables)


def _made_in_service(
    doors: Doors,
    opponent: InService,
    inputs: Inputs,
    decision: pd.Series,
    tables: dict[str, pd.DataFrame],
) -> Made:
    """The lists of the recipe in service, refitted: the candidate did not get in."""
    assert opponent.learning is not None
    assert opponent.trained is not None
    judgement = Judgement(
        json.loads(decision[OPPONENT_FIGURES]),
        json.loads(decision[OPPONENT_INTERVALS]),
        decision[OPPONENT_ANSWER],
        decision[OPPONENT_SENTENCE],
        f"{decision[TITLE]}. {decision[REASON]}",
    )
    own = replace(inputs, learning=opponent.learning)
    return _made(doors, opponent.trained, own, judgement, tables)


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
        "decision": judgement.decision,
        "model_version": manifest.model_version or 0,
        "mlflow": dg.MetadataValue.url(url),
        **{f"metrics/{name}": value for name, value in judgement.metrics.items()},
    }
