"""A digest of tables: equal content, equal text."""

import hashlib
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa


def fingerprint(tables: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 (hex) over names, columns, types and values of `tables`, in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tables):
        table = pa.Table.from_pandas(tables[name], preserve_index=False).replace_schema_metadata()
        digest.update(name.encode())
        digest.update(str(table.schema).encode())
        for column in table.columns:
            sink = pa.BufferOutputStream()
            single = pa.table({"column": column.combine_chunks()})
            with pa.ipc.new_stream(sink, single.schema) as writer:
                writer.write_table(single)
            digest.update(memoryview(sink.getvalue()))
    return digest.hexdigest()
