"""Group "training": the feature matrix and the fitted models."""

import dagster as dg
import pandas as pd

from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import MODELS, OPPONENTS, OWNERS, TABLE_KINDS, TABLES, Layout
from recsys_pipeline.defs.metadata import Metadata, image, listing, numbers
from recsys_pipeline.evaluation.data_plots import feature_importance
from recsys_pipeline.pipeline.feature_matrix import LABEL, make_feature_matrix
from recsys_pipeline.pipeline.in_service import InService, refit_in_service
from recsys_pipeline.pipeline.training import Trained, TrainingFacts, load_cuts, train

FEATURE_MATRIX = "feature_matrix"
TRAINED_MODEL = "trained_model"
RECIPE_IN_SERVICE = "recipe_in_service"


def training_assets(layout: Layout) -> list[dg.AssetsDefinition]:
    """`feature_matrix` and `trained_model`."""

    @dg.asset(
        key=layout.key(FEATURE_MATRIX),
        description="One row per labelled pair of the ranker's window: what was known before it.",
        group_name="training",
        partitions_def=layout.partitions,
        ins=layout.ins("users", "movies", "interactions"),
        io_manager_key=TABLES,
        owners=OWNERS,
        kinds=TABLE_KINDS,
    )
    def feature_matrix(
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        learning = recsys_doors.learning
        cuts = load_cuts(users, movies, interactions, learning, recsys_doors.as_of)
        frame = make_feature_matrix(cuts, learning)
        about = numbers({"rows": len(frame), "liked_share": float(frame[LABEL].mean())})
        return dg.Output(frame, metadata={**about, "split": cuts.outer.reason})

    @dg.asset(
        key=layout.key(TRAINED_MODEL),
        description=(
            "The recommender that did best on the window, fitted twice: up to the test, to be "
            "judged, and on everything, to be released."
        ),
        group_name="training",
        partitions_def=layout.partitions,
        ins=layout.ins("users", "movies", "interactions", FEATURE_MATRIX),
        io_manager_key=MODELS,
        owners=OWNERS,
        kinds={"python", "scikitlearn", "numpy"},
    )
    def trained_model(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        feature_matrix: pd.DataFrame,
    ) -> dg.Output[Trained]:
        learning = recsys_doors.learning
        cuts = load_cuts(users, movies, interactions, learning, recsys_doors.as_of)
        trained = train(cuts, feature_matrix, learning, context.log.info)
        return dg.Output(trained, metadata=_about(trained.facts))

    @dg.asset(
        key=layout.key(RECIPE_IN_SERVICE),
        description=(
            "The recipe in service, refitted on this week's data to be held against the one of "
            "the settings. Where both are the same there is nothing to refit."
        ),
        group_name="training",
        partitions_def=layout.partitions,
        ins=layout.ins("users", "movies", "interactions"),
        io_manager_key=OPPONENTS,
        owners=OWNERS,
        kinds={"python", "scikitlearn", "numpy"},
    )
    def recipe_in_service(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
    ) -> dg.Output[InService]:
        doors = recsys_doors
        found = refit_in_service(
            doors.store,
            users,
            movies,
            interactions,
            doors.learning,
            doors.as_of,
            context.log.info,
            sampled=doors.options.sample < 1,
        )
        about: Metadata = {
            "release": found.release or "none",
            "refitted": found.trained is not None,
        }
        if found.trained is not None:
            about |= _about(found.trained.facts)
        return dg.Output(found, metadata={**about, "note": found.note or "refitted"})

    return [feature_matrix, trained_model, recipe_in_service]


def _about(facts: TrainingFacts) -> Metadata:
    about: Metadata = {
        "chosen": facts.chosen,
        "reason": facts.reason,
        "split": facts.split,
        "labelled_pairs": facts.n_pairs,
        "window_users": facts.window_users,
        "left_out": listing(facts.left_out.values()),
        **numbers(facts.window_figures, f"{facts.metric}_on_window/"),
        **numbers(facts.seconds, "seconds/"),
        **numbers(facts.blend, "blend/"),
        **numbers(facts.settled, "settled/"),
    }
    if facts.importances:
        about["feature_importance"] = image(
            feature_importance(facts.importances), "feature importance"
        )
    return about
