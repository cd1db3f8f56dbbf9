"""Cleaning: rows that break a rule go to quarantine, the rest become the clean tables."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    SOURCE_TABLES,
    USERS,
    Contract,
    Rule,
    RuleContext,
    RuleKind,
    rules_of,
    violations,
)
from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.base import Tables

_NULLABLE = {"b": "boolean", "i": "Int64", "u": "UInt64"}
"""For each kind of numpy dtype without a missing value, the one that has it."""

QUARANTINE_COLUMNS = (n.TABLE, n.SOURCE_FILE, n.SOURCE_ROW, n.RULES, n.ROW)


@dataclass(frozen=True)
class CleanTables:
    """The clean tables and what was set aside.

    Attributes:
        users, movies, interactions: canonical columns and further ones, no bookkeeping.
        quarantine: one row per row set aside: table, source_file, source_row, rules (names,
            joined by ``, ``) and row (the row as JSON).
        broken: for each table, the number of rows that broke each rule, zeros included.
        later: interactions after `as_of`, which belong to later weeks: their other faults, if
            any, are not looked at, so that none of them is in `quarantined`.
        notes: what was filled in, one sentence each.
    """

    users: pd.DataFrame
    movies: pd.DataFrame
    interactions: pd.DataFrame
    quarantine: pd.DataFrame
    broken: Mapping[str, Mapping[str, int]]
    later: int
    notes: tuple[str, ...]

    @property
    def quarantined(self) -> Mapping[str, int]:
        """Rows at fault per table; rows that merely lie after `as_of` do not count."""
        at_fault = self.quarantine[n.RULES] != _LATER_RULE
        counts = self.quarantine.loc[at_fault, n.TABLE].value_counts()
        return {contract.name: int(counts.get(contract.name, 0)) for contract in SOURCE_TABLES}


_LATER_RULE = Rule(INTERACTIONS.name, n.TIMESTAMP, RuleKind.AFTER_AS_OF).name


def rule_context(tables: Tables, as_of: pd.Timestamp | None) -> RuleContext:
    """What the rules need beyond their own table: `as_of`, and the keys of users and movies."""
    return RuleContext(
        as_of=as_of,
        keys={
            contract.name: pd.Index(tables.table(contract.name)[contract.key[0]].dropna().unique())
            for contract in (USERS, MOVIES)
        },
    )


def clean(tables: Tables, as_of: pd.Timestamp | None) -> CleanTables:
    """Set aside the rows that break a rule.

    A user or movie whose row was set aside but who has interactions stays, known by the id only,
    as one without a row would.

    Args:
        tables: as mapped; not changed.
        as_of: later interactions are set aside too; None keeps all.
    """
    context = rule_context(tables, as_of)
    kept: dict[str, pd.DataFrame] = {}
    aside: list[pd.DataFrame] = []
    broken: dict[str, dict[str, int]] = {}
    for contract in SOURCE_TABLES:
        frame = tables.table(contract.name)
        masks = {
            rule.name: violations(contract, frame, rule, context)
            for rule in rules_of(contract, frame)
        }
        broken[contract.name] = {name: int(mask.sum()) for name, mask in masks.items()}
        at_fault = np.logical_or.reduce(list(masks.values()))
        kept[contract.name] = _without_bookkeeping(contract, frame[~at_fault])
        aside.append(_quarantined(contract, frame, masks, at_fault))
    interactions = kept[INTERACTIONS.name]
    notes = _without_time(interactions)
    for contract in (USERS, MOVIES):
        kept[contract.name] = _with_missing_ids(contract, kept[contract.name], interactions, notes)
    quarantine = pd.concat(aside, ignore_index=True)
    return CleanTables(
        users=kept[USERS.name],
        movies=kept[MOVIES.name],
        interactions=_in_order(interactions),
        quarantine=quarantine,
        broken=broken,
        later=broken[INTERACTIONS.name].get(_LATER_RULE, 0),
        notes=tuple(notes),
    )


def _without_time(interactions: pd.DataFrame) -> list[str]:
    """A note on interactions that have no time where others have one."""
    if n.TIMESTAMP not in interactions.columns:
        return []
    missing = int(interactions[n.TIMESTAMP].isna().sum())
    if not 0 < missing < len(interactions):
        return []
    return [f"interactions: {missing:,} without a time count as being as old as the oldest"]


def _without_bookkeeping(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    known = [name for name in contract.column_names if name in frame.columns]
    columns = known + contract.extra_columns(frame)
    return frame[columns].reset_index(drop=True)


def _in_order(interactions: pd.DataFrame) -> pd.DataFrame:
    """Rows by time, user and movie: the order in the file has no effect on anything."""
    order = [name for name in (n.TIMESTAMP, n.USER_ID, n.MOVIE_ID) if name in interactions.columns]
    return interactions.sort_values(order, kind="stable", ignore_index=True)


def _quarantined(
    contract: Contract,
    frame: pd.DataFrame,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    at_fault: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    rows = frame[at_fault]
    rules = np.full(len(rows), "", dtype=object)
    for name, mask in masks.items():
        here = mask[at_fault]
        rules[here] = [f"{text}, {name}" if text else name for text in rules[here]]
    plain = rows.drop(columns=[n.SOURCE_FILE, n.SOURCE_ROW])
    text = plain.to_json(orient="records", lines=True, date_format="iso")
    lines = text.splitlines() if len(rows) else []
    return pd.DataFrame(
        {
            n.TABLE: pd.array([contract.name] * len(rows), dtype="str"),
            n.SOURCE_FILE: rows[n.SOURCE_FILE].astype("str").to_numpy(),
            n.SOURCE_ROW: rows[n.SOURCE_ROW].to_numpy(dtype=np.int64),
            n.RULES: pd.array(rules, dtype="str"),
            n.ROW: pd.array(lines, dtype="str"),
        }
    )


def _with_missing_ids(
    contract: Contract, frame: pd.DataFrame, interactions: pd.DataFrame, notes: list[str]
) -> pd.DataFrame:
    key = contract.key[0]
    missing = interactions.loc[~interactions[key].isin(frame[key]), key].unique()
    if len(missing):
        notes.append(
            f"{contract.name}: {len(missing):,} whose row is in quarantine stay in, known by "
            "their interactions only"
        )
        frame = frame.astype(
            {
                name: _NULLABLE[dtype.kind]
                for name, dtype in frame.dtypes.items()
                if name != key and isinstance(dtype, np.dtype) and dtype.kind in _NULLABLE
            }
        )
        added = pd.DataFrame(
            {
                name: pd.Series(missing if name == key else [None] * len(missing), dtype=dtype)
                for name, dtype in frame.dtypes.items()
            }
        )
        frame = pd.concat([frame, added], ignore_index=True)
    return frame.sort_values(key, kind="stable", ignore_index=True)
