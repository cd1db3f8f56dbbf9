"""Splits: which events are learned from and which are held out to judge what was learned."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray, Events
from recsys_pipeline.errors import SettingsError

SplitKind = Literal["temporal", "last", "random"]
Stratify = Literal["user", "movie"]
Rng = np.random.Generator | np.random.RandomState

ENOUGH_TEST_USERS: Final = 100
"""Test users with a history before the cut that make a cut in time worth judging by."""


@dataclass(frozen=True)
class Split:
    """Which events are for training and which are held out: disjoint and complete.

    Attributes:
        kind: the kind of split that was made.
        reason: what is held out and why, one sentence for people.
        train: bool ``(n_events,)``, the events to learn from.
        test: bool ``(n_events,)``, the events held out: exactly those not in `train`.
        cut: for a cut in time the first moment that is held out; else None.
    """

    kind: SplitKind
    reason: str
    train: BoolArray
    test: BoolArray
    cut: pd.Timestamp | None


def split(
    events: Events,
    kind: Literal["auto", "temporal", "last", "random"] = "auto",
    *,
    rng: Rng,
    test_share: float = 0.2,
    stratify: Stratify = "user",
) -> Split:
    """Hold out about `test_share` of `events`.

    - ``temporal``: one cut in time for everybody. Training is strictly before it; events at the
      same time are never on different sides. Of all cuts the one whose share is nearest.
    - ``last``: the last events of each user, in order of (time, item).
    - ``random``: events of each user (or movie) drawn at random: of its shuffled events the first
      ``round((1 - test_share) * n)`` are for training.
    - ``auto``: ``random`` where time does not tell events apart; else ``temporal`` if its share is
      within a factor of two of the one asked for and enough of its test users have a history
      before the cut (at least 100, or at least half of them); else ``last``.

    In ``last`` and ``random`` by user a user keeps at least one event for training, and of two
    events or more at least one is held out; a single event is for training. By movie the
    rounding alone decides, which is the protocol of published figures.

    Args:
        rng: draws the shuffle of ``random``; the others do not touch it. A ``RandomState`` shuffles
            as ``DataFrame.sample(frac=1, random_state=...)`` does.
        test_share: share held out, more than 0 and less than 1.
        stratify: what ``random`` draws within.

    Returns:
        the split; without events both masks are empty.

    Raises:
        SettingsError: `kind` or `stratify` is unknown, `test_share` is out of range, or
            ``temporal`` or ``last`` is asked for and the events have no time (or, for
            ``temporal``, only one).
    """
    _check(events, kind, test_share, stratify)
    if kind == "auto":
        return _automatic(events, test_share, rng, stratify)
    if kind == "temporal":
        return _temporal(events, test_share)
    if kind == "last":
        return _last(events, test_share, f"Each user's last {_percent(test_share)} is held out.")
    return _random(events, test_share, rng, stratify, "")


def _check(events: Events, kind: str, test_share: float, stratify: str) -> None:
    if kind not in ("auto", "temporal", "last", "random"):
        raise SettingsError(
            f"unknown split {kind!r}", "Use 'auto', 'temporal', 'last' or 'random'."
        )
    if stratify not in ("user", "movie"):
        raise SettingsError(f"a split cannot be stratified by {stratify!r}", "Use 'user', 'movie'.")
    if not 0 < test_share < 1:
        raise SettingsError(
            f"a test share of {test_share} leaves nothing to learn from or to judge by",
            "Use a number between 0 and 1, such as 0.2.",
        )
    if kind in ("temporal", "last") and events.time is None:
        raise SettingsError(
            f"the split {kind!r} needs times and the interactions have none",
            "Map a timestamp column of the interactions, or use the split 'auto' or 'random'.",
        )


def _automatic(events: Events, test_share: float, rng: Rng, stratify: Stratify) -> Split:
    if events.time is None:
        return _random(events, test_share, rng, stratify, "the events have no time")
    if len(events) and (events.time == events.time[0]).all():
        return _random(events, test_share, rng, stratify, "all events have the same time")
    temporal = _temporal(events, test_share)
    if not len(events):
        return temporal
    held = float(temporal.test.mean())
    if not test_share / 2 <= held <= test_share * 2:
        why = f"a cut in time would hold out {_percent(held)} of all events"
        return _last(events, test_share, _instead(why, test_share))
    with_history, test_users = _test_users(events, temporal)
    if with_history >= ENOUGH_TEST_USERS or 2 * with_history >= test_users:
        return temporal
    why = f"a cut in time would leave {with_history:,} of {test_users:,} test users with a history"
    return _last(events, test_share, _instead(why, test_share))


def _instead(why: str, test_share: float) -> str:
    last = f"so each user's last {_percent(test_share)} is held out instead."
    return f"{why[0].upper()}{why[1:]}, {last}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _temporal(events: Events, test_share: float) -> Split:
    if not len(events):
        return _made("temporal", "There are no events.", np.zeros(0, dtype=bool), None)
    assert events.time is not None
    times, counts = np.unique(events.time, return_counts=True)
    if len(times) == 1:
        raise SettingsError(
            "the split 'temporal' needs events at different times, and all have the same one",
            "Use the split 'auto' or 'random'.",
        )
    held = counts[::-1].cumsum()[::-1][1:] / len(events)
    distance = np.abs(held - test_share)
    # Of two cuts equally near, the later one leaves more to learn from.
    place = len(distance) - 1 - int(np.argmin(distance[::-1]))
    first = times[1:][place]
    cut = pd.Timestamp(int(first), unit="us", tz="UTC")
    made = _made("temporal", "", events.time < first, cut)
    with_history, test_users = _test_users(events, made)
    reason = (
        f"Events from {cut:%Y-%m-%d %H:%M} UTC on are held out: {_percent(held[place])} of all; "
        f"{with_history:,} of their {test_users:,} users have a history before."
    )
    return Split(made.kind, reason, made.train, made.test, cut)


def _test_users(events: Events, made: Split) -> tuple[int, int]:
    """How many test users have an event in training, and how many test users there are."""
    tested = np.unique(events.user[made.test])
    return int(np.isin(tested, events.user[made.train]).sum()), len(tested)


def _last(events: Events, test_share: float, reason: str) -> Split:
    assert events.time is not None
    order = np.lexsort((events.item, events.time))
    train = _first_of_each(events.user, order, test_share, _at_least_one)
    return _made("last", reason, train, None)


def _random(events: Events, test_share: float, rng: Rng, stratify: Stratify, because: str) -> Split:
    order = rng.permutation(len(events))
    if stratify == "user":
        train = _first_of_each(events.user, order, test_share, _at_least_one)
    else:
        train = _first_of_each(events.item, order, test_share, _rounded)
    what = f"a random {_percent(test_share)} of each {stratify}'s events is held out."
    reason = f"{because}, so {what}" if because else what
    return _made("random", reason[0].upper() + reason[1:], train, None)


def _first_of_each(
    group: npt.NDArray[np.int32],
    order: npt.NDArray[Any],
    test_share: float,
    keep: Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]],
) -> BoolArray:
    """Which events are among the first of their group, going through the events in `order`."""
    grouped = order[np.argsort(group[order], kind="stable")]
    sizes = np.bincount(group) if len(group) else np.zeros(0, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(group)) - starts[group[grouped]]
    # 0.7 * 10 must be 7 and not a hair more or less before it is rounded.
    kept = keep(np.round(np.round((1 - test_share) * sizes, 9)), sizes)
    train = np.empty(len(group), dtype=bool)
    train[grouped] = place < kept[group[grouped]]
    return train


def _at_least_one(kept: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    clipped: npt.NDArray[Any] = np.clip(kept, 1, np.maximum(sizes - 1, 1))
    return clipped


def _rounded(kept: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return kept


def _made(kind: SplitKind, reason: str, train: BoolArray, cut: pd.Timestamp | None) -> Split:
    return Split(kind, reason, train, ~train, cut)
