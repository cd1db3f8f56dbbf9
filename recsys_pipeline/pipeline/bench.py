"""Bench: generators with any settings, fitted on the history of the window and judged on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from recsys_pipeline.errors import ModelError
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.pipeline.adjusting import adjust
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.fitting import Progress, fit_generators
from recsys_pipeline.pipeline.search_space import value_at
from recsys_pipeline.pipeline.steady import SteadyFigure
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.pipeline.window import Window

_MOST_USERS: Final = 10_000
"""Users of the window that are judged at most; judging them takes less time than fitting."""


@dataclass
class Bench:
    """Fits generators on the history of the window, and judges them.

    The settings given to one bench differ in likes and recommenders only.

    Attributes:
        tables: the clean users, movies and interactions.
        as_of: the moment that is looked from.
        seed: decides which users are judged first.
        progress: is told what cannot be fitted, one line.
    """

    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
    as_of: pd.Timestamp | None
    seed: int
    progress: Progress

    def __post_init__(self) -> None:
        self._confirmed: dict[str, PerUser] = {}
        self._kept: tuple[str, Window] | None = None
        self._judged: dict[str, list[PerUser]] = {}

    def window(self, learning: LearningConfig) -> Window:
        """The window; the one made last is kept, as most trials count likes as the one before."""
        likes = learning.likes.model_dump_json()
        if self._kept is None or self._kept[0] != likes:
            cuts = load_cuts(*self.tables, learning, self.as_of)
            many = learning.evaluation.model_copy(update={"max_window_users": _MOST_USERS})
            self._kept = likes, Window.of(cuts, learning.model_copy(update={"evaluation": many}))
        return self._kept[1]

    def figure(self, learning: LearningConfig) -> SteadyFigure:
        """Judges on the window of these settings."""
        return SteadyFigure(self.window(learning), self.seed)

    def rungs(self, name: str, learning: LearningConfig) -> Iterator[PerUser]:
        """The figure of `name` on more and more choosing users; nothing if it cannot be fitted.

        What was judged to the end is remembered.
        """
        key = _key(name, learning)
        if key in self._judged:
            yield from self._judged[key]
            return
        model = self._fit(name, learning)
        found = []
        for each in self.figure(learning).rungs(model) if model is not None else ():
            found.append(each)
            yield each
        self._judged[key] = found

    def confirmation(self, name: str, learning: LearningConfig) -> PerUser:
        """The figure of `name` on users that chose nothing. Raises ModelError if it has none."""
        key = _key(name, learning)
        if key not in self._confirmed:
            model = self._fit(name, learning)
            if model is None:
                raise ModelError(
                    f"{name} could be fitted before, and cannot be fitted now.",
                    "Free some memory, and run `recsys tune` again: it goes on from here.",
                )
            self._confirmed[key] = self.figure(learning).confirmation(model)
        return self._confirmed[key]

    def _fit(self, name: str, learning: LearningConfig) -> Recommender | None:
        try:
            fitted = fit_generators(self.window(learning).cuts.history, learning, _nobody, [name])
        except ModelError as error:
            self.progress(f"{name}: {error.message}")
            return None
        return fitted.generators.get(name)

    def settled(self, name: str, learning: LearningConfig) -> LearningConfig:
        """With the numbers that the weekly run would put in place of 'auto'."""
        if name != "ease" or not learning.recommenders.ease.open:
            return learning
        window = Window.of(self.window(learning).cuts, learning)
        early = fit_generators(window.cuts.history, learning, _nobody, [name])
        return adjust(window, early, {name: 1.0}, learning, _nobody).learning


def _key(name: str, learning: LearningConfig) -> str:
    """Stands for all that a figure of one bench depends on."""
    own = value_at(learning, f"recommenders.{name}").model_dump_json()
    return f"{name} {own} {learning.likes.model_dump_json()}"


def _nobody(_: str) -> None:
    """Told what nobody needs to know: a trial is one line."""
