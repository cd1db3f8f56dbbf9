"""Settings of learning: what the weekly job trains and how it judges."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.models.config import (
    AlsConfig,
    ContentConfig,
    EaseConfig,
    ItemKnnConfig,
    PopularityConfig,
    ProfileConfig,
    RandomConfig,
    RecommenderConfig,
)
from recsys_pipeline.ranking.config import RankerConfig

GeneratorName = Literal["item_knn", "ease", "als", "content", "profile"]


class Frozen(BaseModel):
    """A group of settings: frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("each recommender may be named once")
    return values


class RecommendersConfig(Frozen):
    """Which recommenders are trained and how. Random and popularity are always there."""

    use: Annotated[tuple[GeneratorName, ...], AfterValidator(_distinct)] = Field(
        ("item_knn", "ease", "als", "content", "profile"),
        description="Candidate generators to train besides popularity.",
    )
    popularity: PopularityConfig = PopularityConfig()
    item_knn: ItemKnnConfig = ItemKnnConfig()
    ease: EaseConfig = EaseConfig()
    als: AlsConfig = AlsConfig()
    content: ContentConfig = ContentConfig()
    profile: ProfileConfig = ProfileConfig()

    def configs(self) -> dict[str, RecommenderConfig]:
        """The settings of each recommender to train, by name, baselines first."""
        wanted = {"random": RandomConfig(), "popularity": self.popularity}
        return wanted | {name: getattr(self, name) for name in self.use}


class EvaluationConfig(Frozen):
    """How recommenders are judged."""

    split: Literal["auto", "temporal", "last", "random"] = Field(
        "auto",
        description=(
            "What is held out: 'temporal' everything after a moment, 'last' each user's last "
            "events, 'random' some events of each user; 'auto' chooses by the data and says why."
        ),
    )
    test_share: float | None = Field(
        None,
        gt=0,
        lt=0.9,
        description="Share of the interactions held out; without a value 0.25 at random, else 0.2.",
    )
    window_share: float = Field(
        0.2,
        gt=0,
        lt=0.9,
        description="Share of the rest that the ranker learns from and the choice is made on.",
    )
    max_users: int = Field(
        3_000, ge=1, description="Users judged at most; beyond, a random sample of them."
    )
    max_window_users: int = Field(
        2_000, ge=1, description="Users that the choice rests on at most; likewise a sample."
    )

    @property
    def share(self) -> float:
        """The share of the interactions that is held out."""
        if self.test_share is not None:
            return self.test_share
        return 0.25 if self.split == "random" else 0.2


class LearningConfig(Frozen):
    """All that decides what is learned from given tables."""

    k: int = Field(10, ge=1, le=1_000, description="Length of a user's list.")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of everything random.")
    primary: Literal["auto", "two_stage", "popularity", GeneratorName] = Field(
        "auto",
        description=(
            "The recommender to release; 'auto' takes the best on the ranker's window by the "
            "metric that can decide."
        ),
    )
    likes: LikesConfig = LikesConfig()
    recommenders: RecommendersConfig = RecommendersConfig()
    ranker: RankerConfig = RankerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
