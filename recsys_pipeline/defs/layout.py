"""Layout: what all assets share: keys, weeks, owners, and the names of their resources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg

from recsys_pipeline.defs.partitions import weeks
from recsys_pipeline.settings import Settings

TABLES: Final = "recsys_tables"
"""Resource key of the I/O manager of tables."""
MODELS: Final = "recsys_models"
"""Resource key of the I/O manager of fitted models."""

OPPONENTS: Final = "recsys_opponents"
"""Resource key of the I/O manager of recipes in service."""

Results = Iterator[dg.Output[Any] | dg.AssetCheckResult]
"""What an asset with checks yields: its tables, then the results."""

OWNERS: Final = ["team:recommendations"]
TABLE_KINDS: Final = {"python", "pandas", "parquet"}


@dataclass(frozen=True)
class Layout:
    """How the assets are named and cut.

    Attributes:
        prefix: put before every asset key.
        partitions: the weeks.
    """

    prefix: tuple[str, ...]
    partitions: dg.TimeWindowPartitionsDefinition

    @classmethod
    def of(cls, settings: Settings, key_prefix: Sequence[str]) -> "Layout":
        return cls(tuple(key_prefix), weeks(settings))

    def key(self, name: str) -> dg.AssetKey:
        """The key of the asset called `name`."""
        return dg.AssetKey([*self.prefix, name])

    def ins(self, *names: str) -> dict[str, dg.AssetIn]:
        """Inputs of the same names, each the same week of that asset."""
        return {name: dg.AssetIn(key=self.key(name)) for name in names}

    def out(self, name: str, **about: Any) -> dg.AssetOut:
        """An output that is a table."""
        return dg.AssetOut(
            key=self.key(name), io_manager_key=TABLES, owners=OWNERS, kinds=TABLE_KINDS, **about
        )
