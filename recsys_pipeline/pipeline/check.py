"""Check: whether the mapped tables may be trained on."""

from collections.abc import Iterable

import pandas as pd

from recsys_pipeline.contracts import SOURCE_TABLES, Contract
from recsys_pipeline.data.cleaning import rule_context
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.protocols import Checker, CheckLimits, CheckReport, Manifest
from recsys_pipeline.sources.base import Tables

CONTRACTS: dict[str, Contract] = {contract.name: contract for contract in SOURCE_TABLES}


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


def raise_if_blocked(reports: Iterable[CheckReport]) -> None:
    """Raise for the blocking rules that failed.

    Raises:
        DataError: naming each table, rule and figure.
    """
    lines = [
        f"{report.table}: {failure_text(report, number)}"
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
