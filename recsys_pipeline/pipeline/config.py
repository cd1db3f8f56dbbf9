"""Settings of learning: what the weekly job trains and how it judges."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.evaluation.config import PromotionConfig
from recsys_pipeline.models.config import (
    AlsConfig,
    ClustersConfig,
    ContentConfig,
    EaseConfig,
    ItemKnnConfig,
    PopularityConfig,
    ProfileConfig,
    RandomConfig,
    RecommenderConfig,
    SegmentPopularityConfig,
    TasteConfig,
    TrendingConfig,
)
from recsys_pipeline.ranking.config import RankerConfig, RerankingConfig, RulesConfig

GeneratorName = Literal[
    "item_knn",
    "ease",
    "als",
    "content",
    "profile",
    "taste",
    "segment_popularity",
    "clusters",
    "trending",
]


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
        (
            "item_knn",
            "ease",
            "als",
            "content",
            "taste",
            "segment_popularity",
            "clusters",
            "trending",
        ),
        description="Candidate generators to train besides popularity.",
    )
    popularity: PopularityConfig = PopularityConfig()
    item_knn: ItemKnnConfig = ItemKnnConfig()
    ease: EaseConfig = EaseConfig()
    als: AlsConfig = AlsConfig()
    content: ContentConfig = ContentConfig()
    profile: ProfileConfig = ProfileConfig()
    taste: TasteConfig = TasteConfig()
    segment_popularity: SegmentPopularityConfig = SegmentPopularityConfig()
    clusters: ClustersConfig = ClustersConfig()
    trending: TrendingConfig = TrendingConfig()

    def configs(self) -> dict[str, RecommenderConfig]:
        """The settings of each recommender to train, by name, baselines first."""
        wanted = {"random": RandomConfig(), "popularity": self.popularity}
        return wanted | {name: getattr(self, name) for name in self.use}


class EvaluationConfig(Frozen):
    """How recommenders are judged."""

    split: Literal["auto", "temporal", "last", "leave_last", "random", "strong"] = Field(
        "auto",
        description=(
            "What is held out: 'temporal' everything after a moment, 'last' each user's last "
            "events, 'leave_last' each user's very last one, 'random' some events of each user, "
            "'strong' the last events of users that nothing was learned from; 'auto' chooses by "
            "the data and says why."
        ),
    )
    stratify: Literal["user", "movie"] = Field(
        "user", description="What 'random' draws within: a share of each user's or each movie's."
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
        1_500, ge=1, description="Users that the choice rests on at most; likewise a sample."
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
    primary: Literal["auto", "two_stage", "blend", "popularity", GeneratorName] = Field(
        "auto",
        description=(
            "The recommender to release; 'auto' takes the best on the ranker's window by the "
            "metric that can decide."
        ),
    )
    language: Literal["en", "fr"] = Field(
        "en", description="Language of the reasons beside each movie: English or French."
    )
    likes: LikesConfig = LikesConfig()
    recommenders: RecommendersConfig = RecommendersConfig()
    ranker: RankerConfig = RankerConfig()
    reranking: RerankingConfig = RerankingConfig()
    rules: RulesConfig = RulesConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    promotion: PromotionConfig = PromotionConfig()

    @property
    def recipe(self) -> dict[str, Any]:
        """What makes lists, as plain values: all but seed, judging, promotion and hard rules.

        What the rules forbid holds at once, whichever recipe serves. Two settings with equal
        recipes are never compared with each other: one is the other, refitted.
        """
        return self.model_dump(mode="json", exclude={**_NOT_RECIPE, "rules": _HARD})

    def with_recipe_of(self, other: "LearningConfig") -> "LearningConfig":
        """The recipe of `other`, judged as these settings say and within their hard rules."""
        hard = {name: getattr(self.rules, name) for name in _HARD}
        changes = {name: getattr(self, name) for name in _NOT_RECIPE}
        return other.model_copy(update={**changes, "rules": other.rules.model_copy(update=hard)})


_NOT_RECIPE: Final = {"seed": True, "evaluation": True, "promotion": True}
_HARD: Final = {"blocked_movies", "blocked_users", "only", "exclude"}
