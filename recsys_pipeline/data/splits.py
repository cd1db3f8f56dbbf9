"""Splits: which events are learned from and which are held out to judge what was learned."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.data.dataset import BoolArray, Events
from recsys_pipeline.errors import SettingsError

SplitKind = Literal["temporal", "last", "leave_last", "random", "strong"]
Stratify = Literal["user", "movie"]
Rng = np.random.Generator | np.random.RandomState
_Keep = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""How many events a group of each size keeps: both ``(n_groups,)``."""

ENOUGH_TEST_USERS: Final = 100
"""Test users with a history before the cut that make a cut in time worth judging by."""


_KINDS: Final = ("auto", *get_args(SplitKind))


@dataclass(frozen=True)
class Split:
    """Which events are learned from, which are known, and which are held out.

    Attributes:
        kind: the kind of split that was made.
        reason: what is held out and why, one sentence for people.
        train: bool ``(n_events,)``, the events to learn from; all of them are `known`.
        known: bool ``(n_events,)``, the events that are known of the users when they are judged.
            Those beyond `train` belong to users that nothing was learned from; only the split
            ``strong`` has any.
        test: bool ``(n_events,)``, the events held out: exactly those not `known`.
        cut: for a cut in time the first moment that is held out; else None.
    """

    kind: SplitKind
    reason: str
    train: BoolArray
    known: BoolArray
    test: BoolArray
    cut: pd.Timestamp | None


def split(
    events: Events,
    kind: Literal["auto"] | SplitKind = "auto",
    *,
    rng: Rng,
    test_share: float = 0.2,
    stratify: Stratify = "user",
    user_share: float = 0.2,
) -> Split:
    """Hold out some of `events`; in ``temporal``, ``last`` and ``random`` about `test_share`.

    - ``temporal``: one cut in time for everybody. Training is strictly before it; events at the
      same time are never on different sides. Of all cuts the one whose share is nearest.
    - ``last``: the last events of each user, in order of (time, item).
    - ``leave_last``: the very last event of each user in that order. Users with one event keep it
      for training.
    - ``strong`` (strong generalisation, Marlin, Collaborative filtering: a machine learning
      perspective, 2004): nothing is learned from `user_share` of the users. Of each of them the
      last `test_share` is held out, in order of (time, item), or drawn at random where time does
      not tell events apart; the rest is known when they are judged. Only users with two events or
      more are drawn, and at least one user is left to learn from.
    - ``random``: events of each user (or movie) drawn at random: of its shuffled events the first
      ``round((1 - test_share) * n)`` are for training.
    - ``auto``: ``random`` where time does not tell events apart; else ``temporal`` if its share is
      within a factor of two of the one asked for and enough of its test users have a history
      before the cut (at least 100, or at least half of them); else ``last``.

    In ``last``, ``strong`` and ``random`` by user at least one event of a user stays known, and of
    two events or more at least one is held out; a single event is for training. By movie the
    rounding alone decides, which is the protocol of published figures.

    Events at the same time are in order of their item, so that what else is in the data, and in
    which order, does not move an event to the other side.

    Args:
        rng: draws the shuffle of ``random`` and the users of ``strong``; the others do not touch
            it. A ``RandomState`` shuffles as ``DataFrame.sample(frac=1, random_state=...)`` does.
        test_share: share held out, more than 0 and less than 1.
        stratify: what ``random`` draws within.
        user_share: share of the users that ``strong`` does not learn from, more than 0 and less
            than 1.

    Returns:
        the split; without events all masks are empty.

    Raises:
        SettingsError: `kind` or `stratify` is unknown, `test_share` or `user_share` is out of
            range, or ``temporal``, ``last`` or ``leave_last`` is asked for and the events have no
            time (or, for ``temporal``, only one).
    """
    _check(events, kind, test_share, stratify, user_share)
    if kind == "auto":
        return _automatic(events, test_share, rng, stratify)
    if kind == "temporal":
        return _temporal(events, test_share)
    if kind == "last":
        return _last(events, test_share, f"Each user's last {_percent(test_share)} is held out.")
    if kind == "leave_last":
        return _leave_last(events)
    if kind == "strong":
        return _strong(events, test_share, user_share, rng)
    return _random(events, test_share, rng, stratify, "")


def _check(events: Events, kind: str, test_share: float, stratify: str, user_share: float) -> None:
    if kind not in _KINDS:
        raise SettingsError(f"unknown split {kind!r}", f"Use one of {', '.join(_KINDS)}.")
    if stratify not in ("user", "movie"):
        raise SettingsError(f"a split cannot be stratified by {stratify!r}", "Use 'user', 'movie'.")
    if not 0 < test_share < 1:
        raise SettingsError(
            f"a test share of {test_share} leaves nothing to learn from or to judge by",
            "Use a number between 0 and 1, such as 0.2.",
        )
    if not 0 < user_share < 1:
        raise SettingsError(
            f"a user share of {user_share} leaves nobody to learn from or to judge by",
            "Use a number between 0 and 1, such as 0.2.",
        )
    if kind in ("temporal", "last", "leave_last") and events.time is None:
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
    return replace(made, reason=reason)


def _test_users(events: Events, made: Split) -> tuple[int, int]:
    """How many test users have an event in training, and how many test users there are."""
    tested = np.unique(events.user[made.test])
    return int(np.isin(tested, events.user[made.train]).sum()), len(tested)


def _last(events: Events, test_share: float, reason: str) -> Split:
    train = _first_of_each(events.user, _in_time(events), _some_on_each_side(test_share))
    return _made("last", reason, train, None)


def _leave_last(events: Events) -> Split:
    train = _first_of_each(events.user, _in_time(events), _all_but_one)
    reason = (
        f"The last event of each user is held out: {int((~train).sum()):,} of {len(events):,}. "
        "Users with one event keep it for training."
    )
    return _made("leave_last", reason, train, None)


def _strong(events: Events, test_share: float, user_share: float, rng: Rng) -> Split:
    users, sizes = np.unique(events.user, return_counts=True)
    possible = users[sizes > 1]
    wanted = max(round(user_share * len(possible)), 1)
    n_unseen = min(wanted, len(possible), max(len(users) - 1, 0))
    unseen = np.isin(events.user, rng.permutation(possible)[:n_unseen])
    by_time = events.time is not None and len(np.unique(events.time)) > 1
    order = _in_time(events) if by_time else rng.permutation(len(events))
    known = ~unseen | _first_of_each(events.user, order, _some_on_each_side(test_share))
    which = "the last" if by_time else "a random"
    reason = (
        f"Nothing is learned from {n_unseen:,} of {len(users):,} users; of each of them "
        f"{which} {_percent(test_share)} is held out and the rest is known."
    )
    return Split("strong", reason, ~unseen, known, ~known, None)


def _in_time(events: Events) -> npt.NDArray[np.intp]:
    """The events in order of (time, item), which no other event can change."""
    assert events.time is not None
    return np.lexsort((events.item, events.time))


def _random(events: Events, test_share: float, rng: Rng, stratify: Stratify, because: str) -> Split:
    order = rng.permutation(len(events))
    if stratify == "user":
        train = _first_of_each(events.user, order, _some_on_each_side(test_share))
    else:
        train = _first_of_each(events.item, order, _all_but(test_share))
    what = f"a random {_percent(test_share)} of each {stratify}'s events is held out."
    reason = f"{because}, so {what}" if because else what
    return _made("random", reason[0].upper() + reason[1:], train, None)


def _first_of_each(group: npt.NDArray[np.int32], order: npt.NDArray[Any], keep: _Keep) -> BoolArray:
    """Which events are among the first of their group, going through the events in `order`."""
    grouped = order[np.argsort(group[order], kind="stable")]
    sizes = np.bincount(group) if len(group) else np.zeros(0, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(group)) - starts[group[grouped]]
    train = np.empty(len(group), dtype=bool)
    train[grouped] = place < keep(sizes)[group[grouped]]
    return train


def _all_but(test_share: float) -> _Keep:
    """The share that is not held out, rounded."""
    # 0.7 * 10 must be 7 and not a hair more or less before it is rounded.
    return lambda sizes: np.round(np.round((1 - test_share) * sizes, 9))


def _some_on_each_side(test_share: float) -> _Keep:
    """Like `_all_but`, but at least one, and of two or more not all."""
    return lambda sizes: np.clip(_all_but(test_share)(sizes), 1, np.maximum(sizes - 1, 1))


def _all_but_one(sizes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kept: npt.NDArray[Any] = np.maximum(sizes - 1, 1)
    return kept


def _made(kind: SplitKind, reason: str, train: BoolArray, cut: pd.Timestamp | None) -> Split:
    return Split(kind, reason, train, train, ~train, cut)
