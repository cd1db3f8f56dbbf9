"""What recommenders cost: seconds of fitting and of lists, most memory, size of the files."""

import tempfile
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import numpy as np

from recsys_pipeline.data.dataset import BoolArray, Dataset, UserBatch
from recsys_pipeline.pipeline.benchmark_results import Cost
from recsys_pipeline.pipeline.choosing import RankerData, fit_ranker
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE, Panel

_TIMES: Final = 3
_MEGABYTE: Final = 1e6


@dataclass(frozen=True)
class Meter:
    """Measures recommenders that are fitted already.

    Fits are made once more to see their memory: tracing slows them down, so that the seconds are
    those of the fits that were judged. The ranker of the two-stage recommender is timed here.

    Attributes:
        panel: fitted on `train`.
        train: the events learned from.
        users: whose lists are made.
        allowed: movies that may be in them; None is all.
        seconds: of the fit of each generator.
        pairs: what the ranker learns from, or None without a ranker.
        learning: the settings.
    """

    panel: Panel
    train: Dataset
    users: UserBatch
    allowed: BoolArray | None
    seconds: Mapping[str, float]
    pairs: RankerData | None
    learning: LearningConfig

    def costs(self, recommenders: Sequence[str]) -> dict[str, Cost]:
        """The cost of each, by name."""
        parts = {name: self._parts(name) for name in recommenders}
        fits = {part: self._fit(part) for part in dict.fromkeys(sum(parts.values(), ()))}
        sizes = {part: self._size(part) for part in fits}
        found = {}
        for name in recommenders:
            held = sum(fits[part].held for part in parts[name])
            make_lists = partial(self._lists, name)
            lists = _traced(make_lists)
            found[name] = Cost(
                fit_seconds=sum(fits[part].seconds for part in parts[name]),
                recommend_seconds=median(_timed(make_lists, _TIMES)),
                peak_megabytes=max(_peak([fits[p] for p in parts[name]]), held + lists.peak)
                / _MEGABYTE,
                model_megabytes=sum(sizes[part] for part in parts[name]) / _MEGABYTE,
            )
        return found

    def _parts(self, name: str) -> tuple[str, ...]:
        """What has to be fitted for a recommender, in order; the ranker is a part too."""
        if name == TWO_STAGE:
            return (*self.panel.proposers, TWO_STAGE)
        if name == BLEND and self.panel.blend is not None:
            return tuple(self.panel.blend.weights)
        return (name,)

    def _fit(self, part: str) -> "_Fit":
        if part == TWO_STAGE:
            return self._fit_ranker()
        model = self.panel.generators[part]
        rng = np.random.default_rng([self.learning.seed, 4])
        # A copy takes the new fit: the model that was judged stays as it is.
        traced = _traced(lambda: copy(model).fit(self.train, rng))
        return _Fit(self.seconds[part], traced.peak, traced.held)

    def _fit_ranker(self) -> "_Fit":
        pairs = self.pairs
        if pairs is None:
            return _Fit(0.0, 0.0, 0.0)
        rows = np.ones(len(pairs.labels), dtype=bool)

        def fit() -> Any:
            return fit_ranker(pairs, self.panel, self.learning, rows)

        (seconds,) = _timed(fit, 1)
        traced = _traced(fit)
        return _Fit(seconds, traced.peak, traced.held)

    def _lists(self, name: str) -> Any:
        return self.panel.rank(self.users, self.learning.k, names=[name], allowed=self.allowed)

    def _size(self, part: str) -> float:
        """Bytes of the files of a part."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if part != TWO_STAGE:
                self.panel.generators[part].save(folder)
            elif self.panel.ranker is not None and self.panel.pair_features is not None:
                self.panel.ranker.save(folder)
                self.panel.pair_features.save(folder)
            return float(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()))


@dataclass(frozen=True)
class _Fit:
    """Seconds of one fit, and bytes: the most at one time, and what the fitted model keeps."""

    seconds: float
    peak: float
    held: float


@dataclass(frozen=True)
class _Traced:
    peak: float
    held: float


def _peak(fits: Sequence[_Fit]) -> float:
    """Most bytes at one time where parts are fitted one after another and all are kept."""
    held, most = 0.0, 0.0
    for each in fits:
        most = max(most, held + each.peak)
        held += each.held
    return most


def _traced(work: Callable[[], Any]) -> _Traced:
    """Bytes that `work` asked for, at most and still held with its result, beyond those before."""
    already = tracemalloc.is_tracing()
    if not already:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = work()
        now, peak = tracemalloc.get_traced_memory()
        del result
        return _Traced(float(max(peak - before, 0)), float(max(now - before, 0)))
    finally:
        if not already:
            tracemalloc.stop()


def _timed(work: Callable[[], Any], times: int) -> list[float]:
    """Seconds of each of `times` calls."""
    found = []
    for _ in range(times):
        started = perf_counter()
        work()
        found.append(perf_counter() - started)
    return found
