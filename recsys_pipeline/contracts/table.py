"""What a column is and what a table is; the pyarrow schema derives from them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd
import pyarrow as pa

from recsys_pipeline.contracts import names


class Kind(StrEnum):
    """The kind of value that a column holds.

    In pandas: `ID` is ``int64`` or ``str`` (as it came), `TEXT` is ``str``, `NUMBER` is
    ``float64``, `INTEGER` is ``Int64``, `FLAG` is ``boolean``, `TIME` is
    ``datetime64[us, UTC]``, `TEXTS` is ``list<string>[pyarrow]``.
    """

    ID = "id"
    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    TIME = "time"
    TEXTS = "list of texts"


PANDAS_DTYPES: dict[Kind, Any] = {
    Kind.TEXT: "str",
    Kind.NUMBER: "float64",
    Kind.INTEGER: "Int64",
    Kind.FLAG: "boolean",
    Kind.TIME: "datetime64[us, UTC]",
    Kind.TEXTS: pd.ArrowDtype(pa.list_(pa.string())),
}
"""The pandas dtype of each kind; `Kind.ID` keeps the dtype that it came with."""

_ARROW: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.TEXTS: pa.list_(pa.string()),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: canonical name, from `contracts.names`.
        kind: what a value is.
        doc: one sentence for people; goes into the data dictionary and the Dagster UI.
        required: the column must exist and every value must be present.
        unit: unit of a number, such as ``"years"``.
        minimum, maximum: inclusive bounds of a number, or None.
        references: name of the table whose key this column must be found in, or None.
        not_after_as_of: the value is an event time: later than `as_of` is not yet known.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    references: str | None = None
    not_after_as_of: bool = False

    @property
    def range_text(self) -> str:
        """The bounds for people, such as ``"0 to 1"``; empty without bounds."""
        if self.minimum is None and self.maximum is None:
            return ""
        if self.maximum is None:
            return f"at least {self.minimum:g}"
        if self.minimum is None:
            return f"at most {self.maximum:g}"
        return f"{self.minimum:g} to {self.maximum:g}"


@dataclass(frozen=True, slots=True)
class Contract:
    """What a canonical table is.

    Attributes:
        name: name of the table, also of its asset and of its file.
        doc: one sentence for people.
        columns: the known columns in their canonical order; a table may carry further ones.
        key: the columns that identify a row; absent optional ones are left out of the key.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.required)

    def key_of(self, frame: pd.DataFrame) -> list[str]:
        """The key columns that `frame` has."""
        return [name for name in self.key if name in frame.columns]

    def schema(self, id_types: dict[str, pa.DataType] | None = None) -> pa.Schema:
        """The pyarrow schema of the table with every known column.

        Args:
            id_types: the type of each `Kind.ID` column, by name; strings where left out.
        """
        ids = id_types or {}
        return pa.schema(
            [
                pa.field(
                    column.name,
                    ids.get(column.name, pa.string())
                    if column.kind is Kind.ID
                    else _ARROW[column.kind],
                    nullable=not column.required,
                    metadata={"doc": column.doc, "unit": column.unit},
                )
                for column in self.columns
            ],
            metadata={"table": self.name, "doc": self.doc},
        )

    def extra_columns(self, frame: pd.DataFrame) -> list[str]:
        """Columns of `frame` that the contract does not know and that are no bookkeeping."""
        known = {*self.column_names, names.SOURCE_FILE, names.SOURCE_ROW}
        return [str(name) for name in frame.columns if name not in known and "__" not in str(name)]
