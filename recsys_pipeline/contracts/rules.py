"""Row rules: derived from a contract, evaluated by the checks and by the quarantine alike.

One function, `violations`, says which rows break a rule. The quarantine removes those rows; the
checks state the same condition to Great Expectations over the same columns, and a test holds
that both count the same rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names
from recsys_pipeline.contracts.table import Column, Contract, Kind

BoolArray = npt.NDArray[np.bool_]


class RuleKind(StrEnum):
    """The ways in which a row can be at fault."""

    MISSING = "missing"
    UNPARSABLE = "unparsable"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_REFERENCE = "unknown_reference"
    DUPLICATE_KEY = "duplicate_key"
    AFTER_AS_OF = "after_as_of"


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition that every row of a table must meet.

    Attributes:
        table: name of the table.
        column: name of the column; for `DUPLICATE_KEY` the key columns joined by ``+``.
        kind: the way in which a row can be at fault.
    """

    table: str
    column: str
    kind: RuleKind

    @property
    def name(self) -> str:
        """Name in settings, metadata and the quarantine, such as ``rating.out_of_range``."""
        return f"{self.column}.{self.kind.value}"

    @property
    def may_block(self) -> bool:
        """Whether too many broken rows stop the run.

        Rows after `as_of` never do: replaying a past week, most rows lie after it.
        """
        return self.kind is not RuleKind.AFTER_AS_OF


@dataclass(frozen=True)
class RuleContext:
    """What a rule needs beyond its own table.

    Attributes:
        as_of: the moment up to which events are known, or None where the data have no time.
        keys: for each referenced table, the keys that it holds.
    """

    as_of: pd.Timestamp | None
    keys: dict[str, pd.Index]


def rules_of(contract: Contract, frame: pd.DataFrame) -> tuple[Rule, ...]:
    """The rules that apply to `frame`: those of the columns that it has.

    Without one of its required columns a key says nothing, and there is no rule about it.
    """
    rules: list[Rule] = []
    for column in contract.columns:
        if column.name in frame.columns:
            rules += [Rule(contract.name, column.name, kind) for kind in _kinds(column, frame)]
    key = contract.key_of(frame)
    if key and set(_required_of(contract, contract.key)) <= set(key):
        rules.append(Rule(contract.name, "+".join(key), RuleKind.DUPLICATE_KEY))
    return tuple(rules)


def _kinds(column: Column, frame: pd.DataFrame) -> list[RuleKind]:
    kinds = []
    if column.required:
        kinds.append(RuleKind.MISSING)
    if names.raw(column.name) in frame.columns:
        kinds.append(RuleKind.UNPARSABLE)
    if column.minimum is not None or column.maximum is not None:
        kinds.append(RuleKind.OUT_OF_RANGE)
    if column.references:
        kinds.append(RuleKind.UNKNOWN_REFERENCE)
    if column.not_after_as_of:
        kinds.append(RuleKind.AFTER_AS_OF)
    return kinds


def violations(
    contract: Contract, frame: pd.DataFrame, rule: Rule, context: RuleContext
) -> BoolArray:
    """Which rows of `frame` break `rule`: bool, shape ``(len(frame),)``.

    A missing value breaks only `MISSING`; of rows with equal keys the first one stands and the
    later ones break `DUPLICATE_KEY`; a key that could not be parsed is missing as well, and
    counts under `UNPARSABLE` only. An infinite number is out of every range. A row after `as_of`
    breaks only `AFTER_AS_OF`: seen from `as_of` it is not there yet, faults and all.
    """
    later = rows_after(contract, frame, context.as_of)
    if rule.kind is RuleKind.AFTER_AS_OF:
        return later
    if rule.kind is RuleKind.DUPLICATE_KEY:
        return _repeated(contract, frame, ~later)
    return _at_fault(contract, frame, rule, context) & ~later


def rows_after(contract: Contract, frame: pd.DataFrame, as_of: pd.Timestamp | None) -> BoolArray:
    """Which rows of `frame` lie after `as_of`: bool, shape ``(len(frame),)``.

    None does without `as_of`, nor does a row without a time, or one of a table without times.
    """
    after: BoolArray = np.zeros(len(frame), dtype=bool)
    for column in contract.columns:
        if as_of is not None and column.not_after_as_of and column.name in frame.columns:
            after |= (frame[column.name] > as_of).to_numpy(dtype=bool, na_value=False)
    return after


def _at_fault(
    contract: Contract, frame: pd.DataFrame, rule: Rule, context: RuleContext
) -> BoolArray:
    """Which rows break a rule about the value of one column, whenever they are of."""
    column = contract.column(rule.column)
    values = frame[column.name]
    present_values: BoolArray = values.notna().to_numpy(dtype=bool)
    unparsed = _unparsed(frame, column.name)
    match rule.kind:
        case RuleKind.MISSING:
            return ~present_values & ~unparsed
        case RuleKind.UNPARSABLE:
            return unparsed
        case RuleKind.OUT_OF_RANGE:
            numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
            low = -np.inf if column.minimum is None else column.minimum
            high = np.inf if column.maximum is None else column.maximum
            within: BoolArray = (numbers >= low) & (numbers <= high) & np.isfinite(numbers)
            return present_values & ~within
        case RuleKind.UNKNOWN_REFERENCE:
            known = context.keys[column.references or ""]
            found: BoolArray = values.isin(known).to_numpy(dtype=bool)
            return present_values & ~found
        case _:
            raise ValueError(f"{rule.name} is no rule about the value of one column")


def _repeated(contract: Contract, frame: pd.DataFrame, known: BoolArray) -> BoolArray:
    """Rows among the `known` ones whose key an earlier one has.

    A row without a whole key is nobody's double.
    """
    key = contract.key_of(frame)
    present = frame[_required_of(contract, key)].notna().all(axis=1).to_numpy(dtype=bool)
    whole = known & present
    for name in key:
        whole = whole & ~_unparsed(frame, name)
    repeated: BoolArray = np.zeros(len(frame), dtype=bool)
    repeated[whole] = frame.loc[whole, key].duplicated().to_numpy(dtype=bool)
    return repeated


def _required_of(contract: Contract, key: Iterable[str]) -> list[str]:
    return [name for name in key if contract.column(name).required]


def _unparsed(frame: pd.DataFrame, column: str) -> BoolArray:
    if names.raw(column) not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    unparsed: BoolArray = frame[names.raw(column)].notna().to_numpy(dtype=bool)
    return unparsed


_READ_AS = {
    Kind.ID: "an id",
    Kind.INTEGER: "a whole number",
    Kind.TIME: "a date",
    Kind.FLAG: "yes or no",
}


def rule_text(contract: Contract, rule: Rule) -> str:
    """The rule for people, such as ``rating is 0.5 to 5 stars``."""
    if rule.kind is RuleKind.DUPLICATE_KEY:
        return f"no two rows share {rule.column.replace('+', ', ')}"
    column = contract.column(rule.column)
    what = _READ_AS.get(column.kind, f"a {column.kind.value}")
    return {
        RuleKind.MISSING: f"{column.name} is present",
        RuleKind.UNPARSABLE: f"{column.name} can be read as {what}",
        RuleKind.OUT_OF_RANGE: f"{column.name} is {column.range_text} {column.unit}".rstrip(),
        RuleKind.UNKNOWN_REFERENCE: f"{column.name} is found in {column.references}",
        RuleKind.AFTER_AS_OF: f"{column.name} is not after as_of",
    }[rule.kind]
