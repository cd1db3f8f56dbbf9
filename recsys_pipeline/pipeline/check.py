"""Check: whether the mapped tables may be trained on."""

from collections.abc import Iterable

import pandas as pd

from recsys_pipeline.contracts import SOURCE_TABLES, Contract, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import rule_context
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.protocols import Checker, CheckLimits, CheckReport, Manifest
from recsys_pipeline.sources.base import Tables

CONTRACTS: dict[str, Contract] = {contract.name: contract for contract in SOURCE_TABLES}
_PLACES = 3


def check_table(
    tables: Tables,
    name: str,
    as_of: pd.Timestamp | None,
    checker: Checker,
    limits: CheckLimits,
    previous: Manifest | None,
) -> CheckReport:
    """Check the mapped table called `name` before any of its rows is removed.

    Rows after `as_of` neither stop a run nor make up for others: see `contracts.violations`.

    Args:
        previous: the release in service, which the table must not have shrunk against too much;
            None where there is none or where it was made from another source.
    """
    # A replay of a past week lies before the last release, so its tables may well be smaller.
    rows = (
        previous.rows.get(name) if previous is not None and not _earlier(as_of, previous) else None
    )
    return checker.check(
        CONTRACTS[name], tables.table(name), rule_context(tables, as_of), limits, rows
    )


def _earlier(as_of: pd.Timestamp | None, previous: Manifest) -> bool:
    return as_of is not None and bool(previous.as_of) and as_of < pd.Timestamp(previous.as_of)


def raise_if_blocked(
    reports: Iterable[CheckReport], tables: Tables, as_of: pd.Timestamp | None
) -> None:
    """Raise for the blocking rules that failed.

    Args:
        reports: of the mapped tables.
        tables: the mapped tables, to say where the first rows at fault are.
        as_of: as the checks had it.

    Raises:
        DataError: naming each table, rule, figure and the first rows at fault.
    """
    lines = [
        f"{report.table}: {failure_text(report, number)}"
        f"{_first_places(tables, report.table, result.name, as_of)}"
        for report in reports
        for number, result in enumerate(report.results)
        if result.blocking and not result.passed
    ]
    if lines:
        raise DataError(
            "The data must not be trained on; the last release stays in service.\n"
            + "\n".join(f"- {line}" for line in lines),
            "Mend the source, or raise checks.allowed_share (or checks.shares for one rule, or "
            "checks.shrink) in recsys.toml if this is as it should be.",
        )


def _first_places(tables: Tables, table: str, rule_name: str, as_of: pd.Timestamp | None) -> str:
    """Where the first rows that break a row rule are: file and line, never a value."""
    contract, frame = CONTRACTS[table], tables.table(table)
    for rule in rules_of(contract, frame):
        if rule.name == rule_name:
            broken = violations(contract, frame, rule, rule_context(tables, as_of))
            rows = frame.loc[broken, [n.SOURCE_FILE, n.SOURCE_ROW]].head(_PLACES)
            places = [
                f"{file} line {line:,}" for file, line in rows.itertuples(index=False, name=None)
            ]
            return f"; first {', '.join(places)}" if places else ""
    return ""


def failure_text(report: CheckReport, number: int) -> str:
    """One failed expectation for people, with its figure."""
    result = report.results[number]
    if result.observed:
        return f"{result.text}: {result.observed} [{result.name}]"
    share = result.broken / max(result.rows, 1)
    return (
        f"{result.text}: {result.broken:,} of {result.rows:,} rows do not meet this "
        f"({share:.1%}, allowed {result.allowed_share:.1%}) [{result.name}]"
    )
