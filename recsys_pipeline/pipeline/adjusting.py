"""Settings of EASE that the data decide: chosen on the window, by lists five times as long."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from recsys_pipeline.models.config import EaseConfig
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.fitting import Fitted, Progress
from recsys_pipeline.pipeline.window import Window

REGULARIZATIONS: Final = (125.0, 250.0, 350.0, 500.0, 700.0, 1000.0)
"""Tried for EASE where the settings say 'auto'."""
OLDEST: Final = (1.0, 0.5)
"""Weights of the oldest like that are tried likewise."""

_PROMISING = 0.7
_COARSE = (250.0, 500.0)
_MANY_ITEMS = 1_000


@dataclass(frozen=True)
class Adjusted:
    """What the window decided.

    Attributes:
        learning: the settings with numbers in place of 'auto'.
        fitted: with the model of those settings.
        found: the numbers, by setting.
    """

    learning: LearningConfig
    fitted: Fitted
    found: Mapping[str, float]


def adjust(
    window: Window,
    fitted: Fitted,
    figures: Mapping[str, float],
    learning: LearningConfig,
    progress: Progress,
) -> Adjusted:
    """Choose the settings of EASE that are 'auto' on the window.

    Where EASE is far behind another recommender, it keeps its usual settings: there it is not
    what decides. Where the exact model has to be made anew for each number, fewer are tried.

    Args:
        window: of the run.
        fitted: the generators fitted on the history.
        figures: the deciding metric of each on the window.
        learning: the settings.
        progress: is told what was chosen.
    """
    config = learning.recommenders.ease
    model = fitted.generators.get("ease")
    best = max((value for value in figures.values() if np.isfinite(value)), default=0.0)
    promising = figures.get("ease", 0.0) >= _PROMISING * best > 0
    if not isinstance(model, Ease) or not config.open or not promising:
        return Adjusted(learning, fitted, {})
    chosen = _best(window, config, model, learning.seed)
    settled = learning.recommenders.model_copy(update={"ease": chosen.config})
    found: dict[str, Any] = {
        f"ease.{name}": getattr(chosen.config, name) for name in sorted(config.open)
    }
    progress(f"chosen on the window: {', '.join(f'{k} = {v:g}' for k, v in found.items())}")
    return Adjusted(
        learning.model_copy(update={"recommenders": settled}),
        replace(fitted, generators={**fitted.generators, "ease": chosen}),
        found,
    )


def _best(window: Window, config: EaseConfig, usual: Ease, seed: int) -> Ease:
    """First the weight of the oldest like, with the usual regularization, then that."""
    best, reached = usual, window.steady_figure(usual)
    open_ = config.open
    dense = usual.route_ == "items" and len(usual.items_) > _MANY_ITEMS
    numbers = _COARSE if dense else REGULARIZATIONS
    data = window.cuts.history
    if "oldest" in open_ and data.recency is not None:
        for oldest in OLDEST:
            if oldest != best.config.oldest:
                tried = best.config.model_copy(update={"oldest": oldest})
                model = Ease(tried).fit(data, np.random.default_rng([seed, 6]))
                best, reached = _better(window, best, reached, model)
    if "regularization" in open_:
        others = [number for number in numbers if number != best.config.regularization]
        rng = np.random.default_rng([seed, 6])
        for model in Ease.fit_path(data, others, rng, best.config):
            best, reached = _better(window, best, reached, model)
    return best


def _better(window: Window, best: Ease, reached: float, model: Ease) -> tuple[Ease, float]:
    figure = window.steady_figure(model)
    return (model, figure) if figure > reached else (best, reached)
