"""Raw tables → canonical Tables: columns mapped, values parsed, absent tables filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import (
    INTERACTIONS,
    MOVIES,
    USERS,
    Column,
    Contract,
    Kind,
    rows_after,
)
from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.base import Tables
from recsys_pipeline.sources.coded import Parsed, encode, parse_text, replaced
from recsys_pipeline.sources.columns import extra_names, map_columns
from recsys_pipeline.sources.config import TableConfig
from recsys_pipeline.sources.identifiers import IdColumn, parse_ids
from recsys_pipeline.sources.lists import parse_texts
from recsys_pipeline.sources.numbers import (
    fast_floats,
    is_number_type,
    parse_flag,
    parse_integer,
    parse_number,
    parse_year,
)
from recsys_pipeline.sources.raw import RawTable
from recsys_pipeline.sources.rescaling import to_contract_scale
from recsys_pipeline.sources.times import parse_time


@dataclass(frozen=True)
class RawInput:
    """One table before mapping: its raw columns and how to read them."""

    raw: RawTable
    config: TableConfig


def assemble(inputs: Mapping[str, RawInput], as_of: pd.Timestamp | None) -> Tables:
    """The canonical tables, every row of them.

    Args:
        inputs: by the name of the table; users and movies may be absent, interactions not.
        as_of: interactions after it have no say in which scale a column is on, nor who the users
            and movies are where there is no table of them; None where all have.

    Raises:
        SourceError: a column cannot be mapped, or ids were rounded.
    """
    notes: list[str] = []
    mapped: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {}
    for contract in (USERS, MOVIES, INTERACTIONS):
        if contract.name in inputs:
            item = inputs[contract.name]
            notes += item.raw.notes
            mapping = map_columns(
                contract,
                list(item.raw.columns),
                item.config.columns,
                item.raw.title,
                item.config.section,
            )
            mapped[contract.name] = (_columns(contract, item, mapping, as_of, notes), mapping)
    for key in (n.USER_ID, n.MOVIE_ID):
        _add_ids(key, inputs, mapped, notes)
    frames = {name: _ordered(frame, _CONTRACTS[name]) for name, (frame, _) in mapped.items()}
    interactions = frames[INTERACTIONS.name]
    for contract, key in ((USERS, n.USER_ID), (MOVIES, n.MOVIE_ID)):
        if contract.name not in frames:
            frames[contract.name] = _from_interactions(interactions, key, as_of)
            notes.append(
                f"There is no {contract.name} table; its {len(frames[contract.name]):,} rows are "
                f"the {key} values in the interactions."
            )
    return Tables(frames[USERS.name], frames[MOVIES.name], interactions, tuple(notes))


_CONTRACTS = {contract.name: contract for contract in (USERS, MOVIES, INTERACTIONS)}


def _columns(
    contract: Contract,
    item: RawInput,
    mapping: dict[str, str],
    as_of: pd.Timestamp | None,
    notes: list[str],
) -> pd.DataFrame:
    """All columns but the ids."""
    raw = item.raw
    times = {
        canonical: parse_time(raw.columns[source], item.config)
        for canonical, source in mapping.items()
        if contract.column(canonical).kind is Kind.TIME
    }
    moments = pd.DataFrame(
        {canonical: parsed.values for canonical, parsed in times.items()}, index=range(len(raw))
    )
    known = ~rows_after(contract, moments, as_of)
    data: dict[str, pd.Series] = {}
    for canonical, source in mapping.items():
        column = contract.column(canonical)
        if column.kind is Kind.ID:
            continue
        parsed = times.get(canonical) or _parsed(
            column, raw.columns[source], item.config, raw.types.get(source, "")
        )
        parsed = to_contract_scale(canonical, parsed, item.config, known)
        shown = f"`{source}` ({canonical})" if source != canonical else f"`{source}`"
        notes += [f"{raw.title}: column {shown}: {note}." for note in parsed.notes]
        data[canonical] = parsed.values
        if parsed.raw is not None:
            data[n.raw(canonical)] = parsed.raw
    for source, name in extra_names(list(raw.columns), mapping, contract).items():
        data[name] = _guessed(raw.columns[source])
        if name != source:
            notes.append(f"{raw.title}: column `{source}` is carried along as `{name}`.")
    data[n.SOURCE_FILE] = _as_str(raw)
    data[n.SOURCE_ROW] = pd.Series(raw.lines)
    return pd.DataFrame(data, copy=False)


def _parsed(column: Column, values: Any, config: TableConfig, written_type: str) -> Parsed:
    swap = config.values.get(column.name, {})
    match column.kind:
        case Kind.NUMBER:
            return parse_number(values, swap, grouping=column.maximum is None)
        case Kind.INTEGER:
            return (
                parse_year(values, swap) if column.name == n.YEAR else parse_integer(values, swap)
            )
        case Kind.FLAG:
            return parse_flag(values, swap)
        case Kind.TEXTS:
            return parse_texts(values, swap, config.list_separator, written_type == "token_seq")
        case _:
            return parse_text(replaced(encode(values), swap))


def _guessed(values: Any) -> pd.Series:
    """A further column: ``float64`` where all its texts are numbers, else ``str``."""
    floats = fast_floats(values)
    if floats is None or np.isnan(floats).all():
        return parse_text(encode(values)).values
    if not is_number_type(values):
        # Codes such as "01000" are no quantities.
        texts = values.slice(0, 10_000).to_pylist()
        if any(text and len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in texts):
            return parse_text(encode(values)).values
    return pd.Series(floats)


def _as_str(raw: RawTable) -> pd.Series:
    return pd.Series(pd.StringDtype(na_value=np.nan).__from_arrow__(raw.source_files()))


def _add_ids(
    key: str,
    inputs: Mapping[str, RawInput],
    mapped: dict[str, tuple[pd.DataFrame, dict[str, str]]],
    notes: list[str],
) -> None:
    holders = [name for name, (_, mapping) in mapped.items() if key in mapping]
    columns = [
        IdColumn(name, raw.title, raw.columns[mapped[name][1][key]], raw.place_of)
        for name, raw in ((name, inputs[name].raw) for name in holders)
    ]
    series, found = parse_ids(columns, key.removesuffix("_id"))
    notes += found
    for name, ids in zip(holders, series, strict=True):
        frame, mapping = mapped[name]
        mapped[name] = (frame.assign(**{key: ids}), mapping)


def _ordered(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Canonical columns in their order, each with its raw companion; then the others."""
    order = [
        name
        for column in contract.columns
        for name in (column.name, n.raw(column.name))
        if name in frame.columns
    ]
    return frame[order + [name for name in frame.columns if name not in order]]


def _from_interactions(
    interactions: pd.DataFrame, key: str, as_of: pd.Timestamp | None
) -> pd.DataFrame:
    """One row per id that is met up to `as_of`, in ascending order, and where it is met first."""
    columns = [key, n.SOURCE_FILE, n.SOURCE_ROW]
    known = interactions[key].notna() & ~rows_after(INTERACTIONS, interactions, as_of)
    first = interactions.loc[known, columns].drop_duplicates(key)
    rows = first.sort_values(key, ignore_index=True)
    return rows.astype({key: "int64"}) if pd.api.types.is_integer_dtype(rows[key]) else rows
