"""Group "serving": lists of their own for the arms of experiments, beside what is in service."""

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import OWNERS, Layout
from recsys_pipeline.defs.metadata import Metadata, markdown_table
from recsys_pipeline.pipeline.arming import Armed, arm_lists
from recsys_pipeline.pipeline.experimenting import by_hand, recipes_wanted
from recsys_pipeline.pipeline.made import Origin

ARM_LISTS = "arm_lists"


def arm_assets(layout: Layout) -> dg.AssetsDefinition:
    """`arm_lists`; the releases are its side effect."""

    @dg.asset(
        key=layout.key(ARM_LISTS),
        description=(
            "A release for every recipe that an arm of an experiment or the holdout answers with: "
            "the recipe in service with the arm's changes, on this week's data."
        ),
        group_name="serving",
        partitions_def=layout.partitions,
        ins=layout.ins(*(contract.name for contract in SOURCE_TABLES)),
        deps=[layout.key(TOP_N.name)],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def arms(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
    ) -> dg.MaterializeResult:
        doors = recsys_doors
        hand = by_hand(None if doors.online is None else doors.online.state)
        wanted = recipes_wanted(doors.settings.experiments, hand, doors.today)
        pointer = doors.store.pointer()
        if not wanted and not (pointer and pointer.arms):
            return dg.MaterializeResult(metadata={"recipes": 0})
        tables = {"users": users, "movies": movies, "interactions": interactions}
        origin = Origin(doors.run.run_id, doors.run_id, doors.started)
        done = arm_lists(
            doors.store, wanted, tables, doors.inputs(tables), origin, context.log.info
        )
        for each in done:
            if not each.fresh:
                context.log.warning(f"{each.recipe}: {each.note}")
        return dg.MaterializeResult(metadata=_about(done))

    return arms


def _about(done: tuple[Armed, ...]) -> Metadata:
    table = pd.DataFrame(
        [(each.recipe, each.release, each.recommender, each.note) for each in done],
        columns=["recipe", "release", "recommender", "note"],
    )
    return {
        "recipes": len(done),
        "fresh": sum(each.fresh for each in done),
        "releases": markdown_table(table),
    }
