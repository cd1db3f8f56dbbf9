"""Settings of the business figures: goals, prices and assumptions."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

GoalName = Literal[
    "click_through",
    "watch_time",
    "satisfaction",
    "churn",
    "response",
    "availability",
    "infrastructure",
]
"""Names of the goals in tables, logs and settings."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoalsConfig(_Frozen):
    """What the business wants; every report shows each goal as met, missed or cannot tell."""

    click_through: float | None = Field(
        0.15, gt=0, lt=1, description="Clicks per movie shown, more than this."
    )
    watch_time_lift: float | None = Field(
        0.20, gt=-1, description="Time watched per user against the control, at least this much up."
    )
    satisfaction: float | None = Field(
        4.2, ge=0.5, le=5, description="Mean rating of recommended movies, more than this (stars)."
    )
    monthly_churn_before: float = Field(
        0.025, gt=0, lt=1, description="Share of users who left in a month before."
    )
    monthly_churn: float | None = Field(
        0.021, gt=0, lt=1, description="Share of users who leave in a month, at most this."
    )
    response_milliseconds: float | None = Field(
        100.0, gt=0, description="Time of 99 of 100 answers, less than this."
    )
    availability: float | None = Field(
        0.999, gt=0, lt=1, description="Share of requests answered without a failure, at least."
    )
    infrastructure_per_month: float | None = Field(
        50_000.0, gt=0, description="Cost of computing a month, less than this."
    )
    left_out: tuple[GoalName, ...] = Field(
        (), description='Goals that are not yours, such as ["satisfaction"].'
    )


class PricesConfig(_Frozen):
    """What things cost, in one currency."""

    currency: str = Field("€", min_length=1, max_length=4, description="Sign of the currency.")
    core_hour: float = Field(0.05, ge=0, description="One processor core for an hour.")
    gigabyte_month: float = Field(0.10, ge=0, description="A gigabyte stored for a month.")
    servers: int = Field(2, ge=0, description="Machines that answer requests all month.")
    cores_per_server: int = Field(2, ge=1, description="Cores of each of them.")
    fixed_per_month: float = Field(
        0.0, ge=0, description="Whatever else it costs a month, such as people and licences."
    )
    project: float = Field(0.0, ge=0, description="What building it costs once.")


class AssumptionsConfig(_Frozen):
    """What nobody has measured; every report lists these beside the figures that rest on them."""

    revenue_per_user_month: float = Field(
        10.0, ge=0, description="Revenue of a user a month, such as the price of a subscription."
    )
    revenue_per_user_month_error: float = Field(
        0.1, ge=0, le=1, description="Its relative standard error."
    )
    revenue_per_click: float = Field(0.0, ge=0, description="Revenue of a click, such as an ad's.")
    margin: float = Field(
        0.5, ge=0, le=1, description="Share of the revenue that is left after its own costs."
    )
    lift: float = Field(
        0.1, gt=-1, description="Relative lift of clicks and watch time before any experiment."
    )
    lift_error: float = Field(0.05, ge=0, description="Its standard error.")
    churn_lift: float = Field(
        -0.05, gt=-1, description="Relative change of monthly churn before any experiment."
    )
    churn_lift_error: float = Field(0.05, ge=0, description="Its standard error.")
    clicks_per_user_month: float = Field(
        4.0, ge=0, description="Clicks of a user a month as it is, where none were counted."
    )
    watch_hours_per_user_month: float = Field(
        10.0, ge=0, description="Hours that a user watches a month as it is, where not counted."
    )
    usage_error: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Relative standard error of these two, of `evenness` and of monthly churn.",
    )
    evenness: float = Field(
        1.0,
        gt=0,
        description="How alike users are in clicking where it was not counted: shape of a gamma "
        "distribution, small where a few click most.",
    )
    months: int = Field(12, ge=1, le=60, description="Months that the result is counted over.")


class BusinessConfig(_Frozen):
    """Prices and assumptions behind the business figures."""

    prices: PricesConfig = PricesConfig()
    assumptions: AssumptionsConfig = AssumptionsConfig()
