"""Two stages: candidates of several generators, then a ranker; and the model that is released."""

from recsys_pipeline.ranking.config import RankerConfig
from recsys_pipeline.ranking.panel import Pairs, Panel, Ranked
from recsys_pipeline.ranking.released import Lists, ReleasedModel, load_released_model

__all__ = [
    "Lists",
    "Pairs",
    "Panel",
    "Ranked",
    "RankerConfig",
    "ReleasedModel",
    "load_released_model",
]
