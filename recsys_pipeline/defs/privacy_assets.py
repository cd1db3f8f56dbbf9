"""Group "privacy": what is old goes; and the check that nobody who was erased is back."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.arm_assets import ARM_LISTS
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import OWNERS, Layout
from recsys_pipeline.defs.partitions import partition_of
from recsys_pipeline.errors import DataError, RecsysError
from recsys_pipeline.pipeline.experimenting import by_hand, releases_named
from recsys_pipeline.pipeline.privacy_retention import Retention
from recsys_pipeline.pipeline.releasing import in_service
from recsys_pipeline.storage.stored_tables import StoredTables

RETENTION = "retention"
NOBODY_BACK = "no_erased_user"

_TEXT = "Nobody who was erased is in it again."


def retention_asset(layout: Layout) -> dg.AssetsDefinition:
    """`retention`; it comes last, and what it cannot remove fails no run."""

    @dg.asset(
        key=layout.key(RETENTION),
        description=(
            "Remove events, answers, releases and weeks of tables that are older than the "
            "settings of [privacy] say. Never what is in service."
        ),
        group_name="privacy",
        partitions_def=layout.partitions,
        deps=[layout.key(TOP_N.name), layout.key(ARM_LISTS)],
        owners=OWNERS,
        kinds={"python"},
    )
    def retention(
        context: dg.AssetExecutionContext, recsys_doors: dg.ResourceParam[Doors]
    ) -> dg.MaterializeResult:
        try:
            removed = _removed(recsys_doors)
        except RecsysError as error:
            context.log.warning(f"What is old could not be removed: {error}")
            return dg.MaterializeResult(metadata={"not_removed": error.message})
        return dg.MaterializeResult(metadata=dict(removed))

    return retention


def _removed(doors: Doors) -> Mapping[str, int]:
    settings, current = doors.settings, in_service(doors.store)
    weeks = {doors.week} if doors.week else set()
    if current is not None and current.as_of:
        weeks.add(partition_of(pd.Timestamp(current.as_of), settings))
    hand = by_hand(None if doors.online is None else doors.online.state)
    named = releases_named(settings.experiments, hand)
    return Retention(
        doors.store,
        StoredTables(settings.data / "assets"),
        None if doors.privacy is None else doors.privacy.events,
    ).apply(settings.privacy, _moment(doors), weeks, named)


def _moment(doors: Doors) -> datetime | None:
    return datetime.fromisoformat(doors.started) if doors.started else None


def nobody_back_spec(layout: Layout, asset: str) -> dg.AssetCheckSpec:
    """The check of the asset called `asset`, which blocks."""
    return dg.AssetCheckSpec(NOBODY_BACK, asset=layout.key(asset), description=_TEXT, blocking=True)


def nobody_back(
    layout: Layout, doors: Doors, tables: Mapping[str, pd.DataFrame]
) -> Iterator[dg.AssetCheckResult]:
    """Its result for each of `tables`, by name of the asset.

    Raises:
        DataError: after the results, where somebody is back.
    """
    found = {name: doors.gone.resurrected(frame[n.USER_ID]) for name, frame in tables.items()}
    for name, count in found.items():
        yield dg.AssetCheckResult(
            asset_key=layout.key(name),
            check_name=NOBODY_BACK,
            passed=not count,
            metadata={"broken": count, "rows": len(tables[name])},
        )
    back = {name: count for name, count in found.items() if count}
    if back:
        where = ", ".join(f"{count:,} in {name}" for name, count in back.items())
        raise DataError(
            f"People who were erased are back: {where}. The last release stays in service.",
            "Report this: rows of erased people are left out when a source is read.",
        )
