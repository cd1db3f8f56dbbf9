"""Group "tables": the clean tables, and the rows that were set aside."""

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, SOURCE_TABLES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import CleanTables
from recsys_pipeline.defs.checks import mapped
from recsys_pipeline.defs.columns import SCHEMA_KEY, contract_schema, quarantine_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import Layout, Results
from recsys_pipeline.defs.metadata import Metadata, image, listing, two_columns
from recsys_pipeline.defs.privacy_assets import nobody_back, nobody_back_spec
from recsys_pipeline.evaluation.data_plots import broken_rows, history_lengths
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.tracked import track_inputs
from recsys_pipeline.sources import Tables

QUARANTINE = "quarantine"


def table_assets(layout: Layout) -> dg.AssetsDefinition:
    """`users`, `movies`, `interactions` and `quarantine`."""
    outs = {
        contract.name: layout.out(
            contract.name,
            description=f"{contract.doc} Rows at fault are in the quarantine.",
            metadata={SCHEMA_KEY: contract_schema(contract)},
        )
        for contract in SOURCE_TABLES
    }
    outs[QUARANTINE] = layout.out(
        QUARANTINE,
        description="Rows that were set aside, each with the rules that it breaks.",
        metadata={SCHEMA_KEY: quarantine_schema()},
    )

    @dg.multi_asset(
        name="clean_tables",
        description="Set aside the rows that break a rule; add what history says of each user.",
        group_name="tables",
        partitions_def=layout.partitions,
        ins=layout.ins(*(mapped(contract.name) for contract in SOURCE_TABLES)),
        outs=outs,
        check_specs=[nobody_back_spec(layout, name) for name in (USERS.name, INTERACTIONS.name)],
    )
    def clean_tables(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        mapped_users: pd.DataFrame,
        mapped_movies: pd.DataFrame,
        mapped_interactions: pd.DataFrame,
    ) -> Results:
        tables = Tables(mapped_users, mapped_movies, mapped_interactions)
        cleaned = prepare(tables, recsys_doors.as_of, recsys_doors.learning)
        for note in cleaned.notes:
            context.log.info(note)
        _track(recsys_doors, cleaned)
        for contract in SOURCE_TABLES:
            about = _about(cleaned, contract.name, len(tables.table(contract.name)))
            yield dg.Output(getattr(cleaned, contract.name), contract.name, metadata=about)
        yield dg.Output(cleaned.quarantine, QUARANTINE, metadata=_about_quarantine(cleaned))
        named = {USERS.name: cleaned.users, INTERACTIONS.name: cleaned.interactions}
        yield from nobody_back(layout, recsys_doors, named)

    return clean_tables


def _track(doors: Doors, cleaned: CleanTables) -> None:
    tables = {contract.name: getattr(cleaned, contract.name) for contract in SOURCE_TABLES}
    rows = {name: len(frame) for name, frame in tables.items()}
    text = doors.settings.model_dump_json(exclude={"root"}, indent=1)
    track_inputs(doors.run, doors.inputs(tables), doors.learning, rows, text)


def _about(cleaned: CleanTables, table: str, before: int) -> Metadata:
    aside = cleaned.quarantined[table]
    about: Metadata = {
        "rows": len(getattr(cleaned, table)),
        "quarantined": aside,
        "quarantined_share": aside / max(before, 1),
        "broken_rows": image(
            broken_rows(cleaned.broken[table], before, table=table), f"rows of {table} at fault"
        ),
    }
    if table == USERS.name:
        lengths = cleaned.users[n.HISTORY_LENGTH].to_numpy(dtype=int)
        about["history_lengths"] = image(history_lengths(lengths), "history lengths")
        about["users_without_history_share"] = float((lengths == 0).mean())
    return about


def _about_quarantine(cleaned: CleanTables) -> Metadata:
    counts = {
        f"{table}.{rule}": count
        for table, rules in cleaned.broken.items()
        for rule, count in rules.items()
        if count
    }
    return {
        "rows_at_fault": sum(cleaned.quarantined.values()),
        "later_than_as_of": cleaned.later,
        "by_rule": two_columns(counts, "rule", "rows"),
        "notes": listing(cleaned.notes),
    }
