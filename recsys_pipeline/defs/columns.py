"""Column schemas for the UI, derived from the contracts."""

from typing import Final

import dagster as dg
import pandas as pd
import pyarrow as pa

from recsys_pipeline.contracts import Column, Contract, names
from recsys_pipeline.evaluation import names as figures
from recsys_pipeline.ranking.panel import POPULARITY

SCHEMA_KEY: Final = "dagster/column_schema"
"""Metadata key under which the UI looks for a table's columns."""

_BOOKKEEPING: Final = {
    names.SOURCE_FILE: "File that the row came from.",
    names.SOURCE_ROW: "Its line in that file, counted from 1 with the header.",
}
_QUARANTINE: Final = {
    names.TABLE: "Table that the row was meant for.",
    **_BOOKKEEPING,
    names.RULES: "The rules that the row breaks.",
    names.ROW: "The row as JSON.",
}

_FIGURES: Final = {
    figures.RECOMMENDER: "Which recommender.",
    figures.METRIC: "Which metric, such as ndcg_at_10.",
    figures.MEAN: "Its mean over the users judged.",
    figures.LOW: "Lower bound of the 95 % interval of the mean.",
    figures.HIGH: "Upper bound of the 95 % interval of the mean.",
    figures.DIFFERENCE.format(POPULARITY): "Mean of the paired differences to popularity.",
    figures.DIFFERENCE_LOW: "Lower bound of the 95 % interval of that difference.",
    figures.DIFFERENCE_HIGH: "Upper bound of the 95 % interval of that difference.",
}


def contract_schema(contract: Contract) -> dg.TableSchema:
    """Every column that the contract knows; a table may lack optional ones and carry others."""
    types = contract.schema()
    return dg.TableSchema(
        columns=[
            _described(column, contract, "id" if column.kind == "id" else str(field.type))
            for column, field in zip(contract.columns, types, strict=True)
        ]
    )


def mapped_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns and where each row came from."""
    known = contract_schema(contract)
    added = [dg.TableColumn(name, "string", text) for name, text in _BOOKKEEPING.items()]
    return dg.TableSchema(columns=[*known.columns, *added])


def quarantine_schema() -> dg.TableSchema:
    """The columns of the rows that were set aside."""
    return dg.TableSchema(
        columns=[dg.TableColumn(name, "string", text) for name, text in _QUARANTINE.items()]
    )


def figures_schema() -> dg.TableSchema:
    """The columns of the comparison of recommenders."""
    texts = (figures.RECOMMENDER, figures.METRIC)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, "string" if name in texts else "double", text)
            for name, text in _FIGURES.items()
        ]
    )


def frame_schema(frame: pd.DataFrame, declared: dg.TableSchema | None) -> dg.TableSchema:
    """The columns that `frame` has, with their types; descriptions come from `declared`."""
    known = {column.name: column for column in declared.columns} if declared else {}
    columns = []
    for name in frame.columns:
        kind = _type_text(frame[name])
        column = known.get(str(name))
        columns.append(
            dg.TableColumn(str(name), kind, column.description, column.constraints)
            if column
            else dg.TableColumn(str(name), kind)
        )
    return dg.TableSchema(columns=columns)


def _type_text(values: pd.Series) -> str:
    if isinstance(values.dtype, pd.StringDtype):
        return "string"
    if isinstance(values.dtype, pd.ArrowDtype):
        return str(values.dtype.pyarrow_dtype)
    return str(pa.Schema.from_pandas(values.head(0).to_frame(), preserve_index=False)[0].type)


def _described(column: Column, contract: Contract, kind: str) -> dg.TableColumn:
    limits = " ".join(part for part in (column.range_text, column.unit) if part)
    constraints = [limits] if limits else []
    if column.references:
        constraints.append(f"found in {column.references}")
    return dg.TableColumn(
        column.name,
        kind,
        column.doc,
        dg.TableColumnConstraints(
            nullable=not column.required,
            unique=contract.key == (column.name,),
            other=constraints,
        ),
    )
