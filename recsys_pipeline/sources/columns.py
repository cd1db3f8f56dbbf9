"""Which column of the file becomes which canonical column."""

import difflib
from collections.abc import Sequence

from recsys_pipeline.contracts import Contract
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.config import FileTableConfig
from recsys_pipeline.sources.wording import compact, guess_columns


def map_columns(
    contract: Contract,
    columns: Sequence[str],
    wanted: dict[str, str],
    name: str,
    section: str = FileTableConfig.section,
) -> dict[str, str]:
    """Canonical column → column of the file.

    Args:
        contract: the table.
        columns: the columns that the file has.
        wanted: the mapping in the settings; empty to go by names. Columns that it does not
            mention map to themselves where their name is canonical.
        name: the file for people.
        section: of recsys.toml that has the tables, for messages.

    Raises:
        SourceError: `wanted` names a column that the contract or the file does not have, or one
            column twice; or the key column cannot be found.
    """
    mapping = (
        _configured(contract, columns, wanted, name, section)
        if wanted
        else {key: source for key, (source, _) in guess_columns(contract.name, columns).items()}
    )
    for column in contract.required:
        if column.name not in mapping:
            raise SourceError(
                f"{name} has no column for {column.name}; it has {_listed(columns)}.",
                f"Name it under [{section}.{contract.name}.columns], such as {column.name} = "
                f'"{_closest(column.name, columns) or columns[0]}".',
            )
    return mapping


def _configured(
    contract: Contract, columns: Sequence[str], wanted: dict[str, str], name: str, section: str
) -> dict[str, str]:
    by_compact = {compact(column): column for column in reversed(columns)}
    mapping: dict[str, str] = {}
    for canonical, source in wanted.items():
        if canonical not in contract.column_names:
            close = _closest(canonical, contract.column_names)
            raise SourceError(
                f"[{section}.{contract.name}.columns] maps {canonical!r}, which is no column "
                f"of {contract.name}.",
                f"Did you mean {close}?"
                if close
                else f"The columns are {', '.join(contract.column_names)}; further columns of "
                "the file are carried along under their own names.",
            )
        if source in columns:
            mapping[canonical] = source
        elif compact(source) in by_compact:
            mapping[canonical] = by_compact[compact(source)]
        else:
            close = _closest(source, columns)
            raise SourceError(
                f"{name} has no column {source!r} (mapped to {canonical}); it has "
                f"{_listed(columns)}.",
                f"Did you mean {close}?" if close else "Use one of these, or leave the entry out.",
            )
    _refuse_twice(mapping, contract, name, section)
    used = set(mapping.values())
    for canonical in contract.column_names:
        if canonical in columns and canonical not in mapping and canonical not in used:
            mapping[canonical] = canonical
    return mapping


def _refuse_twice(mapping: dict[str, str], contract: Contract, name: str, section: str) -> None:
    for source in mapping.values():
        twice = [canonical for canonical, other in mapping.items() if other == source]
        if len(twice) > 1:
            raise SourceError(
                f"[{section}.{contract.name}.columns] maps column {source!r} of {name} twice: "
                f"to {' and to '.join(twice)}.",
                "Map each column of the file once.",
            )


def _closest(name: str, among: Sequence[str]) -> str | None:
    by_compact = {compact(item): item for item in among}
    close = difflib.get_close_matches(compact(name), list(by_compact), n=1, cutoff=0.6)
    return by_compact[close[0]] if close else None


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(columns[:30])
    return f"{shown} and {len(columns) - 30} more" if len(columns) > 30 else shown


def extra_names(
    columns: Sequence[str], mapping: dict[str, str], contract: Contract
) -> dict[str, str]:
    """Column of the file that is not mapped → its name in the table.

    The name is that of the file, unless it is taken by a canonical column or by bookkeeping
    (``source_file``, ``source_row`` and names with two underscores), where it is changed.
    """
    taken = {*contract.column_names, n.SOURCE_FILE, n.SOURCE_ROW}
    names: dict[str, str] = {}
    for column in columns:
        if column in mapping.values():
            continue
        name = column
        while "__" in name:
            name = name.replace("__", "_")
        while name in taken:
            name = f"{name}_of_file"
        taken.add(name)
        names[column] = name
    return names
