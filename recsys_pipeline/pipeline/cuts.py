"""The cuts of one run: history, the ranker's window, the test, and everything."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recsys_pipeline.data.dataset import Dataset, Events, Int32Array
from recsys_pipeline.data.splits import Split, split
from recsys_pipeline.pipeline.config import LearningConfig


@dataclass(frozen=True)
class Cuts:
    """One Dataset, cut twice.

    ::

        |──── history ────|─ window ─|── test ──| as_of
        |──────── train ─────────────|
        |────────────── everything ─────────────|

    Attributes:
        everything: all events as of `as_of`.
        train: the events before the test, to learn from.
        known: the events that judged users are known by: `train`, and where the split holds out
            whole users, what those are folded in with.
        history: the events before the window, to learn from.
        known_history: the same for users judged on the window.
        window, test: the events held out.
        outer, inner: the splits that made them.
    """

    everything: Dataset
    train: Dataset
    known: Dataset
    history: Dataset
    known_history: Dataset
    window: Events
    test: Events
    outer: Split
    inner: Split


def make_cuts(data: Dataset, learning: LearningConfig) -> Cuts:
    """Cut `data` as the settings say; the same settings give the same cuts.

    Raises:
        SettingsError: a cut in time is asked for and the events have no time.
    """
    evaluation = learning.evaluation
    rng = np.random.default_rng([learning.seed, 1])
    outer = split(
        data.events,
        evaluation.split,
        rng=rng,
        test_share=evaluation.share,
        stratify=evaluation.stratify,
    )
    train = data.cut(outer.train, _before(outer, data))
    kind = outer.kind
    if kind == "temporal" and not _has_two_times(train.events):
        kind = "random"
    inner = split(
        train.events,
        kind,
        rng=rng,
        test_share=evaluation.window_share,
        stratify=evaluation.stratify,
    )
    history = train.cut(inner.train, _before(inner, train))
    return Cuts(
        everything=data,
        train=train,
        known=train if outer.kind != "strong" else data.cut(outer.known, train.as_of),
        history=history,
        known_history=history if inner.kind != "strong" else train.cut(inner.known, history.as_of),
        window=train.events.take(inner.test),
        test=data.events.take(outer.test),
        outer=outer,
        inner=inner,
    )


def _before(made: Split, data: Dataset) -> pd.Timestamp | None:
    return made.cut if made.cut is not None else data.as_of


def _has_two_times(events: Events) -> bool:
    return events.time is not None and len(np.unique(events.time)) > 1


def sample_of(users: Int32Array, most: int, seed: int) -> Int32Array:
    """At most `most` of `users`, drawn without replacement, in ascending order."""
    if len(users) <= most:
        return users
    rng = np.random.default_rng([seed, 2])
    return np.sort(rng.choice(users, size=most, replace=False))
