"""What is checked of a table and how much of it may be wrong; no framework involved.

Both checkers work off the same plan: they differ only in who counts the broken rows.
"""

import math
from dataclasses import dataclass

import pandas as pd

from recsys_pipeline.contracts import (
    Contract,
    Rule,
    RuleContext,
    RuleKind,
    rows_after,
    rule_text,
    rules_of,
)
from recsys_pipeline.pipeline.protocols import CheckLimits, CheckResult


@dataclass(frozen=True, slots=True)
class ColumnExists:
    """The table has the column."""

    column: str


@dataclass(frozen=True, slots=True)
class RowsAtLeast:
    """The table has at least `minimum` rows."""

    minimum: int


Condition = ColumnExists | RowsAtLeast | Rule
"""What a check demands: of the whole table, or (a `Rule`) of each row."""


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """One condition on one table, before it is evaluated.

    Attributes:
        name, text, allowed_share, blocking: as in `CheckResult`.
        condition: what is demanded.
        rows: rows that it is about: all of the table, or those that are not after `as_of`.
    """

    name: str
    text: str
    condition: Condition
    rows: int
    allowed_share: float
    blocking: bool

    @property
    def allowed_rows(self) -> int:
        """The most rows that may break it."""
        return rows_in(self.allowed_share, self.rows)

    def result(self, broken: int, passed: bool) -> CheckResult:
        """The result when `broken` rows break it.

        Args:
            broken: 0 or 1 for a condition on the whole table.
            passed: the verdict of who counted.
        """
        match self.condition:
            case ColumnExists():
                observed = "absent" if broken else "present"
            case RowsAtLeast():
                observed = f"{self.rows:,} rows"
            case _:
                observed = ""
        return CheckResult(
            name=self.name,
            text=self.text,
            rows=self.rows,
            broken=broken,
            allowed_share=self.allowed_share,
            passed=passed,
            blocking=self.blocking,
            observed=observed,
        )


def plan_checks(
    contract: Contract,
    frame: pd.DataFrame,
    context: RuleContext,
    limits: CheckLimits,
    previous_rows: int | None,
) -> tuple[PlannedCheck, ...]:
    """The checks of a table: its required columns, its number of rows, then its row rules.

    A row rule of a column that is absent is not planned, nor is one about `as_of` where the data
    have no time. Rows after `as_of` count as being there and as later, and for nothing else: a
    table may not have shrunk, and a share of it may be broken, without them.

    Args:
        frame: the table; not changed.
        previous_rows: rows of the table in the last release, or None.
    """
    rows = len(frame)
    known = rows - int(rows_after(contract, frame, context.as_of).sum())
    checks = [
        PlannedCheck(
            name=f"{column.name}.exists",
            text=f"{contract.name} has a column {column.name}",
            condition=ColumnExists(column.name),
            rows=rows,
            allowed_share=0.0,
            blocking=True,
        )
        for column in contract.required
    ]
    checks.append(_rows_at_least(contract, "row_count.at_least", 1, rows, ""))
    if previous_rows is not None:
        minimum = previous_rows - rows_in(limits.shrink, previous_rows)
        why = f", having had {previous_rows:,} in the last release"
        checks.append(_rows_at_least(contract, "row_count.not_shrunk", minimum, known, why))
    checks += [
        PlannedCheck(
            name=rule.name,
            text=rule_text(contract, rule),
            condition=rule,
            rows=rows if rule.kind is RuleKind.AFTER_AS_OF else known,
            allowed_share=limits.share_of(contract.name, rule.name),
            blocking=rule.may_block,
        )
        for rule in rules_of(contract, frame)
        if context.as_of is not None or rule.kind is not RuleKind.AFTER_AS_OF
    ]
    return tuple(checks)


def _rows_at_least(
    contract: Contract, name: str, minimum: int, rows: int, why: str
) -> PlannedCheck:
    unit = "row" if minimum == 1 else "rows"
    return PlannedCheck(
        name=name,
        text=f"{contract.name} has at least {minimum:,} {unit}{why}",
        condition=RowsAtLeast(minimum),
        rows=rows,
        allowed_share=0.0,
        blocking=True,
    )


def rows_in(share: float, rows: int) -> int:
    """The most whole rows that are no more than `share` of `rows`.

    The product is first rounded to a millionth of a row, since floating point puts 29 % of 100
    just below 29.

    >>> rows_in(0.29, 100), rows_in(0.05, 19), rows_in(0.05, 20)
    (29, 0, 1)
    """
    return math.floor(round(share * rows, 6))
