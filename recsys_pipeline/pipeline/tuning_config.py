"""Settings of tuning, in a module of their own: it loads nothing that learns."""

from typing import Self

from pydantic import Field

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.config import Frozen


class TuningConfig(Frozen):
    """When better settings are looked for, and for how long."""

    enabled: bool = Field(
        True, description="Whether the monthly schedule is on from the start (optuna is needed)."
    )
    cron: str = Field("0 5 1 * *", description="When, as a cron line; the first of a month, 05:00.")
    minutes: float = Field(5.0, gt=0, description="Time to spend on it.")
    trials: int = Field(100, ge=1, description="Settings to try at most.")

    def with_budget(self, minutes: float | None, trials: int | None) -> Self:
        """The same with another budget; None leaves it as it is.

        Raises:
            SettingsError: it is not above 0.
        """
        given = {"minutes": minutes, "trials": trials}
        changes = {name: value for name, value in given.items() if value is not None}
        for name, value in changes.items():
            if not value > 0:
                raise SettingsError(f"{name} = {value:g} is no budget.", "Give a number above 0.")
        return self.model_copy(update=changes)
