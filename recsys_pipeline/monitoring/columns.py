"""The shapes of the columns of a table."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import MOVIES, Contract, Kind
from recsys_pipeline.data.genres import flat_lists
from recsys_pipeline.monitoring.shapes import MOST_VALUES, IntArray, Shape

_FEWEST_ROWS: Final = 20
"""A text in fewer rows about people is counted with the rest: it might name one of them."""


def column_shapes(
    contract: Contract,
    table: pd.DataFrame,
    before: Mapping[str, Shape],
    *,
    units: IntArray | None = None,
) -> dict[str, Shape]:
    """The shape of each column but ids, by subject: ``movies.genres``.

    Of times, and of texts that are different in most rows (titles, names), only how many are
    missing is counted.

    Args:
        contract: of the table, which may have further columns.
        table: the clean table; columns of bookkeeping are left out.
        before: shapes of the reference by subject; cells are taken from them.
        units: integers from 0 ``(len(table),)``, whose row each is; None for independent rows.
    """
    kinds = {column.name: column.kind for column in contract.columns}
    extra = contract.extra_columns(table)
    columns = [name for name in contract.column_names if name in table.columns] + extra
    fewest = 1 if contract is MOVIES else _FEWEST_ROWS
    made = {}
    for name in columns:
        kind = kinds.get(name) or kind_of(table[name])
        if kind is not Kind.ID:
            subject = f"{contract.name}.{name}"
            known = before.get(subject)
            made[subject] = _shape(table[name], kind, known, units, fewest)
    return made


def kind_of(values: pd.Series) -> Kind:
    """The kind of a column that no contract knows; TIME for one of which nothing is counted."""
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return Kind.FLAG
    if pd.api.types.is_numeric_dtype(dtype):
        return Kind.NUMBER
    if isinstance(dtype, pd.ArrowDtype) and "list" in str(dtype):
        return Kind.TEXTS
    if isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
        return Kind.TEXT
    return Kind.TIME


def _shape(
    values: pd.Series, kind: Kind, known: Shape | None, units: IntArray | None, fewest: int
) -> Shape:
    missing = int(values.isna().sum())
    if kind in (Kind.NUMBER, Kind.INTEGER):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        edges = known.edges if known is not None and known.is_number and known.edges else None
        return Shape.of_numbers(numbers, units, edges)
    if kind is Kind.TIME:
        return Shape(len(values), missing, (), (), ())
    place: IntArray
    if kind is Kind.TEXTS:
        place, texts = flat_lists(values)
    else:
        there = values.notna().to_numpy()
        place, texts = np.flatnonzero(there), values[there].astype("str")
    if kind is Kind.TEXT and _names_rows(texts, known):
        return Shape(len(values), missing, (), (), ())
    names = () if known is None else known.values
    return Shape.of_texts(len(values), texts, place, units, known=names, fewest=fewest)


def _names_rows(texts: pd.Series, known: Shape | None) -> bool:
    """Whether the texts are names of rows rather than values that rows share."""
    if known is not None:
        return not known.values
    return int(texts.nunique()) > max(MOST_VALUES, len(texts) // 2)
