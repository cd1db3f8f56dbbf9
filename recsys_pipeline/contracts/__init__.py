"""What a table is: columns, kinds, ranges, keys and doc lines, each written once."""

from recsys_pipeline.contracts.online_tables import ACTIONS, IMPRESSIONS, USER_WEEKS
from recsys_pipeline.contracts.rules import (
    Rule,
    RuleContext,
    RuleKind,
    rows_after,
    rule_text,
    rules_of,
    violations,
)
from recsys_pipeline.contracts.table import PANDAS_DTYPES, Column, Contract, Kind
from recsys_pipeline.contracts.tables import (
    INTERACTIONS,
    MOVIES,
    SOURCE_TABLES,
    TOP_N,
    USERS,
)

__all__ = [
    "ACTIONS",
    "IMPRESSIONS",
    "INTERACTIONS",
    "MOVIES",
    "PANDAS_DTYPES",
    "SOURCE_TABLES",
    "TOP_N",
    "USERS",
    "USER_WEEKS",
    "Column",
    "Contract",
    "Kind",
    "Rule",
    "RuleContext",
    "RuleKind",
    "rows_after",
    "rule_text",
    "rules_of",
    "violations",
]
