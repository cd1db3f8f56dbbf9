"""Group "evaluation": the decision of the gate, and what came of last week's lists."""

import dagster as dg
import numpy as np
import pandas as pd

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.evaluation_assets import SENTENCE, VERDICT
from recsys_pipeline.defs.layout import OWNERS, TABLE_KINDS, TABLES, Layout, Results
from recsys_pipeline.defs.metadata import Metadata, image, markdown_table, numbers
from recsys_pipeline.defs.training_assets import RECIPE_IN_SERVICE, TRAINED_MODEL
from recsys_pipeline.pipeline.deciding import Promotion, decide_promotion, decision_row
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.last_lists import last_lists
from recsys_pipeline.pipeline.story import story
from recsys_pipeline.pipeline.tracked import decision_figure, track_last_lists, track_promotion
from recsys_pipeline.pipeline.training import Trained, load_cuts

PROMOTION = "promotion"
LAST_LISTS = "last_weeks_lists"
NO_WORSE = "candidate_passes_the_gate"


def promotion_assets(layout: Layout) -> list[dg.AssetsDefinition]:
    """`promotion` and `last_weeks_lists`."""

    @dg.asset(
        key=layout.key(PROMOTION),
        description=(
            "Whether the recipe of the settings takes the place of the one in service: both "
            "refitted on the same data, judged on the same users."
        ),
        group_name="evaluation",
        partitions_def=layout.partitions,
        ins=layout.ins(
            "users", "movies", "interactions", TRAINED_MODEL, RECIPE_IN_SERVICE, VERDICT
        ),
        io_manager_key=TABLES,
        owners=OWNERS,
        kinds=TABLE_KINDS,
        check_specs=[
            dg.AssetCheckSpec(
                NO_WORSE,
                asset=layout.key(PROMOTION),
                description="The candidate meets every condition of the gate.",
            )
        ],
    )
    def promotion(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        trained_model: Trained,
        recipe_in_service: InService,
        verdict: pd.DataFrame,
    ) -> Results:
        doors, learning = recsys_doors, recsys_doors.learning
        cuts = load_cuts(users, movies, interactions, learning, doors.as_of)
        theirs = None
        if recipe_in_service.learning is not None:
            own = recipe_in_service.learning
            theirs = load_cuts(users, movies, interactions, own, doors.as_of)
        found = decide_promotion(
            cuts, trained_model, recipe_in_service, learning, theirs, context.log.info
        )
        told = story(found, str(verdict[SENTENCE].iloc[0]), trained_model.facts)
        track_promotion(doors.run, found, told)
        yield dg.Output(decision_row(found), metadata=_about(found, told, doors.run_url))
        yield dg.AssetCheckResult(
            asset_key=layout.key(PROMOTION),
            check_name=NO_WORSE,
            passed=found.promoted or found.waits,
            severity=dg.AssetCheckSeverity.WARN,
            description=found.sentence,
            metadata=_figures(found),
        )

    @dg.asset(
        key=layout.key(LAST_LISTS),
        description="The lists in service before this run, scored against what happened since.",
        group_name="evaluation",
        partitions_def=layout.partitions,
        ins=layout.ins("users", "movies", "interactions"),
        io_manager_key=TABLES,
        owners=OWNERS,
        kinds=TABLE_KINDS,
    )
    def last_weeks_lists(
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        doors = recsys_doors
        data = build_dataset(users, movies, interactions, doors.learning.likes, doors.as_of)
        rng = np.random.default_rng([doors.learning.seed, 7])
        found = last_lists(doors.store, data, doors.source.description, rng)
        track_last_lists(doors.run, found)
        about: Metadata = {"release": found.release or "none", "sentence": found.sentence}
        if len(found.table):
            about["figures"] = markdown_table(found.table)
            all_places = found.table[found.table["source"] == "all"]
            about |= numbers(dict(zip(all_places["metric"], all_places["mean"], strict=True)))
        return dg.Output(found.table, metadata=about)

    return [promotion, last_weeks_lists]


def _about(found: Promotion, told: str, url: str) -> Metadata:
    decision = found.decision
    return {
        "decision": decision.title,
        "why": decision.reason,
        "promoted": found.promoted,
        "waits_for_approval": found.waits,
        "who_won_and_why": image(decision_figure(found), "who won and why"),
        "in_one_page": dg.MetadataValue.md(told),
        "conditions": markdown_table(found.table()),
        "groups": markdown_table(decision.groups),
        "in_service_before": found.opponent or "none",
        "mlflow": dg.MetadataValue.url(url),
        **_figures(found),
    }


def _figures(found: Promotion) -> Metadata:
    figures = {name.replace(" ", "_"): each.mean for name, each in found.figures.items()}
    difference = found.decision.difference
    if difference is not None:
        figures |= {
            "difference": difference.mean,
            "difference_low": difference.low,
            "difference_high": difference.high,
        }
    return numbers(figures)
