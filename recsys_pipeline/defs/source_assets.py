"""Group "source": the three tables as mapped, and what the checks say of them."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import dagster as dg

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.defs.checks import check_results, mapped, mapped_check_specs
from recsys_pipeline.defs.columns import SCHEMA_KEY, mapped_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import Layout, Results
from recsys_pipeline.defs.metadata import Metadata, listing
from recsys_pipeline.pipeline.check import check_table, raise_if_blocked
from recsys_pipeline.pipeline.load import load
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.releasing import in_service


@runtime_checkable
class _BuildsDocs(Protocol):
    def build_docs(self) -> Path | None: ...


def source_assets(layout: Layout) -> dg.AssetsDefinition:
    """`mapped_users`, `mapped_movies`, `mapped_interactions` with their checks."""

    @dg.multi_asset(
        name="mapped_tables",
        description="Read the source, map it to the contracts, and check every table.",
        group_name="source",
        partitions_def=layout.partitions,
        outs={
            mapped(contract.name): layout.out(
                mapped(contract.name),
                description=f"{contract.doc} As mapped from the source: every row, none judged.",
                metadata={SCHEMA_KEY: mapped_schema(contract)},
            )
            for contract in SOURCE_TABLES
        },
        check_specs=mapped_check_specs(layout),
    )
    def mapped_tables(
        context: dg.AssetExecutionContext, recsys_doors: dg.ResourceParam[Doors]
    ) -> Results:
        doors = recsys_doors
        tables = load(doors.source, doors.as_of, doors.options.sample, doors.gone)
        for note in tables.notes:
            context.log.info(note)
        reports = [
            check_table(
                tables,
                contract.name,
                doors.as_of,
                doors.checker,
                doors.settings.checks.limits,
                _comparable(doors),
            )
            for contract in SOURCE_TABLES
        ]
        docs = _docs(doors)
        about = {**_about(doors), "notes": listing(tables.notes)}
        if docs:
            about["data_docs"] = dg.MetadataValue.url(docs)
        for report in reports:
            yield dg.Output(
                tables.table(report.table),
                mapped(report.table),
                metadata={**about, "rows": report.rows, "failed_checks": len(report.failures)},
            )
        yield from check_results(layout, reports, docs)
        raise_if_blocked(reports, tables, doors.as_of)

    return mapped_tables


def _comparable(doors: Doors) -> Manifest | None:
    """The release in service, if its tables are comparable: same source, all users."""
    current = in_service(doors.store)
    same = current is not None and current.source == doors.source.description
    return current if same and doors.options.sample == 1 else None


def _docs(doors: Doors) -> str | None:
    checker = doors.checker
    path = checker.build_docs() if isinstance(checker, _BuildsDocs) else None
    return f"http://127.0.0.1:{doors.settings.ui.docs_port}/{path.name}" if path else None


def _about(doors: Doors) -> Metadata:
    return {
        "as_of": "no time" if doors.as_of is None else doors.as_of.isoformat(),
        "source": doors.source.description,
        "sample": doors.options.sample,
    }
