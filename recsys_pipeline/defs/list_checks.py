"""The checks of the lists as asset checks: a list that breaks one is not released."""

from collections.abc import Iterator

import dagster as dg

from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.pipeline.list_checks import TEXTS, ListCheck


def list_check_specs(layout: Layout, asset: str) -> list[dg.AssetCheckSpec]:
    """The checks of the asset called `asset`, all blocking."""
    return [
        dg.AssetCheckSpec(name, asset=layout.key(asset), description=text, blocking=True)
        for name, text in TEXTS.items()
    ]


def list_check_results(
    layout: Layout, asset: str, checks: list[ListCheck]
) -> Iterator[dg.AssetCheckResult]:
    """A result for each of `list_check_specs`."""
    for check in checks:
        yield dg.AssetCheckResult(
            asset_key=layout.key(asset),
            check_name=check.name,
            passed=not check.broken,
            metadata={"broken": check.broken, "of": check.of},
        )
