"""The door to what is kept of each monitored week: figures and the report, never a user."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

REPORT_HTML: Final = "report.html"
"""The report as one self-contained page."""
REPORT_MARKDOWN: Final = "report.md"
FIGURES: Final = "figures.parquet"
"""The figures of the week, tidy; see `monitoring.figures`."""
DRIFT: Final = "drift.parquet"
"""What was compared with the reference, and what came of it."""
ALARMS: Final = "alarms.json"
EXPERIMENTS: Final = "experiments.json"
"""What may be said of each experiment by now."""
GOALS: Final = "goals.json"
IMPACT: Final = "impact.json"
COST: Final = "cost.json"
"""What the weekly run took; where the report is made again without a run, it stays."""
PROFILE: Final = "profile.json"
"""How inputs, scores and lists were distributed, for the comparison of later weeks."""


class ReportStore(Protocol):
    """Files by week. A week is named by the ISO day on which it ends, such as ``2024-01-08``."""

    def put(self, week: str, files: Mapping[str, bytes]) -> None:
        """Keep the files of a week, all or none; those of an earlier run of it are replaced."""
        ...

    def weeks(self) -> Sequence[str]:
        """The weeks that are kept, oldest first."""
        ...

    def read(self, week: str, name: str) -> bytes | None:
        """One file, or None where that week has none of that name."""
        ...

    def version(self, week: str) -> str | None:
        """A text that changes whenever the files of that week do, or None where there are none."""
        ...
