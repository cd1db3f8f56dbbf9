"""Asset checks of the mapped tables: one for each expectation, known before any data is read."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd

from recsys_pipeline.contracts import (
    SOURCE_TABLES,
    Contract,
    Kind,
    Rule,
    RuleKind,
    names,
    rule_text,
    rules_of,
)
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.pipeline.protocols import CheckReport, CheckResult

_TABLE_CHECKS = {
    "row_count.at_least": "the table has rows",
    "row_count.not_shrunk": "the table has not lost too many rows since the last release",
}


def mapped(table: str) -> str:
    """Name of the asset that holds the mapped table.

    >>> mapped("users")
    'mapped_users'
    """
    return f"mapped_{table}"


def check_name(rule: str) -> str:
    """Name of the asset check of a rule; the columns of a key are left out, as they vary.

    >>> check_name("rating.out_of_range"), check_name("user_id+movie_id.duplicate_key")
    ('rating_out_of_range', 'duplicate_key')
    """
    column, _, kind = rule.rpartition(".")
    return kind if kind == RuleKind.DUPLICATE_KEY else f"{column}_{kind}"


def mapped_check_specs(layout: Layout) -> list[dg.AssetCheckSpec]:
    """The checks of all mapped tables: every rule that any column of the contracts can have."""
    return [
        dg.AssetCheckSpec(
            check_name(rule),
            asset=layout.key(mapped(contract.name)),
            description=_sentence(text),
            blocking=blocking,
        )
        for contract in SOURCE_TABLES
        for rule, text, blocking in _possible(contract)
    ]


def _possible(contract: Contract) -> Iterator[tuple[str, str, bool]]:
    """Name, text and whether it blocks, of every expectation that the table may meet."""
    for column in contract.required:
        yield f"{column.name}.exists", f"the table has a column {column.name}", True
    for name, text in _TABLE_CHECKS.items():
        yield name, text, True
    for rule in _full_rules(contract):
        yield rule.name, rule_text(contract, rule), rule.may_block


def _full_rules(contract: Contract) -> tuple[Rule, ...]:
    """The rules of a table that has every column, each but texts with values not parsed."""
    columns = list(contract.column_names)
    columns += [names.raw(c.name) for c in contract.columns if c.kind is not Kind.TEXT]
    return rules_of(contract, pd.DataFrame(columns=columns))


def check_results(
    layout: Layout, reports: Sequence[CheckReport], docs: str | None
) -> Iterator[dg.AssetCheckResult]:
    """A result for each of `mapped_check_specs`.

    Args:
        reports: of the mapped tables.
        docs: address of the Data Docs, if there are any.
    """
    found = {
        (report.table, check_name(result.name)): result
        for report in reports
        for result in report.results
    }
    for contract in SOURCE_TABLES:
        for rule, _, blocking in _possible(contract):
            result = found.pop((contract.name, check_name(rule)), None)
            yield dg.AssetCheckResult(
                asset_key=layout.key(mapped(contract.name)),
                check_name=check_name(rule),
                passed=result is None or result.passed,
                severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
                description=_sentence(result.text)
                if result
                else "Not applicable: nothing to check here.",
                metadata=_figures(result, docs),
            )
    if found:
        raise KeyError(f"checks without a spec: {sorted(found)}")


def recorded_reports(
    instance: dg.DagsterInstance, layout: Layout, run_id: str
) -> tuple[CheckReport, ...] | None:
    """What `check_results` recorded in a run; None where it recorded nothing.

    Args:
        run_id: of the run.
    """
    named = {
        dg.AssetCheckKey(layout.key(mapped(contract.name)), check_name(rule)): (
            contract.name,
            rule,
            text,
            blocking,
        )
        for contract in SOURCE_TABLES
        for rule, text, blocking in _possible(contract)
    }
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(named))
    found: dict[str, list[CheckResult]] = {}
    for key, (table, rule, text, blocking) in named.items():
        record = latest.get(key)
        event = None if record is None or record.run_id != run_id else record.event
        if event is None or event.dagster_event is None:
            continue
        evaluation = event.dagster_event.asset_check_evaluation_data
        about = {name: value.value for name, value in evaluation.metadata.items()}
        if "rows" not in about:
            continue
        result = CheckResult(
            name=rule,
            text=text,
            rows=about["rows"],
            broken=about["broken"],
            allowed_share=about["allowed_share"],
            passed=evaluation.passed,
            blocking=blocking,
            observed=about.get("observed", ""),
        )
        found.setdefault(table, []).append(result)
    reports = (
        CheckReport(name, max(each.rows for each in results), tuple(results))
        for name, results in found.items()
    )
    return tuple(reports) or None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _figures(result: CheckResult | None, docs: str | None) -> dict[str, dg.MetadataValue]:
    link = {"data_docs": dg.MetadataValue.url(docs)} if docs else {}
    if result is None:
        return {"applicable": dg.MetadataValue.bool(False)}
    observed = {"observed": dg.MetadataValue.text(result.observed)} if result.observed else {}
    return {
        "rows": dg.MetadataValue.int(result.rows),
        "broken": dg.MetadataValue.int(result.broken),
        "broken_share": dg.MetadataValue.float(result.broken / max(result.rows, 1)),
        "allowed_share": dg.MetadataValue.float(result.allowed_share),
        **observed,
        **link,
    }
