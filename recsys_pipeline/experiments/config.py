"""Settings of experiments."""

from datetime import date
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

METRICS: Final = (
    "click_through",
    "list_click_through",
    "clicks",
    "watch_minutes",
    "satisfaction",
    "active_days",
    "return_rate",
)
MetricName = Literal[
    "click_through",
    "list_click_through",
    "clicks",
    "watch_minutes",
    "satisfaction",
    "active_days",
    "return_rate",
]
"""What an experiment can be about; each is defined in docs/monitoring.md."""

HOLDOUT: Final = "holdout"
"""Name of the permanent holdout, as experiment and as arm."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArmConfig(_Frozen):
    """One arm: a whole recipe."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the arm.")
    weight: float = Field(1.0, gt=0, description="Share of the users, against the other arms.")
    release: str = Field("", description="A release that answers all along; empty for none.")
    learning: dict[str, Any] = Field(
        {},
        description='What the arm changes in [learning], such as { primary = "ease" }; the weekly '
        "run makes a release with it. Without either the release in service answers.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.release and self.learning:
            raise ValueError("an arm has a release or changes in learning, not both")
        return self


class EligibleConfig(_Frozen):
    """Who may take part."""

    segments: tuple[str, ...] = Field((), description="Segments that may; empty for all.")
    min_history: int = Field(0, ge=0, description="Interactions that a user has at least.")


class GuardrailConfig(_Frozen):
    """What must not get worse."""

    metric: MetricName = Field(description="Metric that is watched.")
    most_loss: float = Field(
        0.05, ge=0, lt=1, description="Share of the control's figure that may be lost."
    )


class ExperimentConfig(_Frozen):
    """One experiment. The first arm is the control."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name, and salt of the draw."
    )
    arms: tuple[ArmConfig, ...] = Field(min_length=2, max_length=8, description="Control first.")
    share: float = Field(1.0, gt=0, le=1, description="Share of the eligible users who take part.")
    eligible: EligibleConfig = EligibleConfig()
    starts: date | None = Field(None, description="First day; none starts at once.")
    ends: date | None = Field(None, description="Last day; none runs until it is stopped.")
    metric: MetricName = Field("click_through", description="What decides.")
    least_effect: float = Field(
        0.05, gt=0, description="Relative change of the metric that is worth finding."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Rate of false alarms, at all looks.")
    power: float = Field(0.8, gt=0.5, lt=1, description="Chance to find the least effect.")
    guardrails: tuple[GuardrailConfig, ...] = Field((), description="What must not get worse.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError("each arm has a name of its own")
        if self.name == HOLDOUT:
            raise ValueError(f"'{HOLDOUT}' is the permanent holdout's name")
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends lies before starts")
        if any(rail.metric == self.metric and rail.most_loss for rail in self.guardrails):
            raise ValueError(
                f"guardrails: {self.metric} decides, so nothing of it may be lost: it is watched "
                "without a guardrail"
            )
        return self


class ExperimentsConfig(_Frozen):
    """Comparisons of whole recipes among users. `recsys experiment` can start more."""

    salt: str = Field("recsys", min_length=1, description="Salt of the holdout's draw.")
    holdout: float = Field(
        0.0, ge=0, le=0.5, description="Share of the users who get the holdout's recipe for ever."
    )
    holdout_learning: dict[str, Any] = Field(
        {"primary": "popularity"}, description="What the holdout changes in [learning]."
    )
    declared: tuple[ExperimentConfig, ...] = Field((), description="Experiments, the first first.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [each.name for each in self.declared]
        if len(set(names)) < len(names):
            raise ValueError("each experiment has a name of its own")
        return self
