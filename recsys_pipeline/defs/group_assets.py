"""Group "serving": clusters of similar users, and one list for each cluster and segment."""

import dagster as dg
import pandas as pd

from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.evaluation_assets import EVALUATION_METRICS
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.metadata import Metadata, markdown_table, numbers
from recsys_pipeline.defs.promotion_assets import PROMOTION
from recsys_pipeline.defs.training_assets import RECIPE_IN_SERVICE, TRAINED_MODEL
from recsys_pipeline.evaluation import names
from recsys_pipeline.pipeline.deciding import PROMOTED
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.training import OF_GROUPS, Trained
from recsys_pipeline.pipeline.user_groups import CLUSTER, GROUP, KIND, clusters_of, group_lists

USER_CLUSTERS = "user_clusters"
GROUP_LISTS = "group_lists"


def group_assets(layout: Layout) -> dg.AssetsDefinition:
    """`user_clusters` and `group_lists`."""

    @dg.multi_asset(
        name="user_groups",
        description="Assign users to clusters; make one list for each cluster and segment.",
        group_name="serving",
        partitions_def=layout.partitions,
        ins=layout.ins(
            "users",
            "movies",
            "interactions",
            TRAINED_MODEL,
            RECIPE_IN_SERVICE,
            PROMOTION,
            EVALUATION_METRICS,
        ),
        outs={
            USER_CLUSTERS: layout.out(
                USER_CLUSTERS,
                description=(
                    "The cluster of similar users that each user belongs to: by history, and by "
                    "profile where there is none; -1 where nothing is known."
                ),
            ),
            GROUP_LISTS: layout.out(
                GROUP_LISTS,
                description="The list of each cluster and segment, best first.",
            ),
        },
    )
    def user_groups(
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        trained_model: Trained,
        recipe_in_service: InService,
        promotion: pd.DataFrame,
        evaluation_metrics: pd.DataFrame,
    ) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
        doors = recsys_doors
        tables = {"users": users, "movies": movies, "interactions": interactions}
        served, learning = trained_model, doors.learning
        if not promotion[PROMOTED].iloc[0] and recipe_in_service.trained is not None:
            served = recipe_in_service.trained
            learning = recipe_in_service.learning or learning
        data = doors.dataset(tables, learning)
        clusters = clusters_of(served.released, data)
        lists = group_lists(served.released, data, learning.k)
        metric = trained_model.facts.metric
        return (
            dg.Output(clusters, metadata=_about(clusters, evaluation_metrics, metric)),
            dg.Output(lists, metadata={"first_places": markdown_table(_first(lists))}),
        )

    return user_groups


def _about(clusters: pd.DataFrame, comparison: pd.DataFrame, metric: str) -> Metadata:
    sizes = clusters[CLUSTER].value_counts().sort_index().rename("users").reset_index()
    return {
        "clusters": int((sizes[CLUSTER] >= 0).sum()),
        "sizes": markdown_table(sizes),
        "metric": metric,
        **numbers(_lifts(comparison, metric)),
    }


def _lifts(comparison: pd.DataFrame, metric: str) -> dict[str, float]:
    """How much better than popularity for everybody the lists of groups are."""
    found = {}
    for name in OF_GROUPS:
        mine = comparison[names.RECOMMENDER] == name
        own = comparison[mine & (comparison[names.METRIC] == metric)]
        if len(own):
            row = own.iloc[0]
            found[f"lift_over_popularity/{name}"] = float(
                row[names.DIFFERENCE.format("popularity")]
            )
            found[f"lift_over_popularity/{name}_low"] = float(row[names.DIFFERENCE_LOW])
            found[f"lift_over_popularity/{name}_high"] = float(row[names.DIFFERENCE_HIGH])
    return found


def _first(lists: pd.DataFrame) -> pd.DataFrame:
    first = lists[lists["rank"] == 1]
    return first[[KIND, GROUP, "users", "title"]]
