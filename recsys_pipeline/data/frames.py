"""Tables as Parquet: every dtype that contracts use comes back as it was."""

from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def write_frame(frame: pd.DataFrame, target: Path | IO[bytes] | pa.NativeFile) -> None:
    """Write `frame` to a local path or a file open for writing; equal frames, equal bytes."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, target, compression="zstd")


def read_frame(source: Path | IO[bytes]) -> pd.DataFrame:
    """The frame that was written. Raises OSError or ValueError if it cannot be read.

    pandas' own reader fails on columns of lists: it looks for their type by name.
    """
    frame: pd.DataFrame = pq.read_table(source).to_pandas(types_mapper=_lists_stay)
    return frame


def _lists_stay(kind: pa.DataType) -> Any:
    return pd.ArrowDtype(kind) if pa.types.is_list(kind) else None
