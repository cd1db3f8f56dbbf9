"""Settings of monitoring."""

from pydantic import BaseModel, ConfigDict, Field


class MonitoringConfig(BaseModel):
    """How what happens online is counted, and when it raises an alarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribution_hours: float = Field(
        24.0,
        gt=0,
        le=24 * 28,
        description="A click, view or rating belongs to a movie shown at most this long before.",
    )
    churn_days: int = Field(
        28, ge=7, le=365, description="Somebody who does nothing for so many days has left."
    )
    alarms_per_year: float = Field(
        1.0,
        gt=0,
        le=52,
        description="False alarms a year, at most, over all that is compared every week.",
    )
    least_change: float = Field(
        0.1,
        ge=0,
        le=1,
        description="A change below this is no alarm, however sure: a Jensen-Shannon distance, "
        "or a share of the usual rows or rate.",
    )
    retrain_on_drift: bool = Field(
        False, description="Whether an alarm of drift starts the weekly job at once."
    )
