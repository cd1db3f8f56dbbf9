"""Settings of the simulated half year."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from recsys_pipeline.experiments.config import (
    ArmConfig,
    ExperimentConfig,
    ExperimentsConfig,
    GuardrailConfig,
)
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.simulation.config import WorldConfig
from recsys_pipeline.simulation.life_config import LifeConfig

EXPERIMENT: Final = "personal-lists"
CONTROL: Final = "popular"
TREATMENT: Final = "personal"

LIST_LENGTH: Final = 10
"""Movies of a list, as many as a page shows."""

_POPULAR: Final = {"primary": "popularity"}


class HalfYearConfig(BaseModel):
    """What is simulated. Equal configs give equal figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weeks: int = Field(26, ge=2, le=104, description="Weeks that are lived.")
    users: int = Field(10_000, ge=100, le=1_000_000, description="Users at the start.")
    movies: int = Field(2_000, ge=100, le=100_000, description="Movies at the start.")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of everything random.")
    before: int = Field(
        4, ge=0, description="First weeks, in which everybody gets the most popular movies."
    )
    control: float = Field(0.25, gt=0, lt=1, description="Share of the experiment's users.")
    holdout: float = Field(0.05, ge=0, le=0.5, description="Share who never get anything else.")
    exploration: int = Field(
        2, ge=0, le=10, description="Places of each personal list that explore."
    )
    loop_users: int = Field(1_500, ge=100, description="Users of the small worlds beside.")
    shuffled: bool = Field(
        False, description="Hand each personal list to another user: then it must not help."
    )

    @property
    def life(self) -> LifeConfig:
        """The world; interactions of the first year in proportion to the users."""
        return LifeConfig(
            world=WorldConfig(
                users=self.users,
                movies=self.movies,
                interactions=15 * self.users,
                seed=self.seed,
            )
        )

    def learning(self, week: int) -> LearningConfig:
        """The settings of a week: at first popularity, then whatever does best.

        Few recommenders and few judged users, so that a week takes seconds.
        """
        return LearningConfig.model_validate(
            {
                "k": LIST_LENGTH,
                "seed": self.seed,
                "primary": "popularity" if week <= self.before else "auto",
                "recommenders": {
                    "use": ["ease", "taste", "segment_popularity"],
                    "ease": {"regularization": 350.0, "oldest": 1.0},
                    "taste": {"max_pairs": 200_000},
                },
                "ranker": {"kind": "none"},
                "reranking": {"exploration_slots": self.exploration},
                "evaluation": {"max_users": 1_000, "max_window_users": 800},
            }
        )

    def experiments(self, starts: str) -> ExperimentsConfig:
        """The holdout, and the experiment that starts on a day (ISO); none without weeks before."""
        if not self.before:
            return ExperimentsConfig()
        return ExperimentsConfig(
            holdout=self.holdout,
            holdout_learning=_POPULAR,
            declared=(
                ExperimentConfig.model_validate(
                    {
                        "name": EXPERIMENT,
                        "arms": (
                            ArmConfig(name=CONTROL, weight=self.control, learning=_POPULAR),
                            ArmConfig(name=TREATMENT, weight=1 - self.control),
                        ),
                        "starts": starts,
                        "metric": "click_through",
                        "guardrails": (
                            GuardrailConfig(metric="watch_minutes"),
                            GuardrailConfig(metric="satisfaction"),
                        ),
                    }
                ),
            ),
        )
