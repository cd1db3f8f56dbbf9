"""What one run may change: the fields of the launchpad, the same as those of `recsys run`."""

from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.settings import Settings


class RunOptions(dg.ConfigurableResource):
    """Options of one run; everything else is in recsys.toml."""

    as_of: str | None = Field(
        default=None,
        description=(
            "Look from this moment (ISO, UTC unless it says otherwise), such as 2024-06-30 or "
            "2024-06-30T03:00. Without it: the end of the week, or the newest event of the week "
            "in progress."
        ),
    )
    sample: float = Field(
        default=1.0,
        description="Share of the users to keep for a first look at big data, above 0, at most 1.",
    )
    learning: dict[str, Any] = Field(
        default={},
        description=(
            "Settings of [learning] in recsys.toml that differ in this run, nested as there: "
            "{k: 20, evaluation: {split: random}}."
        ),
    )

    @property
    def moment(self) -> pd.Timestamp | None:
        """`as_of` as a time in UTC. Raises SettingsError if it is none."""
        return None if self.as_of is None else parse_as_of(self.as_of)

    def applied_to(self, settings: Settings) -> Settings:
        """`settings` with the learning settings of this run.

        Raises:
            SettingsError: an option is unknown or not valid.
        """
        if not 0 < self.sample <= 1:
            raise SettingsError(
                f"the run config: sample: {self.sample:g} is not a share of the users.",
                "Give a number above 0 and at most 1, such as 0.05.",
            )
        return settings.with_learning(self.learning) if self.learning else settings


def parse_as_of(text: str) -> pd.Timestamp:
    """A moment in UTC, in microseconds; a day alone is its midnight.

    >>> parse_as_of("2024-06-30T05:00+02:00").isoformat()
    '2024-06-30T03:00:00+00:00'

    Raises:
        SettingsError: it is not a date or time in ISO format.
    """
    try:
        moment = pd.Timestamp.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(
            f"as_of: {text!r} is not a date or time.",
            "Write it like 2024-06-30 or 2024-06-30T03:00.",
        ) from error
    in_utc = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return in_utc.as_unit("us")
