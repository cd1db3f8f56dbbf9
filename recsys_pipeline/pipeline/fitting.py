"""Fitting the generators on one cut."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import numpy as np

from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import MemoryLimitError
from recsys_pipeline.models import make
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.pipeline.config import LearningConfig

Progress = Callable[[str], None]

OF_KNOWN_USERS: Final = ("segment_popularity",)
"""Generators that are nothing but popularity where they know nobody."""


@dataclass(frozen=True)
class Fitted:
    """Generators fitted on one cut.

    Attributes:
        generators: by name.
        seconds: how long each took.
        left_out: why a recommender is missing, one sentence each.
    """

    generators: dict[str, Recommender]
    seconds: dict[str, float]
    left_out: dict[str, str] = field(default_factory=dict)


def fit_generators(
    data: Dataset,
    learning: LearningConfig,
    progress: Progress,
    only: Collection[str] | None = None,
) -> Fitted:
    """Fit the generators of the settings (or `only` those) on the events of `data`.

    One that would need more memory than allowed is left out and named, unless it is the one that
    `primary` asks for.

    Raises:
        MemoryLimitError: `primary` names a recommender that does not fit.
    """
    fitted = Fitted({}, {})
    for number, (name, config) in enumerate(learning.recommenders.configs().items()):
        if only is not None and name not in only:
            continue
        started = perf_counter()
        try:
            model = make(name, config).fit(data, np.random.default_rng([learning.seed, 4, number]))
        except MemoryLimitError as error:
            if learning.primary == name:
                raise
            fitted.left_out[name] = f"{name} was left out: {error.message} {error.hint}".strip()
            progress(fitted.left_out[name])
            continue
        if name in OF_KNOWN_USERS and not model.knows(data.batch()).any():
            fitted.left_out[name] = f"{name} was left out: no user has what it goes by."
            progress(fitted.left_out[name])
            continue
        fitted.generators[name] = model
        fitted.seconds[name] = perf_counter() - started
        progress(f"{name} fitted in {fitted.seconds[name]:.1f} s")
    return fitted
