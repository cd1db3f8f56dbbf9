"""A contract as an expectation suite, and the columns that it is evaluated on.

Great Expectations is handed a copy that holds numbers, times and marks only: never an id and
never a text. So no id can reach a value set, a result or a page.

=================  =========================  ==============================================
rule               column                     expectation
=================  =========================  ==============================================
missing            ``user_id``                not null; only where ``user_id__raw`` is null
unparsable         ``timestamp__raw``         null
out of range       ``rating``                 between the bounds
after as_of        ``timestamp``              not later than `as_of`
unknown reference  ``user_id__found``         true
duplicate key      ``key__first``             true
=================  =========================  ==============================================

Where some rows lie after `as_of`, all but the rule about that (and the demand that there are rows)
are asked of the other rows only: those with a mark in ``row__known``.

A column of ids or texts, and a ``__raw`` one, is handed over as marks: 1 where there is a value,
else null. Great Expectations has no notion of a key in another table whose values stay unsaid,
nor of a duplicate of which the first one stands, so these two are evaluated beforehand.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, assert_never

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import (
    Column,
    Contract,
    Kind,
    Rule,
    RuleContext,
    RuleKind,
    names,
    rows_after,
    violations,
)
from recsys_pipeline.quality import gx
from recsys_pipeline.quality.plan import ColumnExists, PlannedCheck, RowsAtLeast

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations import Expectation
    from great_expectations.expectations.row_conditions import Condition

CHECK_NAME: Final = "check"
"""Key in an expectation's meta that holds the name of its check."""

_KNOWN: Final = "row__known"
"""Column of the evaluated frame with a mark in the rows that are not after `as_of`."""

_NUMBERS: Final = (Kind.NUMBER, Kind.INTEGER)


def evaluated_frame(
    contract: Contract, frame: pd.DataFrame, checks: Sequence[PlannedCheck], context: RuleContext
) -> pd.DataFrame:
    """The columns that the suite of `checks` is evaluated on: one row for each row of `frame`.

    Args:
        frame: the table; not changed.
    """
    columns: dict[str, Any] = {}
    for check in checks:
        match check.condition:
            case Rule(kind=RuleKind.UNKNOWN_REFERENCE | RuleKind.DUPLICATE_KEY) as rule:
                columns[_column_of(rule)] = ~violations(contract, frame, rule, context)
            case Rule(column=name, kind=RuleKind.UNPARSABLE):
                columns[names.raw(name)] = _marks(frame[names.raw(name)])
            case Rule(column=name) | ColumnExists(name) if name in frame.columns:
                columns[name] = _handed(contract.column(name), frame[name])
            case _:
                pass
    later = rows_after(contract, frame, context.as_of)
    if later.any():
        columns[_KNOWN] = np.where(later, np.nan, 1.0)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def expectation_suite(
    contract: Contract,
    evaluated: pd.DataFrame,
    checks: Sequence[PlannedCheck],
    context: RuleContext,
) -> "ExpectationSuite":
    """The suite named after the table, with one expectation for each of `checks`.

    Each carries the check's name in its meta, the sentence for people in its notes, and the
    severity critical where it blocks, else warning. The allowed share is one of all rows that the
    check is about, while ``mostly`` is one of the rows that Great Expectations evaluates (where
    the column is not null): so ``mostly`` is set such that as many rows may be broken as the
    share of all of them comes to.

    Args:
        evaluated: what `evaluated_frame` gives for the same checks.
    """
    expectations = [_expectation(contract, evaluated, check, context) for check in checks]
    suite: ExpectationSuite = gx.load().ExpectationSuite(contract.name, expectations=expectations)
    return suite


def _expectation(
    contract: Contract, evaluated: pd.DataFrame, check: PlannedCheck, context: RuleContext
) -> "Expectation":
    gx.load()
    from great_expectations import expectations as gxe

    about: dict[str, Any] = {
        "meta": {CHECK_NAME: check.name},
        "notes": check.text,
        "severity": "critical" if check.blocking else "warning",
    }
    if isinstance(check.condition, ColumnExists):
        return gxe.ExpectColumnToExist(column=check.condition.column, **about)
    condition, asked = _asked(evaluated, check)
    about["row_condition"] = condition
    match check.condition:
        case RowsAtLeast(minimum):
            return gxe.ExpectTableRowCountToBeBetween(min_value=minimum, **about)
        case rule:
            about["column"] = _column_of(rule)
    match rule.kind:
        case RuleKind.MISSING:
            mostly = _mostly(check, int(asked.sum()))
            return gxe.ExpectColumnValuesToNotBeNull(mostly=mostly, **about)
        case RuleKind.UNPARSABLE:
            mostly = _mostly(check, int(asked.sum()))
            return gxe.ExpectColumnValuesToBeNull(mostly=mostly, **about)
    present = evaluated[about["column"]].notna().to_numpy(dtype=bool)
    about["mostly"] = _mostly(check, int((asked & present).sum()))
    match rule.kind:
        case RuleKind.OUT_OF_RANGE:
            known = contract.column(rule.column)
            return gxe.ExpectColumnValuesToBeBetween(
                min_value=known.minimum, max_value=known.maximum, **about
            )
        case RuleKind.AFTER_AS_OF:
            return gxe.ExpectColumnValuesToBeBetween(max_value=context.as_of, **about)
        case RuleKind.UNKNOWN_REFERENCE | RuleKind.DUPLICATE_KEY:
            return gxe.ExpectColumnValuesToBeInSet(value_set=[True], **about)
        case _:
            assert_never(rule.kind)


def _asked(
    evaluated: pd.DataFrame, check: PlannedCheck
) -> tuple["Condition | None", npt.NDArray[np.bool_]]:
    """The rows that a check is asked of: as a row condition (None for all), and as a mask."""
    from great_expectations.expectations.row_conditions import Column as ConditionColumn

    condition: Condition | None = None
    asked = np.ones(len(evaluated), dtype=bool)
    if check.rows < len(evaluated):
        condition = ConditionColumn(_KNOWN).is_not_null()
        asked &= evaluated[_KNOWN].notna().to_numpy(dtype=bool)
    match check.condition:
        case Rule(column=column, kind=RuleKind.MISSING) if names.raw(column) in evaluated.columns:
            unparsed = ConditionColumn(names.raw(column)).is_null()
            condition = unparsed if condition is None else condition & unparsed
            asked &= evaluated[names.raw(column)].isna().to_numpy(dtype=bool)
        case _:
            pass
    return condition, asked


def _mostly(check: PlannedCheck, evaluated: int) -> float:
    """The share of `evaluated` rows that must hold; computed as Great Expectations does."""
    return max(0, evaluated - check.allowed_rows) / evaluated if evaluated else 1.0


def _column_of(rule: Rule) -> str:
    """The column of the evaluated frame that a rule looks at."""
    match rule.kind:
        case RuleKind.UNPARSABLE:
            return names.raw(rule.column)
        case RuleKind.UNKNOWN_REFERENCE:
            return f"{rule.column}__found"
        case RuleKind.DUPLICATE_KEY:
            return "key__first"
        case _:
            return rule.column


def _handed(column: Column, values: pd.Series) -> Any:
    """The values of a column if they are numbers or times, else marks.

    An infinite number is in no range, so it is put on the side where the range has a bound.
    """
    if column.kind in _NUMBERS:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        beyond = -np.inf if column.maximum is None else np.inf
        return np.where(np.isinf(numbers), beyond, numbers)
    return values.array if column.kind is Kind.TIME else _marks(values)


def _marks(values: pd.Series) -> Any:
    """float64: 1 where there is a value, else NaN."""
    return np.where(values.notna(), 1.0, np.nan)
