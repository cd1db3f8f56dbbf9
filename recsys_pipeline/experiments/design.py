"""An experiment as it is analysed: arms, what decides, and how surely."""

from dataclasses import dataclass
from typing import Final, Self

import pandas as pd

from recsys_pipeline.experiments.config import (
    HOLDOUT,
    ExperimentConfig,
    ExperimentsConfig,
    GuardrailConfig,
)
from recsys_pipeline.experiments.participants import WEEK

EVERYBODY_ELSE: Final = "everybody else"
"""What the users outside the permanent holdout are called where it is compared with them."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is compared.

    Attributes:
        name: of the experiment.
        arms: names, the control first.
        weights: share of the users who take part, by arm; their sum is 1.
        share: share of all users who take part (0 to 1).
        segments: those that may; empty for all.
        starts: weeks that end by then do not count; None for all.
        weeks: planned length, in whole weeks; None where there is no end.
        metric, least_effect, alpha, power, guardrails: as of `ExperimentConfig`.
    """

    name: str
    arms: tuple[str, ...]
    weights: dict[str, float]
    share: float
    segments: tuple[str, ...]
    starts: pd.Timestamp | None
    weeks: int | None
    metric: str
    least_effect: float
    alpha: float
    power: float
    guardrails: tuple[GuardrailConfig, ...]

    @property
    def alpha_each(self) -> float:
        """Alpha of one arm against the control (Bonferroni over arms)."""
        return self.alpha / (len(self.arms) - 1)

    @classmethod
    def of(cls, experiment: ExperimentConfig, *, holdout: float = 0.0) -> Self:
        """Of an experiment; `holdout` is the share of all users who are kept out of it."""
        whole = sum(arm.weight for arm in experiment.arms)
        starts = experiment.starts and pd.Timestamp(experiment.starts, tz="UTC")
        ends = experiment.ends and pd.Timestamp(experiment.ends, tz="UTC")
        return cls(
            name=experiment.name,
            arms=tuple(arm.name for arm in experiment.arms),
            weights={arm.name: arm.weight / whole for arm in experiment.arms},
            share=experiment.share * (1 - holdout),
            segments=experiment.eligible.segments,
            starts=starts or None,
            weeks=int((ends - starts) / WEEK + 1) if starts and ends else None,
            metric=experiment.metric,
            least_effect=experiment.least_effect,
            alpha=experiment.alpha,
            power=experiment.power,
            guardrails=experiment.guardrails,
        )

    @classmethod
    def of_holdout(cls, config: ExperimentsConfig) -> Self:
        """Of the permanent holdout, as the control, against everybody else.

        By click-through; what is worth finding, alpha and power are the defaults of an experiment.
        """
        fields = ExperimentConfig.model_fields
        return cls(
            name=HOLDOUT,
            arms=(HOLDOUT, EVERYBODY_ELSE),
            weights={HOLDOUT: config.holdout, EVERYBODY_ELSE: 1 - config.holdout},
            share=1.0,
            segments=(),
            starts=None,
            weeks=None,
            metric=fields["metric"].default,
            least_effect=fields["least_effect"].default,
            alpha=fields["alpha"].default,
            power=fields["power"].default,
            guardrails=(),
        )
