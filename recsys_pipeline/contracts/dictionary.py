"""The data dictionary, as Markdown, from the contracts."""

from collections.abc import Iterable

from recsys_pipeline.contracts.table import Contract


def data_dictionary(contracts: Iterable[Contract]) -> str:
    """Markdown with one table per contract; ends in a newline."""
    parts = [
        "# Data dictionary",
        "",
        "Generated from `recsys_pipeline/contracts/tables.py` by `make docs`; do not edit.",
        "A table may carry further columns: they become features.",
    ]
    for contract in contracts:
        parts += [
            "",
            f"## {contract.name}",
            "",
            f"{contract.doc} Key: {', '.join(f'`{name}`' for name in contract.key)}.",
            "",
            "| column | kind | required | range | unit | meaning |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        parts += [
            f"| `{column.name}` | {column.kind.value} | {'yes' if column.required else ''} "
            f"| {column.range_text} | {column.unit} | {column.doc} |"
            for column in contract.columns
        ]
    return "\n".join(parts) + "\n"
